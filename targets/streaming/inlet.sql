
-- Results come in here, each at least once, and are not kept here.
CREATE TABLE IF NOT EXISTS {{ table }}{{ cluster }}
(
{% for column in columns %}
    {{ column.name }} {{ column.type }}{{ "" if loop.last else "," }}
{% endfor %}
)
ENGINE = Null
COMMENT {{ comment }};

-- Those that were counted, for {{ days }} days.
CREATE TABLE IF NOT EXISTS {{ known }}{{ cluster }}
(
{% for column in columns %}
    {{ column.name }} {{ column.type }},
{% endfor %}
    _came DateTime DEFAULT now()
)
ENGINE = {{ engine }}
PARTITION BY toDate(_came)
ORDER BY ({{ order }})
TTL _came + toIntervalDay({{ days }}) DELETE
SETTINGS {{ settings }}, ttl_only_drop_parts = 1
COMMENT {{ comment }};

CREATE MATERIALIZED VIEW IF NOT EXISTS {{ state_view }}{{ cluster }}
TO {{ rollup }}
{{ security }}
COMMENT {{ comment }}
AS
{{ states }};

-- What was counted before is left out.
CREATE MATERIALIZED VIEW IF NOT EXISTS {{ new_view }}{{ cluster }}
TO {{ known }}
{{ security }}
COMMENT {{ comment }}
AS
{{ new }};
