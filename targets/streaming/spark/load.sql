
-- Run it with param_results: the folder of the results of the pipeline. Where that is in S3 or HDFS, write s3(…) or hdfs(…) for file(…).
-- Inlets take a result once and know it for 7 days, so files are read again for 3 days: run it at least every other day.
{% for inlet in inlets %}

INSERT INTO {{ inlet.table }} ({{ inlet.columns }})
SELECT {{ inlet.columns }}
FROM file({results:String} || {{ inlet.files }}, 'Parquet', {{ inlet.structure }})
WHERE _time >= now() - toIntervalDay(3);
{% endfor %}
