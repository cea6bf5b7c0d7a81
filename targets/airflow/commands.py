"""Tasks that run `metricc`: the verdicts on double runs{{ ", and reports" if reports }}."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.sdk import BaseOperator, Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from airflow.sdk import Context

# What `metricc` ends with where it found what it was asked to look for.
FINDINGS = 1


class Command(BaseOperator):
    """Runs `metricc` over the project, with the server of the connection.

    :param project: the folder of the project on the worker
    :param command: the program there
    :param zone: the project's time zone
    :param connection: the id of the connection to the warehouse
    """

    def __init__(
        self, *, project: str, command: str, zone: str, connection: str, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.project = project
        self.command = command
        self.zone = zone
        self.connection = connection

    def day(self, context: Context) -> str:
        """The day of the run."""
        start = context.get("data_interval_start")
        if start is None:
            raise AirflowFailException("this run has no logical date, so it has no day")
        return pendulum.instance(start).in_timezone(self.zone).to_date_string()

    def run_command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs it; secrets go by the environment, and what it says to the log."""
        server = Connection.get(self.connection)
        scheme = "https" if server.extra_dejson.get("secure") else "http"
        environment = {
            **os.environ,
            "METRICC_CLICKHOUSE_URL": f"{scheme}://{server.host}:{server.port or 8123}",
            "METRICC_CLICKHOUSE_USER": server.login or "default",
            "METRICC_CLICKHOUSE_PASSWORD": server.password or "",
            "NO_COLOR": "1",
        }
        line = [self.command, "--project", self.project, *arguments]
        self.log.info("%s", " ".join(line))
        done = subprocess.run(
            line, env=environment, capture_output=True, text=True, check=False
        )
        self.log.info("%s%s", done.stdout, done.stderr)
        if done.returncode not in (0, FINDINGS):
            raise AirflowException(f"metricc ended with {done.returncode}")
        return done


class Verify(Command):
    """Compares both versions of a change, and records the verdict of the day.

    :param change: its name
    :param warehouse: the target whose views are compared
    """

    def __init__(self, *, change: str, warehouse: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.change = change
        self.warehouse = warehouse

    def execute(self, context: Context) -> str:
        """Fails where they differ by more than the change allows."""
        day = self.day(context)
        place = f"clickhouse:{self.warehouse}"
        done = self.run_command(
            "verify", self.change, "--in", place, "--from", day, "--to", day, "--record"
        )
        if done.returncode == FINDINGS:
            raise AirflowFailException(
                f"{self.change}: the versions do not agree on {day}\n{done.stdout}"
            )
        return f"{self.change}: the versions agree on {day}"
{% if reports %}


class Report(Command):
    """Makes a report of the period that ended with the day before, and sends it.

    Whoever has it is not sent it again, so a task that failed may be run again.

    :param report: its name
    :param warehouse: the target that is asked for the values
    """

    def __init__(self, *, report: str, warehouse: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.report = report
        self.warehouse = warehouse

    def execute(self, context: Context) -> None:
        """Fails where it could not be made, or did not reach somebody."""
        day = self.day_before(context)
        done = self.run_command(
            "report",
            self.report,
            "--date",
            day,
            "--clickhouse",
            "--target",
            self.warehouse,
            "--send",
        )
        if done.returncode != 0:
            raise AirflowException(f"{self.report} of {day} is not delivered")

    def day_before(self, context: Context) -> str:
        """The day before the one on which the run starts."""
        end = context.get("data_interval_end")
        if end is None:
            raise AirflowFailException("this run has no logical date, so it has no day")
        local = pendulum.instance(end).in_timezone(self.zone)
        return local.subtract(days=1).to_date_string()
{% endif %}
