
{% for item in drop %}
DROP {{ item.kind }} IF EXISTS {{ item.name }};
{% endfor %}
