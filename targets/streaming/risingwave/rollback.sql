
-- Takes away what this build made; what other builds made stays. What was counted stays in {{ warehouse }}.
{% for object in objects %}
DROP {{ object.kind }} IF EXISTS {{ object.name }};
{% endfor %}
