
{% for item in drop %}
DROP {{ item }}{{ cluster }}{{ sync }};
{% endfor %}
