
{% for line in about %}
-- {{ line }}
{% endfor %}
CREATE TABLE IF NOT EXISTS {{ table }}{{ cluster }}
(
{% for column in columns %}
    {{ column.name }} {{ column.type }}{% if column.codec %} CODEC({{ column.codec }}){% endif %}{{ "," if index or not loop.last else "" }}
{% endfor %}
{% if index %}
    INDEX by_arrival {{ index }} TYPE minmax GRANULARITY 1
{% endif %}
)
{{ layout }};
{% if changes %}
{{ changes }}
{% endif %}
