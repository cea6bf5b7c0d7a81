{% for quota in quotas %}

CREATE QUOTA OR REPLACE {{ quota.name }}{{ cluster }} KEYED BY user_name
FOR INTERVAL {{ quota.seconds }} SECOND MAX {{ quota.limits }} TO {{ quota.role }};
{% endfor %}
