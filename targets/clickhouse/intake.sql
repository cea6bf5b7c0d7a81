
{% if kafka %}
-- Kafka is not read while views change: it keeps what comes.
DROP VIEW IF EXISTS {{ kafka.view }}{{ cluster }};

{% endif %}
-- Messages of {{ source }} as they came, for {{ keep }} days. A retried insert counts once (CH1).
CREATE TABLE IF NOT EXISTS {{ landed }}{{ cluster }}
(
    raw String CODEC(ZSTD(1)),
    came DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {{ engine }}
PARTITION BY toDate32(came)
ORDER BY came
TTL came + toIntervalDay({{ keep }}) DELETE
SETTINGS {{ settings }}, ttl_only_drop_parts = 1;

-- Those that are no row, with the reason, for {{ keep_dead }} days.
CREATE TABLE IF NOT EXISTS {{ dead }}{{ cluster }}
(
    came DateTime64(3, 'UTC'),
    reason LowCardinality(String),
    raw String CODEC(ZSTD(1))
)
ENGINE = {{ engine }}
PARTITION BY toYYYYMM(came)
ORDER BY (came, reason)
TTL came + toIntervalDay({{ keep_dead }}) DELETE
SETTINGS {{ settings }};

-- How many there were.
CREATE TABLE IF NOT EXISTS {{ counts }}{{ cluster }}
(
    day Date32,
    messages SimpleAggregateFunction(sum, UInt64),
    dead SimpleAggregateFunction(sum, UInt64)
)
ENGINE = {{ summing }}
ORDER BY day
SETTINGS {{ settings }};

CREATE OR REPLACE VIEW {{ counted }}{{ cluster }}
{{ read }}
COMMENT {{ counted_comment }}
AS
SELECT
  toDateTime64(c.day, 3, '{{ zone }}') AS time,
  sum(c.messages) AS messages,
  sum(c.dead) AS dead,
  sum(c.dead) / nullIf(sum(c.messages), 0) AS share
FROM {{ counts }} AS c
GROUP BY c.day;
{% for view in views %}

CREATE MATERIALIZED VIEW IF NOT EXISTS {{ view.name }}{{ cluster }}
TO {{ view.target }}
{{ security }}
COMMENT {{ view.comment }}
AS
{{ view.select }};

ALTER TABLE {{ view.name }}{{ cluster }} MODIFY QUERY
{{ view.select }};
{% endfor %}
{% if kafka %}

-- One message is one text, so that none can fail here; what Kafka itself can't give is told in the column of errors.
CREATE TABLE IF NOT EXISTS {{ kafka.table }}{{ cluster }}
(
    raw String
)
ENGINE = Kafka
SETTINGS kafka_broker_list = {{ kafka.brokers }}, kafka_topic_list = {{ kafka.topic }}, kafka_group_name = {{ kafka.group }},
    kafka_format = 'RawBLOB', kafka_handle_error_mode = 'stream'{% for setting in kafka.reading %},
    {{ setting }}{% endfor %}

COMMENT {{ kafka.comment }};

CREATE MATERIALIZED VIEW {{ kafka.view }}{{ cluster }}
TO {{ landed }}
{{ security }}
COMMENT {{ kafka.comment }}
AS
SELECT if(k._error = '', k.raw, k._raw_message) AS raw
FROM {{ kafka.table }} AS k;
{% endif %}
