
-- Takes away what this build made, with its topics; what other builds made stays, and so do the messages. What was counted stays in {{ warehouse }}.
{% for object in objects %}
DROP {{ object.kind }} IF EXISTS {{ object.name }}{{ object.topic }};
{% endfor %}
