-- Step 1 of 3: the days to build, in lists of at most 100. It builds {{ rebuilds }}.
-- {{ parameter }}.

{{ days }};
