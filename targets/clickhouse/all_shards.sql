
-- {{ about }}
CREATE TABLE IF NOT EXISTS {{ all }}{{ cluster }} AS {{ table }}
ENGINE = Distributed({{ arguments }})
COMMENT {{ comment }};
