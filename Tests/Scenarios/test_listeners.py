"""Routes of listeners: the cleartext one redirects, the one with TLS serves, and what is internal is nowhere else."""

import http.client
import ssl

import pytest

from harness import h2raw
from harness.gateway import SERVICE, Gateway, cluster, configuration, listener, open_route
from harness.library import Served, descriptors, NAME
from harness.waiting import eventually
from harness.web import Connect, Web, post
from harness.web_backend import WebBackend

VERSIONS = ["http1", "http2"]
UNARY = f"/{SERVICE}/Unary"
LISTENERS = [{"name": "plain", "address": "127.0.0.1:0"}, {"name": "inside", "address": "127.0.0.1:0"}]


@pytest.fixture(scope="module")
def web():
    with WebBackend() as backend:
        yield backend


def settings(web, backend, routes, listeners=LISTENERS, **more):
    clusters = {"web": cluster(web, protocol="http1"), "kinds": cluster(backend)}
    return configuration(clusters=clusters, listeners=listeners, routes=[{"allow": "anyone", **route} for route in routes], workers=1, **more)


def get(gateway, name, path, version="http1", method="GET"):
    status, head, _ = post(gateway.listeners[name], version, path, {}, b"", method)
    return status, head.get("location")


def test_cleartext_redirects_and_tls_serves(tmp_path, web, backend, server_identity):
    """No loop: what follows the redirect comes to the other listener."""
    listeners = [listener(name="plain"), listener(server_identity, name="public")]
    routes = [{"listeners": ["plain"], "redirect": {"scheme": "https", "authority": "localhost", "code": 308}}, {"cluster": "web"}]
    with Gateway(tmp_path, settings(web, backend, routes, listeners)) as gateway:
        for version in VERSIONS:
            assert get(gateway, "plain", "/a?b", version) == (308, "https://localhost/a?b")
        host, port = gateway.listeners["public"].rsplit(":", 1)
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(host, int(port), timeout=20, context=context)
        connection.request("GET", "/a?b")
        assert connection.getresponse().status == 200 and web.requests[-1]["path"] == "/a?b"
        connection.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory, web, backend):
    routes = [{"listeners": ["inside"], "path": "/a", "cluster": "web", "rewrite": {"path": "/inside"}},
              {"path": "/a", "cluster": "web", "rewrite": {"path": "/all"}},
              {"listeners": ["inside"], "path": "/hidden", "http_method": "PUT", "cluster": "web"},
              {"listeners": ["inside", "plain"], "path": "/both", "cluster": "web"},
              {"listeners": "inside", "service": SERVICE, "cluster": "kinds"}]
    with Gateway(tmp_path_factory.mktemp("listeners"), settings(web, backend, routes)) as gateway:
        yield gateway


@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_head_leads_elsewhere_on_another_listener(running, web, version):
    """Also where what one listener's head came to is remembered."""
    for _ in range(3):
        for name, path in [("plain", "/all"), ("inside", "/inside")]:
            assert get(running, name, "/a", version)[0] == 200 and web.requests[-1]["path"] == path
    assert get(running, "plain", "/both", version)[0] == get(running, "inside", "/both", version)[0] == 200
    assert get(running, "inside", "/hidden", version, "GET")[0] == 405
    assert get(running, "plain", "/hidden", version, "GET")[0] == 404, "of which methods it takes, other listeners tell nothing"


def test_grpc(running):
    with h2raw.Client(running.listeners["inside"]) as inside, h2raw.Client(running.listeners["plain"]) as plain:
        assert inside.call(UNARY).grpc_status == 0
        assert plain.call(UNARY).grpc_status == 12


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("caller", [Web(False), Web(True), Connect(True)], ids=lambda caller: caller.name)
def test_web_callers(running, version, caller):
    headers, body = caller.request([b""], unary=True)
    assert caller.read(*post(running.listeners["inside"], version, UNARY, headers, body)).code == 0
    assert caller.read(*post(running.listeners["plain"], version, UNARY, headers, body)).code == 12


def test_rest_calls_and_their_document(tmp_path, web, backend):
    descriptors(tmp_path / "library.binpb")
    routes = [{"listeners": ["inside"], "service": NAME, "cluster": "books", "allow": "anyone"}, open_route()]
    with Served() as server:
        books = {"endpoints": [server.address], "schema": {"descriptors": [str(tmp_path / "library.binpb")]}}
        whole = configuration(clusters={"books": books, "kinds": cluster(backend)}, listeners=LISTENERS, routes=routes,
                              openapi={"allow": "anyone"})
        with Gateway(tmp_path, whole) as gateway:
            assert get(gateway, "inside", "/v1/books/a")[0] == 200 and get(gateway, "plain", "/v1/books/a")[0] == 404
            told = {name: post(gateway.listeners[name], "http1", "/openapi.json", {}, b"", "GET")[2] for name in gateway.listeners}
            assert b"/v1/books/{name}" in told["inside"] and b"/v1/books" not in told["plain"]


def test_a_reload_renames_and_adds_listeners(tmp_path, web, backend):
    """Also for connections that stay open meanwhile."""
    routes = [{"listeners": ["plain"], "path": "/a", "cluster": "web"}]
    ports = ["127.0.0.1:0"]
    first = settings(web, backend, routes, [{"name": "plain", "address": ports[0]}])
    with Gateway(tmp_path, first) as gateway:
        address = gateway.listeners["plain"]
        # The address stays and so does the listener; port 0 would be another.
        gateway.reload(settings(web, backend, routes, [{"name": "plain", "address": address}]))
        with h2raw.Client(address) as client:
            def ask():
                return client.call("/a", None, fields=[("content-type", "text/plain")]).status
            assert ask() == 200
            renamed = [{"name": "public", "address": address}, {"name": "plain", "address": "127.0.0.1:0"}]
            gateway.reload(settings(web, backend, [{"listeners": ["public"], "path": "/b", "cluster": "web"}, *routes], renamed))
            assert eventually(lambda: ask() == 404, "the route of the other listener")
            assert client.call("/b", None, fields=[("content-type", "text/plain")]).status == 200
