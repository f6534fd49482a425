"""An MQTT client that breaks rules on purpose: the suite must fail it.

It takes every CONNACK for an acceptance, whatever its code and its flags, and delivers a QoS 2 message each time
that it arrives.
"""
import socket
import sys


def text(value):
    return len(value).to_bytes(2, "big") + value


def packet(first, body):
    length, left = b"", len(body)
    while True:
        left, digit = left >> 7, left & 127
        length += bytes([digit | (128 if left else 0)])
        if not left:
            return bytes([first]) + length + body


def read(stream):
    first = stream.read(1)
    if not first:
        sys.exit(0)
    length, shift = 0, 0
    while True:
        digit = stream.read(1)
        if not digit:
            sys.exit(0)
        length |= (digit[0] & 127) << shift
        shift += 7
        if not digit[0] & 128:
            break
    return first[0], stream.read(length)


host, port, client_id, topic, qos = sys.argv[1:6]
connection = socket.create_connection((host, int(port)))
stream = connection.makefile("rb")
connection.sendall(packet(0x10, text(b"MQTT") + b"\x04\x02\x00\x00" + text(client_id.encode())))
read(stream)
connection.sendall(packet(0x82, b"\x00\x01" + text(topic.encode()) + bytes([int(qos)])))
while True:
    first, body = read(stream)
    if first >> 4 == 3:
        size = int.from_bytes(body[:2], "big")
        level = first >> 1 & 3
        identifier = body[2 + size : 4 + size] if level else b""
        payload = body[2 + size + len(identifier) :]
        print("message", payload.hex(), flush=True)
        if level:
            connection.sendall(packet(0x40 if level == 1 else 0x50, identifier))
    elif first >> 4 == 6:
        connection.sendall(packet(0x70, body))
