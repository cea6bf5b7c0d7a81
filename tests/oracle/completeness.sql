SELECT date_trunc('day', event_time) AS time,
       ratio(count(*) FILTER (WHERE device_id IS NOT NULL AND session_id <> '' AND app_version <> '' AND geo_id IS NOT NULL
                                AND json_extract_string(props, '$.network') <> ''), count(*)) AS value
FROM events GROUP BY 1;
