SELECT by_day(opened_at) AS time, ratio(count(*) FILTER (WHERE first_reply_at IS NULL), count(*)) AS value
FROM tickets GROUP BY 1;
