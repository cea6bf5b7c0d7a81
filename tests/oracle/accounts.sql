SELECT count(*) AS value FROM users WHERE NOT is_abnormal;
