"""Runs Spark's declarative pipelines for the tests (tests/support/spark.rs): one server, hence one JVM, for all that is asked.

Called with a folder of its own. Reads requests, each a line of JSON, and answers each with a line: {"ok": …} or {"error": "…"}.
When its input ends it stops the server. What Spark says goes to the folder's `log`.
"""

import datetime
import decimal
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pyspark

folder = Path(sys.argv[1])
# Instants come in the zone of this process.
os.environ["TZ"] = "UTC"
time.tzset()
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
log = open(folder / "log", "ab")
# Whatever a library prints is no answer.
os.dup2(log.fileno(), 1)
os.dup2(log.fileno(), 2)

OPTIONS = "-Duser.timezone=UTC -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
CONFIGURATION = {
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.connect.grpc.binding.port": "0",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": OPTIONS,
    "spark.local.dir": f"{folder}/scratch",
    # A flow that cannot run fails at once.
    "spark.sql.pipelines.maxFlowRetryAttempts": "0",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.warehouse.dir": f"{folder}/warehouse",
    "spark.ui.enabled": "false",
}


def start():
    """The server's process, and its port once it listens."""
    home = os.path.dirname(pyspark.__file__)
    command = [f"{home}/bin/spark-submit", "--master", "local[2]", "--driver-memory", "2g"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    for name, value in CONFIGURATION.items():
        command += ["--conf", f"{name}={value}"]
    environment = {**os.environ, "SPARK_HOME": home, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    said = open(folder / "server.log", "wb")
    server = subprocess.Popen([*command, "spark-internal"], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    for _ in range(1200):
        text = (folder / "server.log").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"Spark Connect server started at: \S*?:(\d+)\s", text)
        if found:
            return server, int(found.group(1))
        if server.poll() is not None:
            raise RuntimeError(f"Spark ended with {server.returncode}: {text[-2000:]}")
        time.sleep(0.1)
    raise RuntimeError(f"Spark does not start: {text[-2000:]}")


def pipeline(request, dry):
    from pyspark.pipelines import cli

    cli.run(Path(request["spec"]), [], False, [], dry)


def query(request):
    from pyspark.sql import SparkSession

    found = SparkSession.builder.getOrCreate().sql(request["sql"])
    rows = [[cell(value) for value in row] for row in found.collect()]
    return {"columns": found.columns, "types": [kind for _, kind in found.dtypes], "rows": rows}


def cell(value):
    """A value as text: instants in UTC, lists and the like as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "milliseconds")
    if isinstance(value, (bool, dict, list)):
        return json.dumps(value, ensure_ascii=False, default=cell)
    if isinstance(value, tuple):
        return json.dumps(list(value), ensure_ascii=False, default=cell)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return str(value)


ACTIONS = {"dry_run": lambda request: pipeline(request, True), "run": lambda request: pipeline(request, False), "query": query}


def answer(what):
    answers.write(json.dumps(what, ensure_ascii=False) + "\n")
    answers.flush()


server = None
try:
    try:
        server, port = start()
        os.environ["SPARK_REMOTE"] = f"sc://127.0.0.1:{port}"
        answer({"ok": None})
    except Exception as error:
        answer({"error": str(error)})
        raise
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer({"ok": ACTIONS[request["do"]](request)})
        except Exception as error:
            answer({"error": str(error).split("\n\nJVM stacktrace:")[0]})
finally:
    if server is not None:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
    # The client's threads would go on asking the server that is gone, for minutes.
    os._exit(0)
