
-- {{ about }}
CREATE TABLE IF NOT EXISTS {{ table }}
(
{% for column in columns %}
    {{ column.name }} {{ column.type }}{{ "" if loop.last else "," }}
{% endfor %}
)
ENGINE = MergeTree
{% if partition %}
PARTITION BY {{ partition }}
{% endif %}
ORDER BY {{ order }}
-- A retried insert is recognised by its block and counts once (CH1).
SETTINGS allow_nullable_key = 1, non_replicated_deduplication_window = 1000;
