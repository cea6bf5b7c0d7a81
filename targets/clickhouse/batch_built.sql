-- Whether a run is done: the day has been put in its place since the {{ unit }} is over.
-- {{ parameter }}.

{{ is_built }};
