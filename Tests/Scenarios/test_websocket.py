"""Handshakes for other protocols than HTTP: WebSocket is refused in words, every other `upgrade` is ignored."""

import base64
import json
import os
import socket

import pytest

from harness import h2raw
from harness.gateway import SERVICE, Gateway, cluster, configuration
from harness.web_backend import WebBackend

PAGE = "https://app.acme.dev"
UNARY = f"/{SERVICE}/Unary"


@pytest.fixture(scope="module")
def web():
    with WebBackend() as backend:
        yield backend


@pytest.fixture(scope="module")
def running(tmp_path_factory, web, backend):
    routes = [{"path": "/timed", "cluster": "web", "timeout": "9s"},
              {"service": SERVICE, "cluster": "kinds"},
              {"cluster": "web", "cors": {"origins": [PAGE]}}]
    clusters = {"web": cluster(web, protocol="http1"), "kinds": cluster(backend)}
    settings = configuration(clusters=clusters, routes=[{"allow": "anyone", **route} for route in routes], access_log="stdout", workers=1)
    with Gateway(tmp_path_factory.mktemp("websocket"), settings) as gateway:
        yield gateway


def ask(running, path, upgrade, method="GET", version="1.1", connection="Upgrade", **more):
    """Status, fields and body of the answer to a request over HTTP/1.1, and of a plain one behind it on the same connection."""
    host, port = running.address.rsplit(":", 1)
    fields = {"Host": "acme.dev", "Connection": connection, "Upgrade": upgrade, "Sec-WebSocket-Version": "13",
              "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(), **more}
    head = f"{method} {path} HTTP/{version}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode() + b"\r\n" + b"GET /next HTTP/1.1\r\nhost: acme.dev\r\nconnection: close\r\n\r\n")
        bytes = b""
        while piece := connection.recv(65536):
            bytes += piece
    head, _, rest = bytes.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    answer = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:]}
    return int(lines[0].split()[1]), answer, rest


@pytest.mark.parametrize("upgrade, connection", [("websocket", "Upgrade"), ("WebSocket", "keep-alive, Upgrade"), ("h2c, websocket", "upgrade"), ("websocket", None)])
def test_a_handshake_is_refused_in_words(running, web, upgrade, connection):
    path = f"/chat/{upgrade.lower().replace(', ', '-')}-{len(str(connection))}"
    before = len(web.requests)
    status, head, rest = ask(running, path, upgrade, connection=connection, Origin=PAGE)
    assert status == 501 and head["access-control-allow-origin"] == PAGE and "upgrade" not in head
    body = json.loads(rest[:int(head["content-length"])])
    assert "WebSocket" in body["error"]["message"] if "error" in body else "WebSocket" in body["message"]
    assert [request["path"] for request in web.requests[before:]] == ["/next"], "HTTP/1.1 goes on behind it, and no plain GET was made of it"
    line = running.wait_for_log(lambda line: line.get("path") == path)
    assert (line["status"], line["detail"], line["response_flags"], line["authority"]) == (501, "websocket_unsupported", "DPE", "acme.dev")


@pytest.mark.parametrize("upgrade", ["h2c", "TLS/1.0", "HTTP/2.0, SHTTP/1.3", "foo"])
def test_every_other_upgrade_is_ignored(running, web, upgrade):
    settings = {"HTTP2-Settings": "AAMAAABkAAQAAP__", "connection": "Upgrade, HTTP2-Settings"} if upgrade == "h2c" else {}
    assert ask(running, "/page", upgrade, **settings)[0] == 200
    names = {name.lower() for name, _ in web.requests[-2]["fields"]}
    assert web.requests[-2]["path"] == "/page" and not {"upgrade", "http2-settings"} & names


def test_http_1_0_has_no_upgrade(running, web):
    status, _, _ = ask(running, "/old", "websocket", version="1.0", connection=None)
    assert status == 200 and web.requests[-1]["path"] == "/old"


@pytest.mark.parametrize("protocol, detail", [("websocket", "websocket_unsupported"), ("connect-udp", "connect_unsupported")])
def test_extended_connect_is_refused_in_words(running, web, protocol, detail):
    before = len(web.requests)
    with h2raw.Client(running.address) as client:
        client.wait(lambda event: isinstance(event, h2raw.h2.events.RemoteSettingsChanged), "SETTINGS")
        stream = client.h2.get_next_available_stream_id()
        client.headers(stream, [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":path", f"/chat/{protocol}"),
                                (":authority", "localhost"), ("origin", PAGE), ("sec-websocket-version", "13")], end=False)
        answer = client.answer(stream)
        assert answer.status == 501 and b"message" in answer.body and answer.field("access-control-allow-origin") == PAGE
        assert client.call(UNARY).grpc_status == 0, "the connection goes on"
    assert len(web.requests) == before
    line = running.wait_for_log(lambda line: line.get("path") == f"/chat/{protocol}")
    assert (line["status"], line["detail"], line["method"]) == (501, detail, "CONNECT")


def test_plain_http_gets_no_grpc_timeout(running, web, own, tmp_path):
    with h2raw.Client(running.address) as client:
        def sent(*more):
            assert client.call("/timed", None, method="GET", fields=[("content-type", "text/plain"), *more]).status == 200
            return dict(web.requests[-1]["fields"]).get("grpc-timeout")
        assert sent() is None
        assert sent(("grpc-timeout", "5S")), "what the caller sends is not added"

    seen = []

    def script(peer, _):
        def answer(stream, fields):
            seen.append(dict(fields))
            peer.headers(stream, [(":status", "200"), ("content-type", dict(fields)["content-type"])] +
                         ([("grpc-status", "0")] if "grpc" in dict(fields)["content-type"] else []), end=True)
        peer.serve(answer)
    server = own(h2raw.Server(script))
    routes = [{"timeout": "9s", "cluster": "kinds", "allow": "anyone", "path": ["/page", UNARY]}]
    with Gateway(tmp_path, configuration(server, routes=routes)) as gateway, h2raw.Client(gateway.address) as client:
        client.call("/page", None, method="GET", fields=[("content-type", "text/plain")])
        client.call(UNARY)
    assert "grpc-timeout" not in seen[0] and "grpc-timeout" in seen[1]
