
-- What each message says, column by column, and why it is no row: nothing here fails.
CREATE TEMPORARY VIEW {{ read }} AS
{{ read_select }};

-- Dead letters.
CREATE STREAMING TABLE {{ dead }} AS
{{ dead_select }};

CREATE TEMPORARY VIEW {{ rows }} AS
{{ rows_select }};

-- By minute of arrival: messages, those that are no row, and rows that came more than {{ lateness }} after their time. Late rows are
-- among these (ST5).
CREATE STREAMING TABLE {{ arrived }} AS
SELECT
  window(_came, '1 minute').start AS minute,
  count(*) AS messages,
  count(*) FILTER (WHERE _reason <> '') AS dead,
  count(*) FILTER (WHERE _reason = '' AND unix_millis({{ time }}) < unix_millis(_came) - {{ milliseconds }}) AS behind
FROM STREAM {{ read }} WATERMARK _came DELAY OF INTERVAL '600' SECOND
GROUP BY window(_came, '1 minute');

-- The time of a row counts for the watermark at most up to the instant at which it came. A row at the watermark is late to the engine,
-- and not to us: hence a millisecond more than {{ lateness }}.
CREATE TEMPORARY VIEW {{ marked }} AS
SELECT * FROM STREAM {{ rows }} WATERMARK {{ seen }} AS _seen DELAY OF INTERVAL '{{ seconds }}' SECOND;

{% if keyed %}
-- Rows without repetitions: one for each key ({{ key }}) and time (ST1), once the watermark has passed it.
{% else %}
-- Rows that are not late, once the watermark has passed them. They have no key, so each counts.
{% endif %}
CREATE STREAMING TABLE {{ feed }} AS
{{ feed_select }};

-- Results leave by the minute, whatever the bucket. The feed is in the order of the watermark, so no row of it is late here.
CREATE TEMPORARY VIEW {{ counted }} AS
SELECT *, window(_seen, '1 minute') AS _window FROM STREAM {{ feed }} WATERMARK _seen DELAY OF INTERVAL '0' SECOND;
