"""Listeners that normalize paths: what is matched, judged, logged and sent is the result, and RPCs are left alone."""

import pytest

from harness import h2raw
from harness.gateway import SERVICE, Gateway, cluster, configuration
from harness.library import NAME, Served, descriptors
from harness.web import Connect, Web, post
from harness.web_backend import WebBackend

VERSIONS = ["http1", "http2"]
UNARY = f"/{SERVICE}/Unary"
LISTENERS = [{"name": "normal", "address": "127.0.0.1:0", "paths": "normalize"}, {"name": "strict", "address": "127.0.0.1:0"}]
ROUTES = [{"path": "/v1/admin", "cluster": "web", "deny": "anyone"}, {"path": "/to", "redirect": {"authority": "www.acme.dev"}},
          {"prefix": "/api", "cluster": "web", "rewrite": {"prefix": "/"}, "request_headers": {"set": {"x-path": "%{request.path}"}}},
          {"service": SERVICE, "cluster": "kinds"}, {"cluster": "web"}]


@pytest.fixture(scope="module")
def web():
    with WebBackend() as backend:
        yield backend


@pytest.fixture(scope="module")
def running(tmp_path_factory, web, backend):
    clusters = {"web": cluster(web, protocol="http1"), "kinds": cluster(backend)}
    settings = configuration(clusters=clusters, listeners=LISTENERS, routes=[{"allow": "anyone", **route} for route in ROUTES],
                             access_log="stdout", workers=1)
    with Gateway(tmp_path_factory.mktemp("paths"), settings) as gateway:
        yield gateway


@pytest.fixture(params=VERSIONS)
def ask(request, running):
    def ask(path, name="normal", method="GET", body=b"", **headers):
        return post(running.listeners[name], request.param, path, {key.replace("_", "-"): value for key, value in headers.items()}, body, method)
    return ask


@pytest.mark.parametrize("sent, normal", [("//v1//orders", "/v1/orders"), ("/v1/%6Frders", "/v1/orders"), ("/v1/orders//", "/v1/orders/"),
                                          ("//", "/"), ("/v1/a%20b//c?d=//e%61", "/v1/a%20b/c?d=//e%61"), ("/plain", "/plain")])
def test_the_result_is_sent_and_logged(ask, running, web, sent, normal):
    assert ask(sent)[0] == 200 and web.requests[-1]["path"] == normal
    running.wait_for_log(lambda line: line["path"] == normal.split("?")[0])
    assert not running.log(lambda line: line["path"] == sent != normal and line["status"] == 200)
    if sent != normal:
        assert ask(sent, name="strict")[0] == 400


def test_the_result_is_matched_and_judged(ask, web):
    for path in ["/v1//admin", "/v1/%61dmin", "//v1/admin"]:
        assert ask(path)[0] == 403
    assert ask("//to?a")[1]["location"].endswith("//www.acme.dev/to?a")
    assert ask("/api//a%62")[0] == 200 and web.requests[-1]["path"] == "/ab"
    assert dict(web.requests[-1]["fields"])["x-path"] == "/api/ab"


@pytest.mark.parametrize("path", ["/a%2Fb", "//a%2fb", "/a%5Cb", "//a%00", "//a/../b", "/a/%2e%2e/b", "//.", "/a//%2E", "/a%", "//a;x/..;/b", "//%%36%31"])
def test_the_rest_stays_refused(ask, web, path):
    before = len(web.requests)
    assert ask(path)[0] == 400 and len(web.requests) == before


@pytest.mark.parametrize("path", ["/" + UNARY, UNARY.replace("/U", "//U"), UNARY.replace("Unary", "%55nary")])
def test_rpcs_are_never_normalized(running, path):
    with h2raw.Client(running.listeners["normal"]) as client:
        assert client.call(UNARY).grpc_status == 0
        assert client.call(path).grpc_status == 3
    for version in VERSIONS:
        for caller in [Web(False), Web(True), Connect(True)]:
            headers, body = caller.request([b""], unary=True)
            assert caller.read(*post(running.listeners["normal"], version, UNARY, headers, body)).code == 0
            assert caller.read(*post(running.listeners["normal"], version, path, headers, body)).code == 3
        json = {"content-type": "application/json", "connect-protocol-version": "1"}
        assert post(running.listeners["normal"], version, path, json, b"{}")[0] == 400
        assert post(running.listeners["normal"], version, path + "?connect=v1&encoding=json&message=%7B%7D", {}, b"", "GET")[0] == 400


@pytest.mark.parametrize("path", ["/", "/foo", "/a.B/", "/a/b/c"])
def test_a_call_whose_path_names_no_method_is_unimplemented(running, path):
    """As gRPC servers answer it; the backend is not asked."""
    with h2raw.Client(running.listeners["normal"]) as caller:
        answer = caller.call(path)
        assert answer.grpc_status == 12 and "no method" in answer.field("grpc-message")


@pytest.mark.parametrize("version", VERSIONS)
def test_rest_calls(tmp_path, version):
    descriptors(tmp_path / "library.binpb")
    routes = [{"service": NAME, "cluster": "books", "allow": "anyone", "methods": {"ReplaceBook": {"deny": "anyone"}}}]
    with Served() as server:
        books = {"endpoints": [server.address], "schema": {"descriptors": [str(tmp_path / "library.binpb")]}}
        with Gateway(tmp_path, configuration(clusters={"books": books}, listeners=LISTENERS, routes=routes)) as gateway:
            def ask(method, path, body=b"", name="normal"):
                return post(gateway.listeners[name], version, path, {"content-type": "application/json"}, body, method)[0]
            assert ask("GET", "//v1//books/%61") == 200 and ask("GET", "//v1//books/%61", name="strict") == 400
            assert ask("PUT", "/v1//shelves/1/books/a", b"{}") == 403
