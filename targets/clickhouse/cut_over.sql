
-- For each rollup that is filled as rows arrive: those that arrive from this instant on are added, those before it are for
-- the backfill (CH14).
CREATE TABLE IF NOT EXISTS {{ table }}{{ cluster }}
(
    rollup String,
    at DateTime64(3, 'UTC')
)
ENGINE = {{ engine }}
ORDER BY rollup
COMMENT {{ comment }};

-- {cut_over: DateTime64(3, 'UTC')}: when the streams of new rollups begin. It must lie in the future: the views have to be
-- there by then. Those that are known keep theirs.
SELECT throwIf(
    {cut_over: DateTime64(3, 'UTC')} <= now64(3)
    AND (SELECT count() FROM {{ table }} AS c WHERE c.rollup IN ({{ rollups }})) < {{ count }},
    'the cut-over must lie in the future'
) AS is_to_come;

INSERT INTO {{ table }} (rollup, at)
SELECT n.rollup AS rollup, {cut_over: DateTime64(3, 'UTC')} AS at
FROM (SELECT arrayJoin([{{ rollups }}]) AS rollup) AS n
WHERE n.rollup NOT IN (SELECT c.rollup FROM {{ table }} AS c);
