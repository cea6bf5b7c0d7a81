SELECT by_day(event_time) AS time, 
       ratio(count(*) FILTER (WHERE device_id IS NOT NULL AND session_id <> '' AND app_version <> ''
         AND geo_id IS NOT NULL AND props::JSON ->> 'network' <> ''), count(*)) AS value
FROM events GROUP BY 1;
