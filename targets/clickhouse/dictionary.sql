
-- {{ about }}
CREATE DICTIONARY IF NOT EXISTS {{ name }}{{ cluster }}
(
    {{ key }} {{ key_type }}{{ "," if attributes else "" }}
{% for attribute in attributes %}
    {{ attribute.name }} Nullable({{ attribute.type }}){{ "" if loop.last else "," }}
{% endfor %}
)
PRIMARY KEY {{ key }}
SOURCE(CLICKHOUSE(QUERY {{ select }}))
LAYOUT(COMPLEX_KEY_HASHED())
LIFETIME(MIN {{ least }} MAX {{ most }})
COMMENT {{ comment }};

-- What cannot be read is told now, and not when a row arrives (CH16).
SYSTEM RELOAD DICTIONARY{{ cluster }} {{ name }};
