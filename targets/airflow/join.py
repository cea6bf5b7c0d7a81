
    # Metrics that are read from {{ words }}.
    {{ variable }} = Built(
        task_id={{ id | py(8, 8) }},
        task_display_name={{ display | py(8, 18) }},
        **{{ like }},
        outlets=[
{% for id in metrics %}
            metric({{ id | py(12, 8) }}, {{ word | py(12, 0) }}),
{% endfor %}
        ],
    )
    [{{ after | join(", ") }}] >> {{ variable }}
