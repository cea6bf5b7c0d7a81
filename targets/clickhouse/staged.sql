
-- What is {{ what }} the {{ word }}.
CREATE TABLE IF NOT EXISTS {{ staged }}{{ cluster }}
(
    {{ columns }}
)
ENGINE = {{ engine }}
ORDER BY tuple()
COMMENT {{ comment }};
