SELECT date_trunc('day', event_time) AS time, count(*) / 86400.0::DOUBLE AS value FROM calls GROUP BY 1;
