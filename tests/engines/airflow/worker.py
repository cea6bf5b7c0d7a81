"""Runs DAGs of Airflow for the tests (tests/support/airflow.rs), in this process.

Called with a folder of its own, the folder of DAGs and that of plugins. Reads requests, each a line of JSON, and answers each with a line:
{"ok": …} or {"error": "…"}. What Airflow says goes to the folder's `log`.
"""

import datetime
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

folder, dags, plugins = (Path(argument) for argument in sys.argv[1:4])
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
log = open(folder / "log", "ab")
# Whatever a library prints is no answer.
os.dup2(log.fileno(), 1)
os.dup2(log.fileno(), 2)

bundles = [{"name": "made", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {"path": str(dags)}}]
os.environ |= {
    "AIRFLOW_HOME": str(folder),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
sys.path += [str(plugins)]


def bag():
    """What a scheduler makes of the folder."""
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.serialization.serialized_objects import DagSerialization

    found = BundleDagBag(dag_folder=str(dags), bundle_path=dags, bundle_name="made")
    for one in found.dags.values():
        DagSerialization.serialize_dag(one)
    return found


def about(dag):
    tasks = {
        task.task_id: {
            "after": sorted(task.upstream_task_ids),
            "owner": task.owner,
            "pool": task.pool,
            "retries": task.retries,
            "outlets": sorted(outlet.uri for outlet in getattr(task, "outlets", None) or []),
            "display": task.task_display_name,
            "limit": task.max_active_tis_per_dag,
            "doc": task.doc_md,
        }
        for task in dag.tasks
    }
    return {"display": dag.dag_display_name, "doc": dag.doc_md, "tags": sorted(dag.tags), "tasks": tasks, "catchup": dag.catchup,
            "runs": dag.max_active_runs, "deadlines": len(dag.deadline or []), "assets": assets(dag)}


def assets(dag):
    condition = getattr(dag.timetable, "asset_condition", None)
    return sorted(asset.uri for asset in condition.objects) if condition else []


def load(request):
    found = bag()
    return {
        "errors": found.import_errors,
        "seconds": {stat.file: stat.duration.total_seconds() for stat in found.dagbag_stats},
        "dags": {name: about(dag) for name, dag in found.dags.items()},
    }


def run(request):
    """One run at a logical date, with all of its tasks."""
    from airflow.utils.session import create_session

    log.flush()
    before = (folder / "log").stat().st_size
    made = bag().dags[request["dag"]].test(
        logical_date=datetime.datetime.fromisoformat(request["at"]), run_conf=request.get("conf") or {}
    )
    with create_session() as session:
        tasks = {f"{ti.task_id}{'' if ti.map_index < 0 else f'[{ti.map_index}]'}": str(ti.state) for ti in made.get_task_instances(session=session)}
    with open(folder / "log", "rb") as said:
        said.seek(before)
        text = said.read().decode("utf-8", "replace")
    return {"state": str(made.state), "tasks": tasks, "log": text}


def intervals(request):
    """The next runs of a DAG behind an instant."""
    import pendulum
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction

    timetable = coerce_to_core_timetable(bag().dags[request["dag"]].timetable)
    earliest, last, found = pendulum.parse(request["after"]), None, []
    for _ in range(request["count"]):
        info = timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=TimeRestriction(earliest=earliest, latest=None, catchup=True)
        )
        last = info.data_interval
        found.append([str(info.run_after), str(last.start)])
    return found


def lint(request):
    command = [sys.executable, "-m", "ruff", *request["with"], str(dags.parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return {"code": done.returncode, "text": done.stdout + done.stderr}


def call(request):
    """The callback of a deadline, as the triggerer calls it."""
    import asyncio

    from airflow.sdk._shared.module_loading import import_string

    return asyncio.run(import_string(request["path"])(**request["kwargs"]))


def answer(request):
    wanted = {"load": load, "run": run, "intervals": intervals, "lint": lint, "call": call}
    try:
        return {"ok": wanted[request["do"]](request)}
    except BaseException:
        return {"error": traceback.format_exc()}


def main():
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True)
    print(json.dumps({"ok": None}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


main()
