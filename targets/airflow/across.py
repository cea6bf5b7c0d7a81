    BuiltAcross(
        task_id="built",
        outlets=[
{% for id in metrics %}
            metric({{ id | py(12, 8) }}, {{ word | py(12, 0) }}),
{% endfor %}
        ],
    )
