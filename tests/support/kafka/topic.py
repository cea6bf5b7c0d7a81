# Makes a topic: {broker, topic, partitions}.
import json
import sys

from confluent_kafka.admin import AdminClient, NewTopic

asked = json.load(sys.stdin)
client = AdminClient({"bootstrap.servers": asked["broker"]})
made = client.create_topics([NewTopic(asked["topic"], asked["partitions"], 1)])
made[asked["topic"]].result(20)
print(json.dumps(True))
