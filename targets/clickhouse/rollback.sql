
{% if forget %}
-- What is made again begins anew: its cut-over is given again, and its history is for the backfill (CH14).
DELETE FROM {{ forget.table }}{{ cluster }} WHERE rollup IN ({{ forget.rollups }});

{% endif %}
{% for item in drop %}
DROP {{ item }}{{ cluster }}{{ sync }};
{% endfor %}
