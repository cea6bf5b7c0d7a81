    with TaskGroup(
        group_id={{ group | py(8, 9) }},
        group_display_name={{ display | py(8, 19) }},
        tooltip={{ tooltip | py(8, 8) }},
    ):
        {{ variable }} = {
            "batch": {{ folder | py(12, 9) }},
            "zone": ZONE,
            "connection": CONNECTION,
        }
{% if wait_for %}
        wait = Wait(
            task_id="wait",
            **{{ variable }},
            step="0_ready.sql",
            until={{ wait_for | py(12, 6) }},
            every=timedelta({{ every }}),
            up_to=timedelta({{ up_to }}),
            doc_md={{ about_wait | py(12, 7) }},
        )
{% endif %}
        days = ListDays(
            task_id="days",
            **{{ variable }},
            doc_md={{ about_days | py(12, 7) }},
        )
        build = BuildDays.partial(
            task_id="build",
            **{{ variable }},
{% if gates %}
            gates=[
{% for gate in gates %}
                ({{ gate.file | py(16, 1) }}, {{ "True" if gate.stops else "False" }}),
{% endfor %}
            ],
{% endif %}
            max_active_tis_per_dag=1,
            doc_md={{ about_build | py(12, 7) }},
        ).expand(days=days.output)
{% if rules %}
        compare = CompareDays(
            task_id="compare",
            **{{ variable }},
            rules=[
{% for gate in rules %}
                ({{ gate.file | py(16, 1) }}, {{ "True" if gate.stops else "False" }}),
{% endfor %}
            ],
            doc_md="Asks rules of quality about what has been built.",
        )
{% endif %}
        {{ built }} = Built(
            task_id="built",
            **{{ variable }},
{% if outlets %}
            outlets=[
{% for outlet in outlets %}
                {{ outlet.kind }}({{ outlet.id | py(16, 8) }}, {{ outlet.word | py(16, 0) }}),
{% endfor %}
            ],
{% endif %}
        )
{% if wait_for %}
        wait >> days
{% endif %}
        days >> build >> {{ "compare >> " if rules }}{{ built }}
