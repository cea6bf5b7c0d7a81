{% for role in roles %}

CREATE ROLE IF NOT EXISTS {{ role.name }}{{ cluster }};
{% if role.views %}

-- Replaces what was granted before, at once.
GRANT{{ cluster }}
{% for view in role.views %}
    SELECT ON {{ view }}{{ "" if loop.last else "," }}
{% endfor %}
TO {{ role.name }} WITH REPLACE OPTION;
{% endif %}
{% endfor %}
