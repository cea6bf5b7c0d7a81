
-- The days that the {{ word }} batch has prepared and may put in their place.
CREATE TABLE IF NOT EXISTS {{ staged }}
(
    day Date32
)
ENGINE = MergeTree
ORDER BY day;
