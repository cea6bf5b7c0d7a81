
{% for line in about %}
-- {{ line }}
{% endfor %}
CREATE TABLE IF NOT EXISTS {{ table }}
(
{% for column in columns %}
    {{ column.name }} {{ column.type }}{% if column.comment %} COMMENT {{ column.comment }}{% endif %}{{ "" if loop.last else "," }}
{% endfor %}
)
{% if day %}
ENGINE = MergeTree
PARTITION BY {{ day }}
ORDER BY ({{ key }})
SETTINGS allow_nullable_key = 1
COMMENT {{ comment }};

-- Where the batch prepares days. What a run that was killed left there is removed by the next one.
CREATE TABLE IF NOT EXISTS {{ filler }} AS {{ table }};
{% else %}
{% if refresh %}
ENGINE = MergeTree
ORDER BY ({{ key }})
SETTINGS allow_nullable_key = 1
COMMENT {{ comment }};
{% else %}
ENGINE = AggregatingMergeTree
PARTITION BY {{ "(toYYYYMM(_t), _h)" if staging else "toYYYYMM(_t)" }}
ORDER BY ({{ key }})
SETTINGS allow_nullable_key = 1, non_replicated_deduplication_window = 1000
COMMENT {{ comment }};
{% endif %}
{% if staging %}

-- Where the backfill prepares a month.
CREATE TABLE IF NOT EXISTS {{ staging }} AS {{ table }};
{% endif %}

CREATE MATERIALIZED VIEW IF NOT EXISTS {{ filler }}
{% if refresh %}
REFRESH EVERY {{ refresh }}
{% endif %}
TO {{ table }}
COMMENT {{ comment }}
AS
{{ select }};
{% endif %}
