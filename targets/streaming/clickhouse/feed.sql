
{% if keyed %}
{% if by_time %}
-- Of the rows of one key ({{ key }}) and one time the first that comes counts. Rows whose time lies more than {{ lateness }} before the greatest that
-- has come are late. One block is one insert: with several blocks in one, or several inserts at a time, repetitions pass.
{% else %}
-- Of the rows of one key ({{ key }}) one counts if none was kept whose time is less than {{ within }} away. Rows whose time lies more than {{ lateness }} before
-- the greatest that has come are late. One block is one insert: with several blocks in one, or several inserts at a time, repetitions pass.
{% endif %}
{% elif lateness %}
-- Rows have no key, so each counts that is not late: whose time lies no more than {{ lateness }} before the greatest that has come.
{% else %}
-- Rows have no key, and none is too late (the source does not say `lateness`), so each counts.
{% endif %}
{% for step in [rows, arrived, judged] %}
CREATE TABLE IF NOT EXISTS {{ step.name }}{{ cluster }}
(
{% for column in columns %}
    {{ column.name }} {{ column.type }},
{% endfor %}
{% for column in step.own %}
    {{ column.name }} {{ column.type }}{{ "" if loop.last else "," }}
{% endfor %}
)
ENGINE = Null
COMMENT {{ passing_comment }};

{% endfor %}
-- What counts, for as long as a repetition of it may come. By when it came, so that no block touches many partitions.
CREATE TABLE IF NOT EXISTS {{ feed.name }}{{ cluster }}
(
{% for column in columns %}
    {{ column.name }} {{ column.type }},
{% endfor %}
{% for column in feed.own %}
    {{ column.name }} {{ column.type }},
{% endfor %}
    {{ came }} DateTime('UTC') DEFAULT now('UTC')
)
ENGINE = {{ engine }}
PARTITION BY toDate({{ came }})
ORDER BY ({{ order }})
TTL {{ came }} + toIntervalDay({{ days }}) DELETE
SETTINGS {{ settings }}, ttl_only_drop_parts = 1
COMMENT {{ feed_comment }};

-- The greatest time that has come, in milliseconds.
CREATE TABLE IF NOT EXISTS {{ mark }}{{ cluster }}
(
    mark SimpleAggregateFunction(max, Int64)
)
ENGINE = {{ merging }}
ORDER BY tuple()
SETTINGS {{ settings }}
COMMENT {{ mark_comment }};

-- How many rows came on a day, and how many of them do not count (ST5).
CREATE TABLE IF NOT EXISTS {{ counted }}{{ cluster }}
(
    day Date32,
    rows SimpleAggregateFunction(sum, UInt64),
    repeated SimpleAggregateFunction(sum, UInt64),
    late SimpleAggregateFunction(sum, UInt64)
)
ENGINE = {{ merging }}
ORDER BY day
SETTINGS {{ settings }}
COMMENT {{ counted_comment }};

CREATE OR REPLACE VIEW {{ shown }}{{ cluster }}
{{ read }}
COMMENT {{ counted_comment }}
AS
SELECT
  toDateTime64(c.day, 3, '{{ zone }}') AS time,
  sum(c.rows) AS rows,
  sum(c.repeated) AS repeated,
  sum(c.late) AS late,
  sum(c.late) / nullIf(sum(c.rows), 0) AS late_share
FROM {{ counted }} AS c
GROUP BY c.day;

CREATE OR REPLACE VIEW {{ state }}{{ cluster }}
{{ read }}
COMMENT {{ state_comment }}
AS
SELECT
  fromUnixTimestamp64Milli(max(m.mark), '{{ zone }}') AS newest,
  (toUnixTimestamp64Milli(now64(3)) - max(m.mark)) / 1000 AS seconds_behind
FROM {{ mark }} AS m
HAVING count() > 0;
