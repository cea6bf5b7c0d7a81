ENGINE = {{ engine }}
{% if partition %}
PARTITION BY {{ partition }}
{% endif %}
ORDER BY {{ order }}
{% if ttl %}
TTL {{ ttl }}
{% endif %}
SETTINGS {{ settings }}
{% if comment %}
COMMENT {{ comment }}
{% endif %}
