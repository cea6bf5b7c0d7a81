-- Step 0 of 3: whether the rows have come. `has_rows`: there is one since the {{ unit }} began; `is_past`: one has come since it is over.
-- {{ parameter }}.

{{ ready }};
