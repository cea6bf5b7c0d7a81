-- Step 2 of 3: prepares the history of a month, beside what is read. One run of this backfill at a time.
-- {month: UInt32}: a month of step 1, such as 202611.
{% for select in gone %}

SELECT throwIf(g.rows > 0, 'rows of the month are gone: building it again would lose them') AS is_kept
FROM (
{{ select }}
) AS g;
{% endfor %}
{% for dictionary in dictionaries %}

SYSTEM RELOAD DICTIONARY {{ dictionary }};
{% endfor %}

TRUNCATE TABLE {{ staged }};
{% for step in steps %}

TRUNCATE TABLE {{ step.staging }};
{% endfor %}
{% for step in steps %}

INSERT INTO {{ step.staging }} ({{ step.columns }})
SETTINGS insert_deduplicate = 0
{{ step.select }};
{% endfor %}

INSERT INTO {{ staged }} (month)
SELECT {month: UInt32} AS month;
