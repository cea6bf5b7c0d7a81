-- A row is a statement: run them in this order, once nothing reads what earlier builds have made.

SELECT concat(
    'DROP ', multiIf(t.engine = 'Dictionary', 'DICTIONARY', endsWith(t.engine, 'View'), 'VIEW', 'TABLE'), ' IF EXISTS ',
    arrayStringConcat(arrayMap(part -> concat('`', replaceAll(replaceAll(part, '\\', '\\\\'), '`', '\\`'), '`'), [t.database, t.name]), '.'),
    {{ end }}
) AS statement
FROM system.tables AS t
WHERE t.database = {{ database }}
    AND startsWith(t.comment, {{ mark }})
{% if names %}
    AND t.name NOT IN (
{% for name in names %}
        {{ name }}{{ "" if loop.last else "," }}
{% endfor %}
    )
{% endif %}
-- What reads goes before what is read.
ORDER BY multiIf(t.engine = 'MaterializedView', 0, t.engine = 'View', 2, t.engine = 'Dictionary', 1, 3), t.name;
