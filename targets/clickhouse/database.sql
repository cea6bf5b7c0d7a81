{% for database in databases %}

CREATE DATABASE IF NOT EXISTS {{ database }}{{ cluster }};
{% endfor %}
