-- A row is a statement: run them in this order, once nothing reads what earlier builds have made.

SELECT s.statement AS statement
FROM (
    SELECT
        -- What reads goes before what is read.
        multiIf(t.engine = 'MaterializedView', 0, t.engine = 'View', 2, t.engine = 'Dictionary', 1, 3) AS turn,
        t.name AS name,
        concat(
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
{% if cut_over %}
    -- A rollup that is made again begins anew: its cut-over is given again, and its history is for the backfill (CH14).
    UNION ALL
    SELECT
        4 AS turn,
        c.rollup AS name,
        concat({{ cut_over.forget }}, replaceAll(replaceAll(c.rollup, '\\', '\\\\'), '\'', '\\\''), '\'') AS statement
    FROM {{ cut_over.table }} AS c
    WHERE c.rollup NOT IN (
{% for name in names %}
            {{ name }}{{ "" if loop.last else "," }}
{% endfor %}
        )
{% endif %}
) AS s
ORDER BY s.turn, s.name;
