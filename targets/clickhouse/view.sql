
{% for line in about %}
-- {{ line }}
{% endfor %}
CREATE OR REPLACE VIEW {{ view }}
{{ security }}
COMMENT {{ comment }}
AS
{{ select }};
