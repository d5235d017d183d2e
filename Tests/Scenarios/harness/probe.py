"""One request in any of the protocols of a table, and what came back."""

import base64
import http.client
import ssl
import time
from dataclasses import dataclass, field

from . import h2raw
from .web import frames
from .waiting import PATIENCE

PLAIN = ("http1", "http2")
RPC = {"grpc": "application/grpc", "grpc-web": "application/grpc-web+proto", "grpc-web-text": "application/grpc-web-text+proto",
       "connect": "application/proto"}
HANDSHAKE = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
             "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}


@dataclass
class Answer:
    """`status` is None where the connection ended without one; `code` is gRPC's."""
    status: int | None
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    code: int | None = None
    messages: list = field(default_factory=list)
    seconds: float = 0.0


def send(address, method, path, *, protocol="http1", authority, headers=None, body=b"", tls=None):
    """`tls` is a client's context; it says nothing of ALPN, which follows the protocol."""
    headers = {name.lower(): value for name, value in (headers or {}).items()}
    if protocol in RPC:
        headers.setdefault("content-type", RPC[protocol])
        body = _framed(protocol, body)
    if protocol == "websocket":
        headers = {**HANDSHAKE, **headers}
    began = time.monotonic()
    try:
        if protocol in ("http2", "grpc"):
            answer = _http2(address, method, path, authority, headers, body, tls, grpc=protocol == "grpc")
        else:
            answer = _http1(address, method, path, authority, headers, body, tls)
    except (ssl.SSLError, ConnectionError, http.client.HTTPException):
        return Answer(None, seconds=time.monotonic() - began)
    answer.seconds = time.monotonic() - began
    if protocol in RPC:
        _read_rpc(protocol, answer)
    return answer


def _framed(protocol, message):
    if protocol == "connect":
        return message
    framed = h2raw.grpc_message(message)
    return base64.b64encode(framed) if protocol == "grpc-web-text" else framed


def _http1(address, method, path, authority, headers, body, tls):
    host, port = address.rsplit(":", 1)
    if tls:
        tls.set_alpn_protocols(["http/1.1"])
        connection = http.client.HTTPSConnection(host, int(port), timeout=PATIENCE, context=tls)
    else:
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("host", authority)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body or method in ("POST", "PUT", "PATCH"):
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        return Answer(answer.status, _joined(answer.getheaders()), answer.read())
    finally:
        connection.close()


def _http2(address, method, path, authority, headers, body, tls, grpc):
    if tls:
        tls.set_alpn_protocols(["h2"])
    with h2raw.Client(address, tls=tls) as client:
        stream = client.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "https" if tls else "http"), (":path", path), (":authority", authority)]
        if grpc:
            head.append(("te", "trailers"))
        client.headers(stream, head + list(headers.items()), end=not body)
        if body:
            client.data(stream, body, True)
        try:
            answer = client.answer(stream)
        except AssertionError:
            if client.closed:
                return Answer(None)
            raise
        if answer.reset is not None or not answer.head:
            return Answer(None)
        fields = [pair for pair in answer.head if not pair[0].startswith(":")] + list(answer.trailers)
        return Answer(answer.status, _joined(fields), bytes(answer.body))


def _joined(fields):
    joined = {}
    for name, value in fields:
        joined.setdefault(name.lower(), []).append(value)
    return {name: ", ".join(values) for name, values in joined.items()}


def _read_rpc(protocol, answer):
    if "grpc-status" in answer.headers:
        answer.code = int(answer.headers["grpc-status"])
    content = answer.headers.get("content-type", "")
    if protocol == "grpc" and content.startswith("application/grpc"):
        answer.messages = h2raw.grpc_messages(answer.body)
    elif protocol.startswith("grpc-web") and content.startswith("application/grpc-web"):
        whole = answer.body
        if content.startswith("application/grpc-web-text"):
            whole = b"".join(base64.b64decode(whole[start:start + 4]) for start in range(0, len(whole), 4))
        for flag, payload in frames(whole):
            if flag & 0x80:
                trailers = dict(line.split(":", 1) for line in payload.decode().split("\r\n") if ":" in line)
                answer.code = int(trailers["grpc-status"])
            else:
                answer.messages.append(payload)
    elif protocol == "connect" and answer.status == 200:
        answer.code, answer.messages = 0, [answer.body]
