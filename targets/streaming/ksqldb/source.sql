
-- Each message is processed once, or repetitions would count.
SET 'processing.guarantee' = 'exactly_once_v2';
SET 'auto.offset.reset' = 'latest';

-- Messages as they come: each member as a text. One that is no JSON object is dropped, and told in the processing log.
CREATE STREAM IF NOT EXISTS {{ landed }} (
{% for member in members %}
  {{ member.name }} {{ member.type }}{{ "" if loop.last else "," }}
{% endfor %}
) WITH (KAFKA_TOPIC = {{ topic }}, KEY_FORMAT = 'NONE', VALUE_FORMAT = 'JSON');

-- The same messages as texts, to count them.
CREATE STREAM IF NOT EXISTS {{ all }} (
  `raw` STRING
) WITH (KAFKA_TOPIC = {{ topic }}, KEY_FORMAT = 'NONE', VALUE_FORMAT = 'KAFKA');

-- Rows out of messages, in one partition: so the greatest time that has come is that of all rows.
CREATE STREAM IF NOT EXISTS {{ read }}
WITH (KAFKA_TOPIC = {{ read_topic }}, KEY_FORMAT = 'NONE', VALUE_FORMAT = 'JSON', PARTITIONS = 1, TIMESTAMP = '{{ at }}') AS
{{ read_select }}
EMIT CHANGES;

SET 'auto.offset.reset' = 'earliest';

{% if keyed %}
-- Rows without repetitions: of those with one key ({{ key }}) and time the first that came (ST1), once its window is closed: {{ grace }} after its end, which is
-- the lateness and how far a row may lie ahead of the clock.
CREATE TABLE IF NOT EXISTS {{ once }}
WITH (KAFKA_TOPIC = {{ kept_topic }}, KEY_FORMAT = 'JSON', VALUE_FORMAT = 'JSON', PARTITIONS = 1) AS
{{ kept_select }}
EMIT FINAL;

CREATE STREAM IF NOT EXISTS {{ kept }} (
{% for column in columns %}
  {{ column.name }} {{ column.type }},
{% endfor %}
  {{ at }} BIGINT
) WITH (KAFKA_TOPIC = {{ kept_topic }}, KEY_FORMAT = 'NONE', VALUE_FORMAT = 'JSON', TIMESTAMP = '{{ at }}');

{% else %}
-- Rows have no key, so each counts.

{% endif %}
-- How many messages came on a day, and how many rows they had (ST5): the others are dead letters.
CREATE TABLE IF NOT EXISTS {{ messages }}
WITH (KAFKA_TOPIC = {{ messages_topic }}, KEY_FORMAT = 'JSON', VALUE_FORMAT = 'JSON', PARTITIONS = 1) AS
{{ messages_select }}
EMIT CHANGES;

CREATE TABLE IF NOT EXISTS {{ rows }}
WITH (KAFKA_TOPIC = {{ rows_topic }}, KEY_FORMAT = 'JSON', VALUE_FORMAT = 'JSON', PARTITIONS = 1) AS
{{ rows_select }}
EMIT CHANGES;
