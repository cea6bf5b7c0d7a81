{% for check in checks %}
    CheckBuilt(
        task_id={{ check.id | py(8, 8) }},
        task_display_name={{ check.display | py(8, 18) }},
        batch={{ check.folder | py(8, 6) }},
        zone=ZONE,
        connection=CONNECTION,
{% if check.whole_days %}
        whole_days=True,
{% endif %}
        # Whoever is late is told at once.
        retries=0,
    )
{% endfor %}
