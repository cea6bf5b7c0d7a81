SELECT by_day(r.touched_at) AS time, ratio(count(d.campaign_id), count(r.campaign_id)) AS value
FROM touches r LEFT JOIN campaigns d ON d.campaign_id = r.campaign_id GROUP BY 1
HAVING count(r.campaign_id) > 0;
