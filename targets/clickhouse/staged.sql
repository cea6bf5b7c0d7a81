
-- What the {{ word }} has prepared and may put in its place.
CREATE TABLE IF NOT EXISTS {{ staged }}
(
    {{ column }}
)
ENGINE = MergeTree
ORDER BY tuple()
COMMENT {{ comment }};
