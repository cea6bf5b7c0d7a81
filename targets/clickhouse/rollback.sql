
{% for item in drop %}
DROP {{ item }};
{% endfor %}
