-- By the kind of the channel that the user's registration is credited to: two look-ups away.
SELECT by_day(p.paid_at) AS time, coalesce(c.kind, 'unknown') AS channel_kind, sum(p.pay_amount) AS value
FROM paid p LEFT JOIN channels c ON c.channel_id = p.home_channel GROUP BY 1, 2;
