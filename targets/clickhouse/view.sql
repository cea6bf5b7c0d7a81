
{% for line in about %}
-- {{ line }}
{% endfor %}
CREATE OR REPLACE VIEW {{ view }} AS
{{ select }};
