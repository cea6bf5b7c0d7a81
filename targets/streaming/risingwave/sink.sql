
-- {{ about }}
CREATE SINK IF NOT EXISTS {{ name }} AS
{{ select }}
EMIT ON WINDOW CLOSE
WITH (
  connector = 'clickhouse',
  type = 'append-only',
  clickhouse.url = :'clickhouse_url',
  clickhouse.user = :'clickhouse_user',
  clickhouse.password = :'clickhouse_password',
  clickhouse.database = {{ database }},
  clickhouse.table = {{ table }}
);
