-- Step 1 of 3, after the cut-over: the months that have history, one a row.

{{ months }};
