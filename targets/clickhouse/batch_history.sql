-- For a backfill in place of step 1: all days that have rows, in lists of at most 100.
-- {{ parameter }}.

{{ history }};
