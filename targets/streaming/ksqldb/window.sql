
-- {{ about }}
CREATE STREAM IF NOT EXISTS {{ rows }}
WITH (KAFKA_TOPIC = {{ rows_topic }}, KEY_FORMAT = 'NONE', VALUE_FORMAT = 'JSON', PARTITIONS = 1) AS
{{ rows_select }}
EMIT CHANGES;

CREATE TABLE IF NOT EXISTS {{ results }}
WITH (KAFKA_TOPIC = {{ results_topic }}, KEY_FORMAT = 'JSON', VALUE_FORMAT = 'JSON', PARTITIONS = 1) AS
{{ results_select }}
EMIT FINAL;
