"""Headers that only the gateway or a trusted peer may set: what callers say in them, however spelt, reaches no backend."""

import http.client

import h2.events
import pytest

from harness import h2raw, probe
from harness.gateway import authentication, cluster, configuration, listener
from harness.web_backend import WebBackend

PROXIES = ["forwarded", "x-forwarded-client-cert", "x-real-ip", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-original-url",
           "x-rewrite-url", "x-http-method-override", "x-envoy-original-path", "true-client-ip", "x-own-proxy"]
IDENTITY = ["x-tenant", "x-roles"]
OURS = ["x-request-id", "x-forwarded-for", "x-forwarded-proto"]
LIE = "a-lie"


def spellings(name):
    yield name.replace("-", "_")
    yield name.replace("-", ".")
    yield name.replace("-", "_", 1)
    if name.count("-") > 1:
        yield name.replace("-", ".", 1).replace("-", "_")


ALIKE = [alike for name in PROXIES + IDENTITY + OURS for alike in spellings(name) if alike != name]


class Backend:
    """Speaks gRPC by hand, and keeps the head and the trailers of each call."""

    def __init__(self, own):
        self.calls, self.trailers = [], []

        def script(peer, _):
            def answer(stream, fields):
                peer.wait_kind(h2.events.StreamEnded, stream)
                self.calls.append(list(fields))
                self.trailers = [field for event in peer.events if isinstance(event, h2.events.TrailersReceived) and event.stream_id == stream
                                 for field in event.headers]
                peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
                peer.headers(stream, [("grpc-status", "0")], end=True)
            peer.serve(answer)
        self.server = own(h2raw.Server(script))


def start(gateway, own, signing_key, **more):
    grpc, rest = Backend(own), own(WebBackend())
    whole = configuration(
        clusters={"grpc": cluster(grpc.server), "web": cluster(rest, protocol="http1")},
        listeners=[listener(trusted_headers=["x-own-proxy"])],
        routes=[{"name": "web", "path": "/web/*", "cluster": "web", "allow": "anyone"},
                {"name": "seen", "path": "/seen/*", "cluster": "web", "allow": "anyone", "deny": {"header": {"x-real-ip": "*"}}},
                {"name": "grpc", "cluster": "grpc", "allow": "anyone"}],
        authentication=authentication(signing_key, forward_claims={"x-tenant": "tenant", "x-roles": "roles"}), **more)
    return gateway(whole), grpc, rest


def http1(address, path, fields):
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    try:
        connection.putrequest("GET", path)
        for name, value in fields:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def told(fields):
    return {name.lower() for name, value in fields if LIE in value}


def title(name):
    return "-".join(part.title() for part in name.split("-"))


def everywhere(running, grpc, rest, names, token=None):
    """What backends were told of these, over HTTP/2 and HTTP/1.1."""
    fields = [(name, LIE) for name in names] + ([("authorization", f"Bearer {token}")] if token else [])
    with h2raw.Client(running.address) as client:
        assert client.call("/a.S/Call", h2raw.grpc_message(b""), fields=[("content-type", "application/grpc"), *fields]).grpc_status == 0
    assert http1(running.address, "/web/a", [(title(name), value) for name, value in fields])[0] == 200
    return told(grpc.calls[-1]), told(rest.requests[-1]["fields"])


@pytest.mark.parametrize("with_token", [False, True])
def test_strangers_say_none_of_them(gateway, own, signing_key, with_token):
    running, grpc, rest = start(gateway, own, signing_key)
    token = signing_key.token(tenant="acme") if with_token else None
    # A head has 100 fields at most.
    for start_ in range(0, len(PROXIES + IDENTITY + OURS + ALIKE), 60):
        names = (PROXIES + IDENTITY + OURS + ALIKE)[start_:start_ + 60]
        assert everywhere(running, grpc, rest, [*names, "x-custom", "x_custom", "x.custom"], token) == ({"x-custom", "x_custom", "x.custom"},) * 2
    if with_token:
        assert ("x-tenant", "acme") in grpc.calls[-1]


def test_trusted_peers_say_what_they_know_by_its_own_name(gateway, own, signing_key):
    running, grpc, rest = start(gateway, own, signing_key, trusted_proxies=["127.0.0.0/8"])
    for names, wanted in [(PROXIES, set(PROXIES)), (IDENTITY, set())]:
        assert everywhere(running, grpc, rest, names) == (wanted, wanted)
    for start_ in range(0, len(ALIKE), 60):
        assert everywhere(running, grpc, rest, ALIKE[start_:start_ + 60]) == (set(), set())


def test_rules_do_not_see_them_either(gateway, own, signing_key):
    running, _, _ = start(gateway, own, signing_key)
    assert http1(running.address, "/seen/a", [("X-Real-IP", LIE)])[0] == 200


def test_trailers_say_none_of_them(gateway, own, signing_key):
    running, grpc, _ = start(gateway, own, signing_key)
    names = [*PROXIES, *IDENTITY, *ALIKE[:40], "authorization", "x-custom"]
    with h2raw.Client(running.address) as client:
        stream = client.h2.get_next_available_stream_id()
        client.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/a.S/Call"), (":authority", "x"),
                                ("content-type", "application/grpc"), ("te", "trailers")])
        client.headers(stream, [(name, LIE) for name in names], end=True)
        assert client.answer(stream).grpc_status == 0
    assert grpc.trailers == [("x-custom", LIE)]


@pytest.mark.parametrize("protocol", probe.PLAIN)
def test_what_looks_like_a_header_of_a_rule_is_not_passed_by_it(gateway, own, protocol):
    rest = own(WebBackend())
    running = gateway(configuration(clusters={"web": cluster(rest, protocol="http1")}, routes=[
        {"prefix": "/a", "cluster": "web", "allow": "anyone", "deny": {"header": {"x-banned": "*"}}},
        {"prefix": "/b", "cluster": "web", "allow": {"header": {"x_own": "*"}}}]))

    def send(path, headers):
        status = probe.send(running.address, "GET", path, protocol=protocol, authority="a", headers=headers).status
        return status, status == 200 and {name.lower() for name, _ in rest.requests[-1]["fields"]} & {"x-banned", "x_banned", "x.banned", "x_own", "x_free"}
    assert send("/a", {"x-banned": "1"}) == (403, False)
    assert send("/a", {"x_banned": "1", "x.banned": "1", "x_free": "1"}) == (200, {"x_free"})
    assert send("/b", {"x_own": "1"}) == (200, {"x_own"})
