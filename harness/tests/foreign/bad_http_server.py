"""An HTTP server that breaks rules on purpose: the suite must fail it.

It takes a second Host for granted, sends no 400 without one, lets Content-Length win over Transfer-Encoding while it
keeps the connection, and reads a chunk size that is no number as 0.
"""
import socketserver
import sys

PAGE = b"<!doctype html><title>bad</title>"


class Handler(socketserver.StreamRequestHandler):
    def chunk_size(self):
        try:
            return int(self.rfile.readline().split(b";")[0], 16)
        except ValueError:
            return 0

    def handle(self):
        while True:
            line = self.rfile.readline()
            if not line.strip():
                return
            method, target = line.split()[:2]
            fields = []
            while (field := self.rfile.readline().strip()):
                name, _, value = field.partition(b":")
                fields.append((name.strip().lower(), value.strip()))
            fields = dict(fields)
            if b"content-length" in fields:
                length = fields[b"content-length"]
                self.rfile.read(int(length) if length.isdigit() else 0)
            elif b"transfer-encoding" in fields:
                while size := self.chunk_size():
                    self.rfile.read(size + 2)
                self.rfile.readline()
            found = target == b"/"
            body = PAGE if found else b""
            self.wfile.write(
                b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
                % (b"200 OK" if found else b"404 Not Found", len(body))
            )
            if method != b"HEAD":
                self.wfile.write(body)
            if fields.get(b"connection", b"").lower() == b"close":
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


with Server(("127.0.0.1", int(sys.argv[1])), Handler) as server:
    server.serve_forever()
