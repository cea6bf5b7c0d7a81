{% for profile in profiles %}

CREATE SETTINGS PROFILE OR REPLACE {{ profile.name }}{{ cluster }}
SETTINGS {{ profile.settings }} TO {{ profile.role }};
{% endfor %}
