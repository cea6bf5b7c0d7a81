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
{% if after %}
    [{{ after | join(", ") }}] >> {{ verify }}
{% endif %}

