
-- Results of windows, each one object; one that cannot be read stops the reading.
CREATE TABLE IF NOT EXISTS {{ table }}{{ cluster }}
(
{% for member in members %}
    {{ member.name }} {{ member.type }}{{ "" if loop.last else "," }}
{% endfor %}
)
ENGINE = Kafka
SETTINGS kafka_broker_list = {{ brokers }}, kafka_topic_list = {{ topic }}, kafka_group_name = {{ group }},
    kafka_format = 'JSONEachRow'
COMMENT {{ comment }};

CREATE MATERIALIZED VIEW IF NOT EXISTS {{ view }}{{ cluster }}
TO {{ inlet }}
{{ security }}
COMMENT {{ comment }}
AS
{{ select }};
