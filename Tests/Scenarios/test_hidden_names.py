"""Spellings of a method's path or a host's name that a server might read as the plain one: none passes by the rule of the plain one."""

import socket

import pytest

from harness import h2raw
from harness.backend import ask
from harness.gateway import SERVICE, cluster, configuration
from harness.web import Connect, Web, frame, post
from harness.web_backend import WebBackend

DENIED = {"header": {"x-denied": "*"}}
METHODS = [f"/{SERVICE}%2FUnary", f"/{SERVICE}%2fUnary", f"/{SERVICE}%252FUnary", f"/{SERVICE}/Unary/", f"/{SERVICE}/Unary;x", f"/{SERVICE};x/Unary",
           f"/{SERVICE}/Unary%20", f"/{SERVICE}/Unary/more", f"/more/{SERVICE}/Unary", f"/{SERVICE}/%2FUnary", f"/{SERVICE}/Unary%2F",
           f"/{SERVICE}/Unary%3Fx", f"/{SERVICE}/", f"/{SERVICE}", f"/{SERVICE}//Unary", f"//{SERVICE}/Unary", f"/{SERVICE}/./Unary", "/", "/Unary",
           f"/{SERVICE}/U%6eary", f"/{SERVICE}%5CUnary", f"/;/{SERVICE}/Unary", f"/{SERVICE}/Unary;", f"/%2F{SERVICE}/Unary"]


@pytest.fixture
def wide(gateway, own):
    """A service whose method is denied, and a route that takes everything else to the same server, which notes each path it is sent."""
    seen = []

    def script(peer, _):
        def answer(stream, fields):
            seen.append(dict(fields)[":path"])
            peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
            peer.headers(stream, [("grpc-status", "0")], end=True)
        peer.serve(answer)
    server = own(h2raw.Server(script))
    running = gateway(configuration(server, routes=[
        {"name": "orders", "service": SERVICE, "cluster": "kinds", "allow": "anyone", "methods": {"Unary": {"deny": {"address": ["0.0.0.0/0"]}}}},
        {"name": "rest", "cluster": "kinds", "allow": "anyone"}]))
    return running, seen


def protocols():
    yield "grpc", {"content-type": "application/grpc", "te": "trailers"}, frame(b"")
    for name, protocol in [("web", Web(False)), ("web-text", Web(True)), ("connect", Connect(True)), ("connect-stream", Connect(False))]:
        yield name, *protocol.request([b""])
    yield "connect-json", {"content-type": "application/json", "connect-protocol-version": "1"}, b"{}"
    yield "connect-json-stream", {"content-type": "application/connect+json", "connect-protocol-version": "1"}, frame(b"{}")


@pytest.mark.parametrize("name, head, body", list(protocols()), ids=[name for name, *_ in protocols()])
def test_what_is_no_methods_path_is_refused_before_routing(wide, name, head, body):
    running, seen = wide
    with h2raw.Client(running.address) as client:
        for path in METHODS:
            stream = client.h2.get_next_available_stream_id()
            client.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"), *head.items()])
            client.data(stream, body, True)
            answer = client.answer(stream)
            assert answer.reset is None and answer.status in (200, 400, 404, 501), (path, answer)
            if name == "grpc":
                assert answer.grpc_status in (3, 12), path
    if name != "grpc":
        for path in METHODS:
            assert post(running.address, "http1", path, head, body)[0] in (200, 400, 404, 501)
    assert seen == []


@pytest.mark.parametrize("version", ["http1", "http2"])
@pytest.mark.parametrize("method, head, body", [
    ("POST", {"content-type": "application/proto"}, b"x"), ("POST", {"content-type": "application/json"}, b"{}"), ("POST", {}, b""),
    ("GET", {}, b""), ("PUT", {"content-type": "application/grpc"}, b"x"),
])
def test_plain_http_does_not_pass_by_a_rule_either(wide, version, method, head, body):
    running, seen = wide
    for path in [f"/{SERVICE}%2FUnary", f"/{SERVICE}%252FUnary", f"/{SERVICE};x/Unary", f"/{SERVICE}/Unary;x", f"/%2F{SERVICE}/Unary",
                 f"/{SERVICE}/%2FUnary", f"/;x/{SERVICE}/Unary"]:
        for query in ("", "?encoding=proto&message=&connect=v1"):
            status, fields, _ = post(running.address, version, path + query, head, body, method)
            assert status == 400 and fields["content-type"] == "application/json", path
    assert seen == []


@pytest.mark.parametrize("path", ["/admin%2Fusers", "/admin;x/users", "/admin;/users", "/admin%3Bx/users", "/%2Fadmin/users", "/;x/admin/users",
                                  "/admin%252Fusers", "/exact;x", "/exact%3B"])
def test_parameters_and_escapes_do_not_hide_a_path(gateway, own, path):
    rest = own(WebBackend())
    closed = {"allow": {"address": ["192.0.2.1"]}}
    running = gateway(configuration(clusters={"web": cluster(rest, protocol="http1")}, routes=[
        {"name": "admin", "path": "/admin/*", "cluster": "web", **closed}, {"name": "exact", "path": "/exact", "cluster": "web", **closed},
        {"name": "all", "cluster": "web", "allow": "anyone"}]))
    for version in ("http1", "http2"):
        assert post(running.address, version, "/admin/users", {}, b"", "GET")[0] in (401, 403)
        assert post(running.address, version, path, {}, b"", "GET")[0] == 400
        for harmless in ("/a;b=1/c", "/a%2Fb", "/a%20b"):
            assert post(running.address, version, harmless, {}, b"", "GET")[0] == 200
    assert {request["path"] for request in rest.requests} == {"/a;b=1/c", "/a%2Fb", "/a%20b"}


def raw(address, text):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(text.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split(b" ")[1])


HOSTS = [("secret.acme.dev", 403), ("SECRET.acme.dev:80", 403), ("secret.acme.dev.", 403), ("secret.acme.dev.:8080", 403), ("sec%72et.acme.dev", 400),
         ("secret.acme.dev..", 400), (".secret.acme.dev", 400), ("user@secret.acme.dev", 400), ("secret.acme.dev:99999", 400),
         ("secret.acme.dev%00", 400), ("[2001:DB8:0::0:1]", 403), ("[2001:db8::1]:443", 403), ("[2001:db8::1%25lo]", 400), ("open.acme.dev", 200),
         ("a.acme.org.", 403), ("a.ACME.org.:443", 403)]


@pytest.mark.parametrize("host, status", HOSTS)
def test_a_host_has_one_name(gateway, own, host, status):
    rest = own(WebBackend())
    closed = {"cluster": "web", "allow": "anyone", "deny": {"address": ["0.0.0.0/0"]}}
    running = gateway(configuration(clusters={"web": cluster(rest, protocol="http1")}, routes=[
        {"name": "host", "authority": "secret.acme.dev", **closed}, {"name": "literal", "authority": "[2001:db8:0:0::1]", **closed},
        {"name": "below", "authority": "*.acme.org", **closed}, {"name": "all", "cluster": "web", "allow": "anyone"}]))
    with h2raw.Client(running.address) as client:
        def call(fields):
            stream = client.h2.get_next_available_stream_id()
            client.headers(stream, [(":method", "GET"), (":scheme", "http"), (":path", "/a"), *fields], end=True)
            answer = client.answer(stream)
            return answer.status or 400
        assert call([(":authority", host)]) == status
        assert call([("host", host)]) == status
        assert call([(":authority", "open.acme.dev"), ("host", host), ("x-forwarded-host", host)]) == (200 if status == 200 else 400)
        assert call([(":authority", "open.acme.dev"), ("x-forwarded-host", host)]) == 200
    assert raw(running.address, f"GET /a HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n") == status
    assert raw(running.address, f"GET http://{host}/a HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n") == status
    assert raw(running.address, f"GET http://{host}/a HTTP/1.1\r\nhost: elsewhere\r\nconnection: close\r\n\r\n") == 400
    assert raw(running.address, f"GET /a HTTP/1.1\r\nhost: {host}\r\nhost: open.acme.dev\r\nconnection: close\r\n\r\n") == 400
    assert all(dict(request["fields"]).get("host", dict(request["fields"]).get("Host")) == "open.acme.dev" for request in rest.requests)
