"""A backend that stands in for any other: HTTP/1.1, HTTP/2 and gRPC on one port, in the scenario's own process.

It keeps what it saw, says who it is in `x-stub`, and answers 200, or what `?answer=503,200` asks for, one status an attempt
(`close`: over HTTP/1.1, the end of the connection instead). An RPC with `x-answer: 5` gets that status of gRPC's and no message.
"""

import json
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from . import h2raw
from .waiting import PATIENCE


@dataclass(frozen=True)
class Seen:
    """A request as the backend got it."""
    backend: str
    version: str
    method: str
    path: str
    authority: str
    headers: list
    body: bytes

    def header(self, name):
        """All values of a name, as one; None without any."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None


class StubBackend:
    """`replies` maps the path of an RPC to the message it is answered with; without one, the answer is the empty message."""

    def __init__(self, name, *, tls=None, replies=None):
        self.name, self.seen, self.replies = name, [], replies or {}
        self._tls, self._connections, self._lock = tls, [], threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # shutdown wakes the thread that accepts; close alone would leave it waiting.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            try:
                connection.close()
            except OSError:
                pass

    def forget(self):
        with self._lock:
            self.seen.clear()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                http2 = connection.selected_alpn_protocol() == "h2"
            else:
                http2 = connection.recv(len(h2raw.PREFACE), socket.MSG_PEEK).startswith(b"PRI")
            if http2:
                self._serve_http2(h2raw.ServerPeer(connection, client_side=False))
            else:
                self._serve_http1(connection)
        except OSError:
            pass  # A connection that ends early is no news.

    def _record(self, **what):
        """Keeps it; the status that the request asks for, for this attempt."""
        seen = Seen(backend=self.name, **what)
        asked = parse_qs(urlsplit(seen.path).query).get("answer")
        with self._lock:
            self.seen.append(seen)
            attempt = len(self.seen)
        if not asked:
            return seen, 200
        statuses = asked[0].split(",")
        status = statuses[min(attempt, len(statuses)) - 1]
        return seen, None if status == "close" else int(status)

    def _serve_http2(self, peer):
        """Answers what came whole; what was reset before was no request."""
        requests, events = {}, h2raw.h2.events
        while not peer.closed:
            for event in peer.read_more(PATIENCE) or ():
                if isinstance(event, events.RequestReceived):
                    requests[event.stream_id] = event.headers
                elif isinstance(event, events.StreamReset):
                    requests.pop(event.stream_id, None)
                elif isinstance(event, events.StreamEnded):
                    self._answer_http2(peer, event.stream_id, requests.pop(event.stream_id))

    def _answer_http2(self, peer, stream, fields):
        head = dict(fields)
        seen, status = self._record(
            version="http2", method=head[":method"], path=head[":path"], authority=head.get(":authority", head.get("host", "")),
            headers=[(name, value) for name, value in fields if not name.startswith(":")], body=peer.body(stream))
        if head.get("content-type", "").startswith("application/grpc"):
            reply, code = self.replies.get(urlsplit(seen.path).path, b""), int(head.get("x-answer", "0"))
            messages = [] if code else reply if isinstance(reply, list) else [reply]
            peer.answer(stream, *messages, status=code, trailing=[("grpc-message", "stub")] if code else [], head=[("x-stub", self.name)])
            return
        text = self._text(seen)
        bodiless = head[":method"] == "HEAD" or status in (204, 304)
        peer.headers(stream, [(":status", str(status)), *self._head(text, status)], end=bodiless)
        if not bodiless:
            peer.data(stream, text, end=True)

    def _serve_http1(self, connection):
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def whole_body(self):
                if self.headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length", 0)))
                whole = b""
                while size := int(self.rfile.readline(), 16):
                    whole += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return whole

            def answer(self):
                headers = [(name.lower(), value) for name, value in self.headers.items()]
                seen, status = stub._record(
                    # As it came: `self.path` has no `//` at its start.
                    version="http1", method=self.command, path=self.requestline.split(" ")[1], authority=self.headers.get("host", ""),
                    headers=headers, body=self.whole_body())
                if self.headers.get("upgrade") == "websocket":
                    self.send_response(101)
                    for name, value in (("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-accept", "stub")):
                        self.send_header(name, value)
                    self.end_headers()
                    self.close_connection = True
                    return
                if status is None:
                    self.close_connection = True
                    return
                text = stub._text(seen)
                self.send_response(status)
                for name, value in stub._head(text, status):
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD" and status not in (204, 304):
                    self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

        with connection:
            Handler(connection, connection.getpeername(), None)

    def _head(self, text, status):
        described = [] if status in (204, 304) else [("content-type", "application/json"), ("content-length", str(len(text)))]
        return [*described, ("x-stub", self.name)]

    def _text(self, seen):
        return json.dumps({"backend": self.name, "method": seen.method, "path": seen.path}).encode()
