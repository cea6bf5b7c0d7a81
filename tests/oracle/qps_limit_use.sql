-- Each API by its own limit; without one (not in the dictionary) it is left out.
WITH seconds AS (SELECT date_trunc('second', event_time) AS second, api_id, count(*) AS n FROM calls GROUP BY 1, 2)
SELECT by_day(second) AS time, max(ratio(n, qps_limit)) AS value FROM seconds LEFT JOIN apis USING (api_id) GROUP BY 1;
