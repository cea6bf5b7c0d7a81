-- Time to the first reply, in milliseconds; tickets without a reply have none.
SELECT date_trunc('day', opened_at) AS time, ms(quantile_cont(span(first_reply_at, opened_at)::DOUBLE, 0.5)) AS value
FROM tickets GROUP BY 1;
