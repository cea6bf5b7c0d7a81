SELECT by_day(reported_at) AS time, campaign_id AS campaign, ratio(sum(clicks), sum(impressions)) AS value
FROM marketing GROUP BY 1, 2;
