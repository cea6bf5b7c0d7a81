"""What the tasks of batches do: wait for rows, list days, build them, tell it.

Statements are read from `sql/` when a task runs, never when a DAG is parsed, and are
no templates: a text in them may hold whatever Jinja would take for its own.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.providers.clickhousedb.hooks.clickhouse import ClickHouseHook
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

SQL = Path(__file__).parent / "sql"
NEXT = "\n-- next statement\n"


class BatchOperator(BaseOperator):
    """A task of one batch.

    :param batch: the folder of its statements in `sql/`
    :param zone: the project's time zone
    :param connection: the id of the connection to the warehouse
    :param whole_days: runs are daily, and an hourly batch is asked for the last hour
    """

    def __init__(
        self,
        *,
        batch: str,
        zone: str,
        connection: str,
        whole_days: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.batch = batch
        self.zone = zone
        self.connection = connection
        self.whole_days = whole_days

    def run_of(self, context: Context) -> dict[str, str]:
        """The parameter of the run: the day, or the hour, that was over."""
        start = context.get("data_interval_start")
        if start is None:
            raise AirflowFailException(
                "this run has no logical date, so there is no day to build: "
                "trigger it with one, or use `airflow backfill create`"
            )
        local = pendulum.instance(start).in_timezone(self.zone)
        if not self.batch.endswith("__hourly"):
            return {"day": local.to_date_string()}
        if self.whole_days:
            return {"hour": utc(local.start_of("day").add(days=1).subtract(hours=1))}
        return {"hour": utc(start_of_hour(local))}

    def statements(self, step: str) -> list[str]:
        """The statements of a step."""
        text = (SQL / self.batch / step).read_text(encoding="utf-8")
        return text.split(NEXT)

    def rows(self, step: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a step that is one question."""
        (question,) = self.statements(step)
        client = ClickHouseHook(clickhouse_conn_id=self.connection).get_client()
        try:
            answer = client.query(question, parameters=parameters)
            return list(answer.named_results())
        finally:
            client.close()

    def broken_rules(
        self, files: Sequence[tuple[str, bool]], days: list[str]
    ) -> dict[str, list[str]]:
        """The rules of quality that stop a day, by days; all others are told."""
        broken: dict[str, list[str]] = {}
        for file, stops in files:
            for row in self.rows(f"../quality/{file}", {"days": days}):
                day = str(row["day"])
                told = (
                    f"{day}: `{row['rule']}` of {file} is {row['value']} over "
                    f"{row['rows']} rows, and has to be {row['bound']}"
                )
                if row["passed"]:
                    self.log.info("kept: %s", told)
                elif stops:
                    broken.setdefault(day, []).append(told)
                else:
                    self.log.warning("broken, and only told: %s", told)
        return broken

    def apply(self, step: str, parameters: dict[str, Any]) -> None:
        """Runs the statements of a step in their order."""
        client = ClickHouseHook(clickhouse_conn_id=self.connection).get_client()
        try:
            for statement in self.statements(step):
                client.command(statement, parameters=parameters)
        finally:
            client.close()


def start_of_hour(local: pendulum.DateTime) -> pendulum.DateTime:
    """The start of the hour by the clock of the zone, where an hour may come twice."""
    past = timedelta(
        minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
    return local.in_timezone("UTC") - past


def utc(at: pendulum.DateTime) -> str:
    """An instant as a parameter."""
    return at.in_timezone("UTC").format("YYYY-MM-DD HH:mm:ss")


class Wait(BatchOperator):
    """Waits until a question is answered with yes.

    Between two looks the task is deferred and takes no slot of a worker. The look is
    the worker's, so that the triggerer needs nothing but Airflow's own trigger.

    :param step: the question, a file of the batch
    :param until: the column that has to be true
    :param every: how long it waits between two looks
    :param up_to: after how long it gives up
    """

    def __init__(
        self,
        *,
        step: str,
        until: str,
        every: timedelta,
        up_to: timedelta,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.step = step
        self.until = until
        self.every = every
        self.up_to = up_to

    def execute(self, context: Context) -> None:
        """Looks for the first time."""
        # Not by `kwargs` of the trigger: `dag.test` drops those beside an event.
        context["ti"].xcom_push(key="since", value=pendulum.now("UTC").isoformat())
        self.look(context)

    def execute_complete(self, context: Context, event: object) -> None:
        """Looks again."""
        self.look(context)

    def look(self, context: Context) -> None:
        """Ends where the answer is yes, and waits on where it is not."""
        run = self.run_of(context)
        (row,) = self.rows(self.step, run)
        if row[self.until]:
            return
        since = context["ti"].xcom_pull(task_ids=self.task_id, key="since")
        if pendulum.now("UTC") - pendulum.parse(since) >= self.up_to:
            (when,) = run.values()
            raise AirflowFailException(
                f"waited {self.up_to} for {when} in vain: "
                f"`{self.until}` of sql/{self.batch}/{self.step} is not true"
            )
        self.defer(trigger=TimeDeltaTrigger(self.every), method_name="execute_complete")


class ListDays(BatchOperator):
    """Lists the days to build: a list of at most 100 days for each task that follows.

    With the parameter `history` of the DAG they are all days that have rows.
    """

    def execute(self, context: Context) -> list[list[str]]:
        """Asks which days they are."""
        step = "history.sql" if context["params"].get("history") else "1_days.sql"
        lists = [row["days"] for row in self.rows(step, self.run_of(context))]
        return [[str(day) for day in days] for days in lists]


class BuildDays(BatchOperator):
    """Stages a list of days, asks the quality gates, and puts day by day in its place.

    It is one task, because nothing else of this batch may come between its steps. So
    it is the one that `max_active_tis_per_dag=1` is about: that holds for all runs,
    while backfills have a limit of runs of their own. A task that was killed is run
    again as a whole, and what it left behind goes away.

    :param days: the days, as `2026-11-01`
    :param gates: files in `sql/quality`, and whether a broken rule stops the swap
    """

    def __init__(
        self, *, days: list[str], gates: Sequence[tuple[str, bool]] = (), **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.days = days
        self.gates = gates

    def execute(self, context: Context) -> list[str]:
        """Builds them; gives the days."""
        self.log.info("stage %s", ", ".join(self.days))
        self.apply("2_stage.sql", {**self.run_of(context), "days": self.days})
        broken = self.broken_rules(self.gates, self.days)
        for day in self.days:
            if day not in broken:
                self.log.info("publish %s", day)
                self.apply("3_publish.sql", {"day": day})
        if broken:
            raise AirflowFailException(
                "quality keeps days back, of which readers see what they saw before:\n"
                + "\n".join(line for lines in broken.values() for line in lines)
            )
        return self.days


class CompareDays(BatchOperator):
    """Asks rules about what has been built, beside what a stream has made of it.

    :param rules: files in `sql/quality`, and whether a broken rule fails the task
    """

    def __init__(self, *, rules: Sequence[tuple[str, bool]], **kwargs: Any):
        super().__init__(**kwargs)
        self.rules = rules

    def execute(self, context: Context) -> None:
        """Asks them of the day of the run."""
        (when,) = self.run_of(context).values()
        if "day" not in self.run_of(context):
            hour = pendulum.parse(when, tz="UTC").in_timezone(self.zone)
            when = hour.to_date_string()
        broken = self.broken_rules(self.rules, [when])
        if broken:
            raise AirflowFailException(
                "what was built is not as it should be:\n" + "\n".join(broken[when])
            )


class Built(BatchOperator):
    """Tells by assets that the run is done, with its day (or hour)."""

    def execute(self, context: Context) -> None:
        """Writes it to the events."""
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = self.run_of(context)


class BuiltAcross(BaseOperator):
    """Tells by assets what is built once batches of several DAGs are.

    The events say which days (or hours) these were built for.
    """

    def execute(self, context: Context) -> None:
        """Writes it to the events."""
        events = [
            one for all in context["triggering_asset_events"].values() for one in all
        ]
        runs = {value for event in events for value in event.extra.values()}
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = {"runs": sorted(map(str, runs))}


class CheckBuilt(BatchOperator):
    """Fails where a batch is not built, however that came about: even without a run."""

    def execute(self, context: Context) -> None:
        """Asks the warehouse."""
        run = self.run_of(context)
        (row,) = self.rows("built.sql", run)
        if not row["is_built"]:
            (when,) = run.values()
            raise AirflowFailException(f"{self.batch} of {when} is not built")
