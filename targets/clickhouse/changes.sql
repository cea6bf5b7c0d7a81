{% if policy or ttl %}
-- A table that was there before is brought to these settings.
{% endif %}
{% if policy %}
ALTER TABLE {{ table }}{{ cluster }} MODIFY SETTING storage_policy = {{ policy }};
{% endif %}
{% if ttl %}
ALTER TABLE {{ table }}{{ cluster }} MODIFY TTL {{ ttl }};
{% endif %}
