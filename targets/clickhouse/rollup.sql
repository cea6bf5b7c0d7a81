
{% for line in about %}
-- {{ line }}
{% endfor %}
CREATE TABLE IF NOT EXISTS {{ table }}{{ cluster }}
(
{% for column in columns %}
    {{ column.name }} {{ column.type }}{% if column.comment %} COMMENT {{ column.comment }}{% endif %}{% if column.codec %} CODEC({{ column.codec }}){% endif %}{{ "" if loop.last else "," }}
{% endfor %}
)
{{ layout }};
{% if changes %}
{{ changes }}
{% endif %}
{% if staging %}

-- Where the {{ run }} prepares partitions. What a run that was killed left there is removed by the next one.
CREATE TABLE IF NOT EXISTS {{ staging }}{{ cluster }} AS {{ table }}
{{ staging_layout }};
{% endif %}
{% if view %}

CREATE MATERIALIZED VIEW IF NOT EXISTS {{ view }}{{ cluster }}
{% if refresh %}
REFRESH EVERY {{ refresh }}
{% endif %}
TO {{ table }}
{{ security }}
COMMENT {{ comment }}
AS
{{ select }};
{% endif %}
