"""An SNTP client that shows its clock on a topic of its broker, as many sensors do.

Called with `careful` it takes the replies that RFC 4330 §5 and RFC 5905 let it take; with `careless` the first one,
whatever it says, and the suite must fail it.
"""
import json
import os
import socket
import sys

ERA_0 = 2_208_988_800  # 1970 in seconds of NTP's era 0


def text(value):
    return len(value).to_bytes(2, "big") + value


def packet(first, body):
    assert len(body) < 128
    return bytes([first, len(body)]) + body


def publish(synced, unix_s):
    state = json.dumps({"time": {"synced": synced, "unix_s": unix_s}}).encode()
    broker.sendall(packet(0x31, text(b"sensor/state") + state))


def is_right(reply):
    leap, version, mode = reply[0] >> 6, reply[0] >> 3 & 7, reply[0] & 7
    root_delay = int.from_bytes(reply[4:8], "big", signed=True)
    root_dispersion = int.from_bytes(reply[8:12], "big")
    return (
        (version, mode) == (4, 4)
        and leap < 3
        and 0 < reply[1] < 16
        and root_delay >= 0
        and root_delay / 2 + root_dispersion < 16 << 16
        and reply[24:32] == asked[40:48]
        and reply[32:40] != bytes(8)
        and int.from_bytes(reply[40:48], "big") >= int.from_bytes(reply[32:40], "big")
        and int.from_bytes(reply[40:48], "big") >= int.from_bytes(reply[16:24], "big")
    )


ntp_host, ntp_port, mqtt_host, mqtt_port, care = sys.argv[1:6]
broker = socket.create_connection((mqtt_host, int(mqtt_port)))
broker.sendall(packet(0x10, text(b"MQTT") + b"\x04\x02\x00\x00" + text(b"sensor")))
assert broker.recv(4) == b"\x20\x02\x00\x00"
publish(False, 0)

asked = b"\x23" + bytes(39) + os.urandom(8)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
# The kernel drops what comes from elsewhere.
server.connect((ntp_host, int(ntp_port)))
server.send(asked)
while True:
    reply = server.recv(512)
    if len(reply) >= 48 and (care == "careless" or is_right(reply)):
        publish(True, int.from_bytes(reply[40:44], "big") - ERA_0)
        break
# It runs on until its broker is gone.
broker.recv(1)
