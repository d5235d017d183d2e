"""A server with a key set, whose answers the scenario sets: HTTPS, or cleartext without an identity."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .certificates import server_context


class KeyServer:
    def __init__(self, identity, document=None):
        self.requests = []
        self.status, self.headers, self.body = 200, {"content-type": "application/json"}, b"{}"
        self._hold = threading.Event()
        self._hold.set()
        if document is not None:
            self.serve(document)
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                owner.requests.append((self.path, dict(self.headers)))
                owner._hold.wait(30)
                status, headers, body = owner.answer(self.path)
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    if "transfer-encoding" in headers:
                        self.end_headers()
                        for start in range(0, len(body), 7):
                            piece = body[start:start + 7]
                            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                        self.wfile.write(b"0\r\n\r\n")
                    else:
                        self.send_header("content-length", str(len(body)))
                        self.end_headers()
                        self.wfile.write(body)
                except OSError:
                    pass  # The other side had enough of it, which is its right.

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._scheme = "https" if identity else "http"
        if identity:
            self._server.socket = server_context(identity, alpn=("http/1.1",)).wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._hold.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self):
        return f"{self._scheme}://localhost:{self._server.server_address[1]}/jwks.json"

    def serve(self, document, **headers):
        self.status = 200
        self.headers = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.body = document if isinstance(document, bytes) else json.dumps(document).encode()

    def fail(self, status=500):
        self.status, self.body = status, b"no"

    def redirect(self, location):
        self.status, self.headers, self.body = 302, {"location": location}, b""

    def answer(self, path):
        return self.status, self.headers, self.body

    def hold(self):
        """Takes requests and answers none until `let_go`."""
        self._hold.clear()

    def let_go(self):
        self._hold.set()
