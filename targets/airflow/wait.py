    {{ variable }} = Wait(
        task_id={{ id | py(8, 8) }},
        batch={{ folder | py(8, 6) }},
        zone=ZONE,
        connection=CONNECTION,
        step="built.sql",
        until="is_built",
        every=timedelta({{ every }}),
        up_to=timedelta({{ up_to }}),
{% if whole_days %}
        whole_days=True,
{% endif %}
    )
