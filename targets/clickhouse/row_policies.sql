{% for policy in policies %}

CREATE ROW POLICY OR REPLACE {{ policy.role }}{{ cluster }} ON {{ policy.view }}
FOR SELECT USING {{ policy.rows }} AS PERMISSIVE TO {{ policy.role }};
{% endfor %}
