
{% for line in about %}
-- {{ line }}
{% endfor %}
CREATE OR REPLACE VIEW {{ view }}
COMMENT {{ comment }}
AS
{{ select }};
