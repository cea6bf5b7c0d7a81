-- Time to the first reply, in milliseconds; tickets without a reply have none.
SELECT by_day(opened_at) AS time, ms(interpolated(span(first_reply_at, opened_at), 500)) AS value
FROM tickets GROUP BY 1;
