
-- What the {{ word }} has prepared and may put in its place.
CREATE TABLE IF NOT EXISTS {{ staged }}{{ cluster }}
(
    {{ column }}
)
ENGINE = {{ engine }}
ORDER BY tuple()
COMMENT {{ comment }};
