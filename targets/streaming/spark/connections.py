
from pyspark import pipelines as dp


def arriving(topic, group):
    """Messages: their text, when they came, and what tells one from all others. Checkpoints keep how far they were read."""
    source = spark.readStream.format("kafka").option("kafka.bootstrap.servers", spark.conf.get("metricc.brokers"))
    messages = source.option("subscribe", topic).option("groupIdPrefix", group).option("startingOffsets", "earliest").load()
    return messages.selectExpr("CAST(value AS STRING) AS raw", "timestamp AS came", "concat(partition, ':', offset) AS _place")


def results(name):
    """What is counted is told in files, which the statements in warehouse/load.sql read."""
    return {"path": spark.conf.get("metricc.results") + "/" + name}

{% for source in sources %}

@dp.temporary_view(name={{ source.messages }})
def messages_{{ loop.index }}():
    return arriving({{ source.topic }}, {{ source.group }})

{% endfor %}

# A flow finds a sink by its full name.
{% for sink in sinks %}
dp.create_sink({{ sink.full }}, "parquet", results({{ sink.name }}))
{% endfor %}
