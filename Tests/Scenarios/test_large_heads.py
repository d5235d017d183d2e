"""Requests far beyond the limits over HTTP/1.1, heads, trailers and bodies: told in the caller's protocol, to its page, and in the log."""

import http.client
import io
import socket
import ssl

import pytest

from harness import h2raw
from harness.gateway import SERVICE, listener, open_route
from harness.waiting import eventually
from harness.web import Connect, Web

PAGE = "https://app.acme.dev"
PATH = f"/{SERVICE}/Unary"


class REST:
    def request(self, messages):
        return {"content-type": "application/json"}, b"{}"

    def read(self, status, head, body):
        assert (status, head["content-type"]) == (431, "application/json") and b'"code":8' in body.replace(b" ", b""), (status, head, body)


class JSON(Connect):
    def __init__(self, header):
        super().__init__(True)
        self.header = header

    def request(self, messages):
        return {"content-type": "application/json", self.header: "1"}, b"{}"


class GRPC:
    def request(self, messages):
        return {"content-type": "application/grpc", "te": "trailers"}, b""

    def read(self, status, head, body):
        assert (status, head["content-type"], head["grpc-status"], body) == (200, "application/grpc", "8", b"")


PROTOCOLS = {"web": Web(False), "web-text": Web(True), "connect": Connect(True), "connect-json": JSON("connect-protocol-version"),
             "connect-json-timeout": JSON("connect-timeout-ms"), "connect-stream": Connect(False), "rest": REST(), "grpc": GRPC()}


@pytest.fixture
def running(gateway, backend, server_identity, request):
    identity = server_identity if request.node.callspec.params.get("secure") else None
    cors = {"origins": [PAGE], "credentials": True}
    return gateway(backend, routes=[open_route(cors=cors)], workers=1, identity=identity)


@pytest.fixture
def connect(running, pki, request):
    def connect():
        host, port = running.address.rsplit(":", 1)
        raw = socket.create_connection((host, int(port)), timeout=10)
        if not request.node.callspec.params.get("secure"):
            return raw
        return pki.client_context(alpn=("http/1.1",)).wrap_socket(raw, server_hostname="localhost")
    return connect


class Answer(io.BytesIO):
    def makefile(self, *_):
        return self


def exchange(connection, data):
    """Status, fields and body of the only answer to `data`, after which the connection may have ended."""
    came = b""
    connection.settimeout(10)
    try:
        connection.sendall(data)
    except OSError:
        pass  # Not all of it is read.
    try:
        while b"\r\n\r\n" not in came or len(came.partition(b"\r\n\r\n")[2]) < length(came):
            if not (piece := connection.recv(65536)):
                break
            came += piece
    except (ConnectionError, ssl.SSLError):
        pass
    answer = http.client.HTTPResponse(Answer(came))
    answer.begin()
    fields = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, fields, answer.read()


def length(came):
    lines = came.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    return next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)


def head(fields, *large, end=True):
    lines = [f"POST {PATH} HTTP/1.1", "host: localhost", *(f"{name}: {value}" for name, value in fields.items()), *large]
    return ("\r\n".join(lines) + ("\r\n\r\n" if end else "")).encode()


READ = 256 << 10
SIZES = {"100k": 100 << 10, "220k": 220 << 10, "270k": 270 << 10, "1m": 1 << 20}


def heads():
    """The lines of large heads by what the log shall tell them by; whether the connection outlives it, and whether the head ends."""
    for name, size in SIZES.items():
        yield f"one-{name}", [f"x: {'v' * size}"], size < READ, True
        yield f"many-{name}", [f"x-{n:04}: {'v' * 966}" for n in range(size >> 10)], size < READ, True
    yield "endless", ["x: " + "v" * (1 << 20)], False, False
    yield "endless-name", ["x" * (1 << 20)], False, False


def refused(protocol, answer):
    status, fields, body = answer
    assert fields["access-control-allow-origin"] == PAGE and fields["access-control-allow-credentials"] == "true"
    assert "origin" in fields["vary"]
    if result := protocol.read(status, fields, body):
        assert result.code == 8 and "61440 bytes" in result.text.replace("%20", " ")
    return fields


@pytest.mark.parametrize("secure", [False, True], ids=["cleartext", "tls"])
@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_a_large_head_is_told_in_the_callers_protocol(running, connect, pki, protocol, secure):
    fields, _ = protocol.request([b""])
    cut = 0
    with h2raw.Client(running.address, tls=pki.client_context() if secure else None) as neighbour:
        for agent, lines, survives, end in heads():
            own = {**fields, "origin": PAGE, "user-agent": agent}
            with connect() as connection:
                told = refused(protocol, exchange(connection, head(own, *lines, end=end)))
                if survives:
                    # What tells the protocol may stand behind what is too large.
                    data = head({}, *lines, *(f"{name}: {value}" for name, value in own.items()), "content-length: 0")
                    refused(protocol, exchange(connection, data))
                    refused(protocol, exchange(connection, head(own, *lines)))
                else:
                    cut += 1
                    assert told["connection"] == "close"
            count = 3 if survives else 1
            eventually(lambda: len(running.log(lambda line: line.get("user_agent") == agent)) == count, agent)
            for line in running.log(lambda line: line.get("user_agent") == agent):
                assert line["path"] == PATH and line["response_flags"] == "DPE" and line["detail"] == "request_headers_too_large", line
                assert line["status"] == 431 or line["grpc_status"] == 8
        assert neighbour.call(PATH).grpc_status == 0
    eventually(lambda: running.metrics().sum("martlet_connections_ended_total", side="downstream", reason="header_section_too_large") == cut,
               "the count")


@pytest.mark.parametrize("origin", ["https://evil.org", None])
def test_other_pages_may_not_read_it(running, connect, origin):
    with connect() as connection:
        status, fields, _ = exchange(connection, head({"origin": origin} if origin else {}, f"x: {'v' * (1 << 20)}"))
    assert status == 431 and "access-control-allow-origin" not in fields and "origin" in fields["vary"]


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_over_http2_the_page_is_read_behind_what_is_too_large(running, protocol):
    fields, body = protocol.request([b""])
    with h2raw.Client(running.address) as client:
        stream = client.h2.get_next_available_stream_id()
        client.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", PATH), (":authority", "localhost"),
                                *((f"x-{n}", "v" * 16_000) for n in range(6)), *fields.items(), ("origin", PAGE)])
        client.data(stream, body, True)
        answer = client.answer(stream)
        refused(protocol, (answer.status, dict(answer.head), bytes(answer.body)))


@pytest.mark.parametrize("size", [100 << 10, 300 << 10])
@pytest.mark.parametrize("protocol", [Connect(True), Connect(False), Web(False)], ids=["connect", "connect-stream", "web"])
def test_large_trailers_are_told_in_the_callers_protocol(running, connect, protocol, size):
    fields, _ = protocol.request([b""])
    data = head({**fields, "origin": PAGE, "user-agent": "trailers"}, "transfer-encoding: chunked") + b"0\r\nx: " + b"v" * size + b"\r\n\r\n"
    with connect() as connection:
        refused(protocol, exchange(connection, data))
    line = running.wait_for_log(lambda line: line.get("user_agent") == "trailers")
    assert (line["status"] == 431 or line["grpc_status"] == 8) and line["response_flags"] == "DPE" and line["detail"] == "request_headers_too_large", line


@pytest.mark.parametrize("data, status, reason", [
    (b"POST / HTTP/1.1\r\nhost: a\r\nx y\r\n\r\n", 400, "protocol_error"), (b"GET  / HTTP/1.1\r\n\r\n", 400, "protocol_error"),
    (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 414, "header_section_too_large"),
])
def test_what_cannot_be_read_is_counted(running, connect, data, status, reason):
    with connect() as connection:
        assert exchange(connection, data)[0] == status
    eventually(lambda: running.metrics().sum("martlet_connections_ended_total", side="downstream", reason=reason) == 1, "the count")
    running.process.wait_for(lambda line: f"reason={reason}" in line, "notice")


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
@pytest.mark.parametrize("protocol", [Web(False), Web(True), Connect(True), Connect(False)], ids=["web", "web-text", "connect", "connect-stream"])
def test_a_large_body_is_told_in_the_callers_protocol(gateway, backend, protocol, chunked):
    running = gateway(backend, listeners=[listener(limits={"body_bytes": "64KiB"})], routes=[open_route(cors={"origins": [PAGE]})], workers=1)
    fields, _ = protocol.request([b""])
    # A message's beginning, or its base64.
    body = b"A" * (65 << 10) if protocol.name.startswith("application/grpc-web-text") else b"\0\0\1\0\0" + b"\0" * (65 << 10)
    framing = "transfer-encoding: chunked" if chunked else f"content-length: {len(body)}"
    data = head({**fields, "origin": PAGE, "user-agent": "body"}, framing) + (b"%x\r\n" % len(body) if chunked else b"") + body
    host, port = running.address.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as connection:
        status, told, came = exchange(connection, data)
    result = protocol.read(status, told, came)
    assert result.code == 8 and told["access-control-allow-origin"] == PAGE
    line = running.wait_for_log(lambda line: line.get("user_agent") == "body")
    assert line["response_flags"] == "DPE" and line["detail"] == "request_payload_too_large" and line["path"] == PATH, line
