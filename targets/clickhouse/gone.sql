
-- Only other versions have these.
{% for view in gone %}
DROP VIEW IF EXISTS {{ view }}{{ cluster }};
{% endfor %}
