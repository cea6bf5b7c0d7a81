"""Tells people what went wrong: in the log{{ ", and to an Alertmanager" if alerts }}.

`failed` is called where a task has failed for good, `missed` where a run is late.
"""

from __future__ import annotations

import logging
from typing import Any
{% if alerts %}

import httpx
from airflow.sdk import Connection
{% endif %}

log = logging.getLogger(__name__)
{% if alerts %}

# The id of the connection to the Alertmanager.
CONNECTION = {{ alerts | py(0, 13) }}
{% endif %}


def failed(context: dict[str, Any]) -> None:
    """The callback of a task."""
    task = context["ti"]
    labels = {
        "alertname": "MetriccTaskFailed",
        "severity": "critical",
        "dag_id": task.dag_id,
        "task_id": task.task_id,
    }
    why = str(context.get("exception") or "it was killed")
    summary = f"{task.dag_id}: {task.task_id} of {task.run_id} failed: {why}"
    log.error("%s", summary)
{% if alerts %}
    try:
        request = alert(Connection.get(CONNECTION), labels, summary)
        httpx.post(**request).raise_for_status()
    except Exception:
        log.exception("the alert could not be sent by `%s`", CONNECTION)
{% else %}
    log.error("labels: %s", labels)
{% endif %}


async def missed(context: dict[str, Any] | None = None, **labels: str) -> None:
    """The callback of a deadline, in the triggerer: it is given `dag_id` and `by`."""
    labels = {"alertname": "MetriccRunLate", "severity": "critical", **labels}
    summary = f"{labels.get('dag_id')} is not done by {labels.get('by')}"
    log.error("%s", summary)
{% if alerts %}
    try:
        server = await Connection.async_get(CONNECTION)
        async with httpx.AsyncClient() as client:
            answer = await client.post(**alert(server, labels, summary))
            answer.raise_for_status()
    except Exception:
        log.exception("the alert could not be sent by `%s`", CONNECTION)


def alert(server: Connection, labels: dict[str, str], summary: str) -> dict[str, Any]:
    """What is posted."""
    port = f":{server.port}" if server.port else ""
    return {
        "url": f"{server.schema or 'http'}://{server.host}{port}/api/v2/alerts",
        "json": [{"labels": labels, "annotations": {"summary": summary}}],
        "auth": (server.login, server.password or "") if server.login else None,
        "timeout": 30,
    }
{% endif %}
