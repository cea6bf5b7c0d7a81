{% for policy in policies %}

CREATE ROW POLICY OR REPLACE {{ policy.role }} ON {{ policy.view }}
FOR SELECT USING {{ policy.rows }} AS PERMISSIVE TO {{ policy.role }};
{% endfor %}
