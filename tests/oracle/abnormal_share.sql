SELECT ratio(count(*) FILTER (WHERE is_abnormal), count(*)) AS value FROM users;
