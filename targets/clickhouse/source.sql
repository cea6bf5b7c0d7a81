
{% for line in about %}
-- {{ line }}
{% endfor %}
CREATE TABLE IF NOT EXISTS {{ table }}{{ cluster }}
(
{% for column in columns %}
    {{ column.name }} {{ column.type }}{% if column.codec %} CODEC({{ column.codec }}){% endif %}{{ "" if loop.last else "," }}
{% endfor %}
)
{{ layout }};
{% if changes %}
{{ changes }}
{% endif %}
