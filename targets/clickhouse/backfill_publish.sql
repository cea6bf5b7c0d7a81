-- Step 3 of 3: puts the history of the month in its place. What came since the cut-over lies in other partitions.
-- {month: UInt32}: the month that was prepared.

SELECT throwIf(count() = 0, 'this month is not prepared: run 2_stage.sql for it first') AS is_prepared
FROM {{ staged }} AS s
WHERE s.month = {month: UInt32};
{% for step in steps %}

ALTER TABLE {{ step.table }} REPLACE PARTITION ({month: UInt32}, 1) FROM {{ step.staging }};
{% if step.expires %}
-- When it goes is not known of what was prepared elsewhere (CH21).
ALTER TABLE {{ step.table }} MATERIALIZE TTL IN PARTITION ({month: UInt32}, 1);
{% endif %}
{% endfor %}
