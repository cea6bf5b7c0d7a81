-- Step 3 of 3, for each day of the list: puts what was prepared in the place of what was there (CH14).
-- {day: Date32}: a day of the list.

SELECT throwIf(count() = 0, 'this day is not prepared: run 2_stage.sql for it first') AS is_prepared
FROM {{ staged }} AS s
WHERE s.day = {day: Date32};
{% for step in steps %}

ALTER TABLE {{ step.table }} REPLACE PARTITION {day: Date32} FROM {{ step.staging }};
{% if step.expires %}
-- When it goes is not known of what was prepared elsewhere (CH21).
ALTER TABLE {{ step.table }} MATERIALIZE TTL IN PARTITION {day: Date32};
{% endif %}
{% endfor %}

INSERT INTO {{ built }} (day)
SELECT {day: Date32} AS day;
