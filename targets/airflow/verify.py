
    {{ verify }} = Verify(
        task_id={{ id | py(8, 8) }},
        task_display_name={{ display | py(8, 18) }},
        change={{ change | py(8, 7) }},
        warehouse={{ warehouse | py(8, 10) }},
        project={{ project | py(8, 8) }},
        command={{ command | py(8, 8) }},
        zone=ZONE,
        connection=CONNECTION,
        doc_md={{ about | py(8, 7) }},
    )
{% for wait in waits %}
    {{ wait.variable }} = Wait(
        task_id={{ wait.id | py(8, 8) }},
        batch={{ wait.folder | py(8, 6) }},
        zone=ZONE,
        connection=CONNECTION,
        step="built.sql",
        until="is_built",
        every=timedelta({{ every }}),
        up_to=timedelta({{ up_to }}),
{% if wait.whole_days %}
        whole_days=True,
{% endif %}
    )
{% endfor %}
    [{{ after | join(", ") }}] >> {{ verify }}
