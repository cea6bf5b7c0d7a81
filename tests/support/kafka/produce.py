# Writes messages into a topic: {broker, topic, messages: [[key, partition, text]]}.
import json
import sys

from confluent_kafka import Producer

asked = json.load(sys.stdin)
producer = Producer({"bootstrap.servers": asked["broker"], "linger.ms": 2, "enable.idempotence": False, "max.in.flight.requests.per.connection": 1})
refused = []


def told(error, _):
    if error is not None:
        refused.append(str(error))


for key, partition, text in asked["messages"]:
    where = {} if partition is None else {"partition": partition}
    while True:
        try:
            producer.produce(asked["topic"], value=text.encode(), key=key, on_delivery=told, **where)
            break
        except BufferError:
            producer.poll(0.1)
left = producer.flush(30)
if left or refused:
    sys.exit(f"{left} messages are left, {len(refused)} refused: {refused[:3]}")
print(json.dumps(True))
