
{% for line in about %}
-- {{ line }}
{% endfor %}
CREATE MATERIALIZED VIEW IF NOT EXISTS {{ view }}{{ cluster }}
TO {{ table }}
{{ security }}
COMMENT {{ comment }}
AS
{{ select }};
