
{% for line in about %}
-- {{ line }}
{% endfor %}
CREATE OR REPLACE VIEW {{ view }}{{ cluster }}
{{ security }}
COMMENT {{ comment }}
AS
{{ select }};
