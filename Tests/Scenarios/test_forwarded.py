"""What upstreams are told of a request as it arrived: `forwarded` of a listener."""

import socket

import pytest

from harness import h2raw, probe
from harness.gateway import Gateway, cluster, configuration, listener
from harness.stub_backend import StubBackend
from harness.waiting import PATIENCE, eventually

ALL = {"host": True, "port": True, "prefix": True, "real_ip": True, "rfc7239": True}
NAMES = ["x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-real-ip", "forwarded"]
FORGED = {"x-forwarded-host": "evil.example", "x-forwarded-port": "1", "x-forwarded-prefix": "/evil", "x-real-ip": "203.0.113.9",
          "forwarded": "for=203.0.113.9"}
ROUTES = [
    {"prefix": "/shop", "rewrite": {"prefix": "/"}, "cluster": "web", "retry": {"on": ["5xx"]}},
    {"prefix": "/moved", "rewrite": {"prefix": "/other"}, "cluster": "web"},
    {"path": {"regex": "/u/[0-9]+(/.*)"}, "rewrite": {"path": "$1"}, "cluster": "web"},
    {"path": "/own", "cluster": "web", "request_headers": {"set": {"x-real-ip": "own"}, "remove": ["x-forwarded-host"]}},
    {"prefix": "/rpc", "rewrite": {"prefix": "/"}, "cluster": "grpc"},
    {"cluster": "web", "request_headers": {"set": {"x-added": "%{route}"}}},
]


@pytest.fixture(scope="module")
def stubs():
    with StubBackend("web") as web, StubBackend("grpc") as grpc:
        yield {"web": web, "grpc": grpc}


@pytest.fixture(scope="module")
def start(tmp_path_factory, stubs):
    from contextlib import ExitStack
    with ExitStack() as stack:
        def start(listeners, **more):
            clusters = {"web": cluster(stubs["web"], protocol="http1"), "grpc": cluster(stubs["grpc"])}
            routes = [{"allow": "anyone", **route} for route in ROUTES]
            return stack.enter_context(Gateway(tmp_path_factory.mktemp("forwarded"), configuration(
                listeners=listeners, clusters=clusters, routes=routes, **more)))
        yield start


@pytest.fixture(scope="module")
def public(start):
    return start([listener(forwarded=ALL), listener(name="quiet"), listener(name="host", forwarded={"host": True})])


@pytest.fixture(scope="module")
def trusting(start):
    return start([listener(forwarded=ALL)], trusted_proxies=["127.0.0.0/8"])


def told(stubs, address, path, protocol="http1", headers=FORGED, authority="shop.acme.dev", method="GET", body=b""):
    """What the backend was told by each of the headers, in their order."""
    for stub in stubs.values():
        stub.forget()
    assert probe.send(address, method, path, protocol=protocol, authority=authority, headers=headers, body=body).status == 200
    seen, = [one for stub in stubs.values() for one in stub.seen]
    return [seen.header(name) for name in NAMES]


@pytest.mark.parametrize("protocol", probe.PLAIN)
def test_a_request_is_told_of_as_it_arrived(stubs, public, protocol):
    element = 'for=127.0.0.1;host="shop.acme.dev";proto=http'
    assert told(stubs, public.address, "/shop/cart?a=/b", protocol) == ["shop.acme.dev", "80", "/shop", "127.0.0.1", element]
    assert told(stubs, public.address, "/x", protocol, authority="shop.acme.dev:8080") == [
        "shop.acme.dev:8080", "8080", None, "127.0.0.1", 'for=127.0.0.1;host="shop.acme.dev:8080";proto=http']
    assert told(stubs, public.address, "/x", protocol, authority="[::1]:81")[:2] == ["[::1]:81", "81"]
    assert told(stubs, public.address, "/x", protocol, authority="[::1]")[:2] == ["[::1]", "80"]
    assert stubs["web"].seen[-1].header("x-added") == "default", "beside what the route adds"


@pytest.mark.parametrize("path, prefix", [
    ("/shop", "/shop"), ("/shop/", "/shop"), ("/shop/cart/", "/shop"), ("/shop/shop", "/shop"), ("/moved/a", None),
    ("/u/7/a/b", "/u/7"), ("/u/7/", "/u/7"), ("/other", None)])
def test_the_prefix_is_what_a_rewrite_has_taken(stubs, public, path, prefix):
    assert told(stubs, public.address, path)[2] == prefix


@pytest.mark.parametrize("protocol", ["grpc", "grpc-web", "connect"])
def test_rpcs_are_told_of_too(stubs, public, protocol):
    assert told(stubs, public.address, "/rpc/acme.v1.Orders/Get", protocol, method="POST")[:4] == ["shop.acme.dev", "80", "/rpc", "127.0.0.1"]
    assert stubs["grpc"].seen[-1].path == "/acme.v1.Orders/Get"


def test_each_listener_tells_what_it_says(stubs, public):
    assert told(stubs, public.listeners["quiet"], "/shop/a") == [None] * 5
    assert told(stubs, public.listeners["host"], "/shop/a") == ["shop.acme.dev"] + [None] * 4


def test_what_the_route_says_of_a_header_counts(stubs, public):
    assert told(stubs, public.address, "/own")[:4] == [None, "80", None, "own"]


def test_a_trusted_proxy_knows_better(stubs, trusting):
    headers = {**FORGED, "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    assert told(stubs, trusting.address, "/shop/cart", headers=headers) == [
        "evil.example", "1", "/evil, /shop", "203.0.113.9", 'for=203.0.113.9, for=127.0.0.1;host="shop.acme.dev";proto=https']
    assert told(stubs, trusting.address, "/shop/cart", headers={"x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https"}) == [
        "shop.acme.dev", "443", "/shop", "198.51.100.7", 'for=127.0.0.1;host="shop.acme.dev";proto=https']


def test_a_retry_tells_the_same(stubs, trusting):
    for stub in stubs.values():
        stub.forget()
    headers = {"forwarded": "for=203.0.113.9", "x-forwarded-prefix": "/a", "x-forwarded-proto": "HTTPS"}
    assert probe.send(trusting.address, "GET", "/shop/cart?answer=503,200", authority="shop.acme.dev", headers=headers).status == 200
    first, second = [one for stub in stubs.values() for one in stub.seen]
    for seen in (first, second):
        assert [value for name, value in seen.headers if name == "forwarded"] == ['for=203.0.113.9, for=127.0.0.1;host="shop.acme.dev";proto=https']
        assert [value for name, value in seen.headers if name == "x-forwarded-prefix"] == ["/a, /shop"]


@pytest.mark.parametrize("protocol", probe.PLAIN)
def test_a_fallback_and_a_mirror_are_told_the_same_and_of_the_cluster_that_serves(gateway, own, protocol):
    web, copy = own(StubBackend("web")), own(StubBackend("copy"))
    clusters = {"down": cluster("127.0.0.1:1", protocol="http1"), "web": cluster(web, protocol="http1"), "copy": cluster(copy, protocol="http1")}
    route = {"prefix": "/shop", "cluster": "down", "fallback": {"cluster": "web"}, "mirror": {"cluster": "copy"}, "rewrite": {"prefix": "/"},
             "request_headers": {"set": {"x-cluster": "%{cluster}"}}, "allow": "anyone"}
    running = gateway(configuration(listeners=[listener(forwarded=ALL)], clusters=clusters, routes=[route], workers=1))
    # Once the mirror has a connection its head is written before the cluster turns out to be down.
    for count in range(1, 4):
        assert probe.send(running.address, "GET", "/shop/cart", protocol=protocol, authority="shop.acme.dev").status == 200
        eventually(lambda: len(copy.seen) == count, "the copy")
    assert len(web.seen) == 3
    for seen in web.seen + copy.seen:
        assert [seen.header(name) for name in NAMES] == [
            "shop.acme.dev", "80", "/shop", "127.0.0.1", 'for=127.0.0.1;host="shop.acme.dev";proto=http']
    assert [seen.header("x-cluster") for seen in web.seen] == ["web"] * 3
    assert copy.seen[-1].header("x-cluster") == "down"


@pytest.mark.parametrize("protocol", probe.PLAIN)
def test_a_trusted_proxy_that_passes_nonsense_on_is_not_repeated(stubs, trusting, protocol):
    passed = {"x-forwarded-for": "203.0.113.9", "x-real-ip": "192.0.2.66", "x-forwarded-host": "evil/..", "x-forwarded-port": "abc"}
    assert told(stubs, trusting.address, "/x", protocol, headers=passed)[:4] == ["shop.acme.dev", "80", None, "203.0.113.9"]
    assert told(stubs, trusting.address, "/x", protocol, headers={"x-real-ip": "nonsense"})[3] == "127.0.0.1"


def test_a_peer_on_a_unix_socket_has_no_address(stubs, start, tmp_path):
    start([listener(), {"name": "local", "address": f"unix:{tmp_path}/front.sock", "forwarded": ALL}])
    stubs["web"].forget()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(f"{tmp_path}/front.sock")
        connection.sendall(b"GET /x HTTP/1.1\r\nhost: shop.acme.dev\r\nx-real-ip: 1.1.1.1\r\nconnection: close\r\n\r\n")
        while connection.recv(65536):
            pass
    seen, = stubs["web"].seen
    assert [seen.header(name) for name in NAMES] == ["shop.acme.dev", "80", None, None, 'for=unknown;host="shop.acme.dev";proto=http']
    assert seen.header("x-forwarded-for") == "unknown"


@pytest.mark.parametrize("protocol", [*probe.PLAIN, "grpc"])
def test_credentials_for_a_proxy_stay_here(stubs, public, protocol):
    path = "/rpc/acme.v1.Orders/Get" if protocol == "grpc" else "/x"
    for stub in stubs.values():
        stub.forget()
    headers = {"proxy-authorization": "Basic eDp5", "proxy_authorization": "Basic eDp5", "trailer": "x-sum"}
    probe.send(public.address, "POST", path, protocol=protocol, authority="shop.acme.dev", headers=headers)
    seen, = [one for stub in stubs.values() for one in stub.seen]
    assert (seen.header("proxy-authorization"), seen.header("proxy_authorization"), seen.header("trailer")) == (None, None, "x-sum")


def test_heads_that_are_known_are_told_of_again(stubs, public):
    with h2raw.Client(public.address) as client:
        for _ in range(3):
            stubs["web"].forget()
            answer = client.call("/shop/a", None, method="GET", authority="shop.acme.dev", fields=[("content-type", "text/plain")])
            assert answer.status == 200 and stubs["web"].seen[-1].header("x-forwarded-host") == "shop.acme.dev"
