-- Step 2 of 3: prepares the days of one list, beside what is read. One run of this batch at a time.
-- {days: Array(Date32)}: a list of step 1.
{% if hourly %}
-- {{ parameter }}.
{% endif %}
{% for select in gone %}

SELECT throwIf(g.rows > 0, 'the rows of a day are gone: building it again would lose it') AS is_kept
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

INSERT INTO {{ staged }} (day)
SELECT arrayJoin({days: Array(Date32)}) AS day;
