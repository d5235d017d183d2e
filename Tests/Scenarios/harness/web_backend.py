"""A REST backend that speaks HTTP/1.1, in the scenario's own process. What it answers is in the path."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class WebBackend:
    """`requests` is everything that came, in order; `raw` maps a path to bytes that are sent as they are, and then the end."""

    def __init__(self, tls=None):
        self.requests, self.raw, self.connections = [], {}, 0
        self.gate = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                outer.connections += 1
                self.number = outer.connections

            def log_message(self, *_):
                pass

            def body(self):
                if self.headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length", 0)))
                whole = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    whole += self.rfile.read(size)
                    assert self.rfile.readline() == b"\r\n"
                while self.rfile.readline() != b"\r\n":
                    pass
                return whole

            def answer(self):
                url = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(url.query).items()}
                body = self.body() if url.path != "/early" else b""
                seen = {"method": self.command, "path": self.path, "fields": [list(pair) for pair in self.headers.items()],
                        "body": body.decode("latin-1"), "connection": self.number}
                outer.requests.append(seen)
                if url.path == "/hold":
                    outer.gate.wait(30)
                if url.path in outer.raw:
                    self.wfile.write(outer.raw[url.path])
                    self.wfile.flush()
                    self.close_connection = True
                    return
                status = int(asked.get("status", 200))
                text = json.dumps(seen).encode() if "bytes" not in asked else b"x" * int(asked["bytes"])
                if url.path == "/informed":
                    self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
                self.send_response(status)
                self.send_header("x-private", "not to be passed on")
                self.send_header("connection", "close, x-private" if url.path in ("/close", "/early") else "x-private")
                if status in (204, 304):
                    self.end_headers()
                elif url.path == "/chunked":
                    self.send_header("transfer-encoding", "chunked")
                    self.end_headers()
                    for start in range(0, len(text), 7000):
                        piece = text[start:start + 7000]
                        self.wfile.write(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.write(b"0\r\nx-end: over\r\n\r\n")
                elif url.path == "/until-close":
                    self.close_connection = True
                    self.end_headers()
                    self.wfile.write(text)
                else:
                    self.send_header("content-length", str(len(text)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def get_request(self):
                connection, peer = super().get_request()
                return (tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) if tls else connection), peer

            def handle_error(self, *_):
                """A connection that ends early is no news."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
