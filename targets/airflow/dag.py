"""{{ about }}"""

from __future__ import annotations

from datetime import timedelta

import pendulum
{{ imports }}
ZONE = {{ zone | py(0, 7) }}
{% if connection %}
CONNECTION = {{ connection | py(0, 13) }}
{% endif %}

DOC = {{ doc | py_lines(0) }}

with DAG(
    dag_id={{ id | py(4, 7) }},
    dag_display_name={{ display | py(4, 17) }},
    description={{ description | py(4, 12) }},
{% if cron %}
    schedule=CronTriggerTimetable(
        {{ cron | py(8, 0) }}, timezone=ZONE, interval=timedelta({{ interval }})
    ),
{% else %}
    schedule=[
{% for batch in after %}
        batch({{ batch.asset | py(8, 7) }}, {{ batch.word | py(8, 0) }}),
{% endfor %}
    ],
{% endif %}
    start_date=pendulum.datetime({{ first_day }}, tz=ZONE),
    catchup=False,
    max_active_runs=1,
{% if deadline %}
    # Counted from when a run is queued: a backfill has as long as any other run.
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta({{ deadline.interval }}),
        callback=AsyncCallback(
            {{ deadline.callback | py(12, 0) }},
            kwargs={
                "dag_id": {{ id | py(16, 10) }},
                "by": {{ deadline.by | py(16, 6) }},
            },
        ),
    ),
{% endif %}
    default_args={
        "owner": {{ owner | py(8, 9) }},
        "pool": {{ pool | py(8, 8) }},
        "retries": {{ retries }},
        "retry_delay": timedelta({{ retry_delay }}),
        "retry_exponential_backoff": 2,
        "max_retry_delay": timedelta(hours=1),
        "execution_timeout": timedelta({{ timeout }}),
        "on_failure_callback": failed,
    },
{% if history %}
    params={
        "history": Param(
            False,
            type="boolean",
            description="build all days that have rows, up to the run's",
        ),
    },
{% endif %}
    tags={{ tags | py_list(4, 5) }},
    doc_md=DOC,
):
{{ body }}