SELECT by_day(opened_at) AS time, coalesce(topic, 'none') AS ticket_topic, count(*) AS value
FROM tickets GROUP BY 1, 2;
