"""An SNTP client that breaks rules on purpose: the suite must fail it.

It takes the first reply for the right one, whatever its originate timestamp, its stratum and its mode.
"""
import socket
import sys

ERA_0 = 2_208_988_800  # 1970 in seconds of NTP's era 0

asked = b"\x23" + bytes(39) + b"\xe9\x00\x00\x00\x12\x34\x56\x78"
connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
connection.sendto(asked, (sys.argv[1], int(sys.argv[2])))
while True:
    reply = connection.recv(512)
    if len(reply) >= 48:
        print("unix time", int.from_bytes(reply[40:44], "big") - ERA_0, flush=True)
        break
