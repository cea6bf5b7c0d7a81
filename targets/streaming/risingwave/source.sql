
-- Apply with psql: -v clickhouse_url=… -v clickhouse_user=… -v clickhouse_password=…{% if not brokers %} -v brokers=…{% endif %}

SET timezone = 'UTC';

-- Messages as they come. The watermark is the greatest time that has come, at most the instant at which it came, less {{ lateness }}. What lies
-- before it is late and is dropped here.
CREATE SOURCE IF NOT EXISTS {{ landed }} (
  payload BYTEA,
  raw VARCHAR AS {{ text }},
  read_at TIMESTAMPTZ AS PROCTIME(),
  event_at TIMESTAMPTZ AS {{ time }},
  WATERMARK FOR event_at AS {{ watermark }}
)
INCLUDE TIMESTAMP AS came
WITH (
  connector = 'kafka',
  topic = {{ topic }},
  properties.bootstrap.server = {{ brokers or ":'brokers'" }},
  group.id.prefix = {{ group }},
  scan.startup.mode = 'latest'
) FORMAT PLAIN ENCODE BYTES;

-- The same messages without a watermark, for what is counted of all of them.
CREATE SOURCE IF NOT EXISTS {{ all }} (
  payload BYTEA,
  raw VARCHAR AS {{ text }}
)
INCLUDE TIMESTAMP AS came
WITH (
  connector = 'kafka',
  topic = {{ topic }},
  properties.bootstrap.server = {{ brokers or ":'brokers'" }},
  group.id.prefix = {{ group }},
  scan.startup.mode = 'latest'
) FORMAT PLAIN ENCODE BYTES;

-- Rows out of messages. A view holds nothing: what reads it has it in itself.
CREATE VIEW IF NOT EXISTS {{ read }} AS
{{ read_select }};

{% if keyed %}
-- Rows without repetitions: one for each key ({{ key }}) and time (ST1).
{% else %}
-- Rows have no key, so each counts.
{% endif %}
CREATE VIEW IF NOT EXISTS {{ kept }} AS
{{ kept_select }};

-- How many messages came on a day, and how many of them are no row (ST5): of all, and of those that were not late.
CREATE MATERIALIZED VIEW IF NOT EXISTS {{ counted }} AS
{{ counted_select }};

CREATE MATERIALIZED VIEW IF NOT EXISTS {{ on_time }} AS
{{ on_time_select }};

-- Why messages are no row.
CREATE MATERIALIZED VIEW IF NOT EXISTS {{ dead }} AS
{{ dead_select }};

CREATE VIEW IF NOT EXISTS {{ shown }} AS
SELECT
  a.day,
  a.messages,
  a.dead,
  a.messages - a.dead AS rows,
  a.messages - a.dead - COALESCE(o.messages - o.dead, 0) AS late
FROM {{ counted }} AS a
LEFT JOIN {{ on_time }} AS o ON o.day = a.day;
