"""A small MQTT client on paho-mqtt (1 or 2), for the profile fixtures/duts/paho.toml.

It subscribes, tells of each message, and connects again when it has lost its broker.
"""
import argparse

import paho.mqtt.client as mqtt

options = argparse.ArgumentParser()
options.add_argument("host")
options.add_argument("port", type=int)
options.add_argument("--client-id", default="paho")
options.add_argument("--subscribe", nargs=2, action="append", default=[], metavar=("FILTER", "QOS"))
options.add_argument("--keep-alive", type=int, default=60)
options.add_argument("--persistent", action="store_true")
options.add_argument("--user-name")
options.add_argument("--password")
options.add_argument("--will", nargs=3, metavar=("TOPIC", "PAYLOAD", "QOS"))
options.add_argument("--will-retain", action="store_true")
said = options.parse_args()


def on_connect(client, _user_data, _flags, code):
    if code == 0 and said.subscribe:
        client.subscribe([(topic_filter, int(qos)) for topic_filter, qos in said.subscribe])


def on_message(_client, _user_data, message):
    print("message", message.payload.hex(), flush=True)


# Version 2 asks which callbacks it has; version 1 knows these only.
version = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
client = mqtt.Client(*version, client_id=said.client_id, clean_session=not said.persistent, protocol=mqtt.MQTTv311)
if said.user_name is not None:
    client.username_pw_set(said.user_name, said.password)
if said.will:
    client.will_set(said.will[0], said.will[1], int(said.will[2]), said.will_retain)
client.on_connect = on_connect
client.on_message = on_message
client.reconnect_delay_set(1, 1)
client.connect_async(said.host, said.port, said.keep_alive)
client.loop_forever(retry_first_connection=True)
