# {{ made_by }}
"""Run the suites beside this file.

    python run.py CONNECTION [SUITE...]

CONNECTION is an address of SQLAlchemy. Prints a line of JSON a rule, and ends with 0
where all rules of severity critical hold, 1 where one is broken, 2 where one could
not be judged.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

# Nothing is told to anybody but the caller.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx

HERE = Path(__file__).resolve().parent


def suites(names=()):
    """The suites of some names, or all."""
    files = sorted((HERE / "suites").glob("*.json"))
    read = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return [suite for suite in read if not names or suite["name"] in names]


def run(connection, names=()):
    """Judge rows that SQLAlchemy reaches: a verdict a rule."""
    # What the library has to say is no verdict.
    with contextlib.redirect_stdout(sys.stderr):
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_sql(name="rows", connection_string=connection)
{%- if duckdb %}
        # Results are read once their connection is given back. There DuckDB forgets
        # them with the end of the transaction; nothing is written, so there is none.
        dialect = source.get_execution_engine().engine.dialect
        dialect.do_begin = dialect.do_rollback = dialect.do_commit = lambda _: None
{%- endif %}
        # Each expectation names its tables; the batch is one row of nothing.
        asset = source.add_query_asset(name="rows", query="SELECT 1 AS one")
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        verdicts = []
        for suite in suites(names):
            for found in batch.validate(gx.ExpectationSuite(**suite)).results:
                verdicts.append(verdict(found))
    return verdicts


def verdict(found):
    """What came of one expectation."""
    raised = found.exception_info or {}
    if "raised_exception" not in raised:
        raised = next(iter(raised.values()), {})
    config = found.expectation_config
    return {
        "rule": config.meta["rule"],
        "bound": config.meta["bound"],
        "severity": getattr(config.severity, "value", config.severity),
        "judged": not raised.get("raised_exception", False),
        "holds": bool(found.success),
        "broken": found.result.get("observed_value"),
        "why": raised.get("exception_message"),
    }

{% if duckdb %}
def over_frames(frames, names=()):
    """Judge frames of pandas, by the names of their tables."""
    import tempfile

    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.duckdb")
        with duckdb.connect(path) as connection:
            for table, frame in frames.items():
                parts = ['"' + part.replace('"', '""') + '"' for part in table.split(".")]
                for schema in parts[:-1]:
                    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
                connection.register("frame", frame)
                connection.execute(f"CREATE TABLE {'.'.join(parts)} AS FROM frame")
                connection.unregister("frame")
        return run(f"duckdb:///{path}", names)

{% endif %}
def main(arguments):
    """The exit code."""
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    verdicts = run(arguments[0], arguments[1:])
    for one in verdicts:
        print(json.dumps(one, ensure_ascii=False))
    if not all(one["judged"] for one in verdicts):
        return 2
    stops = [one for one in verdicts if not one["holds"] and one["severity"] == "critical"]
    return 1 if stops else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
