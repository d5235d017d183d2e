"""Which call goes where, and to whom of several."""

import collections

import grpc
import pytest

from harness import h2raw
from harness.backend import Backend, ask, pb
from harness.caller import Caller
from harness.gateway import SERVICE, cluster, configuration, open_route
from harness.waiting import eventually
from harness.web import post
from harness.web_backend import WebBackend

UNARY = f"/{SERVICE}/Unary"


@pytest.fixture(scope="module")
def three():
    backends = [Backend(name) for name in "abc"]
    yield backends
    for backend in backends:
        backend.stop()


@pytest.fixture
def where(gateway, three):
    """Which backend answers under these routes (each cluster is called as its one backend), or the status."""
    def start(routes):
        running = gateway(configuration(
            clusters={backend.name: cluster(backend) for backend in three},
            routes=[{"allow": "anyone", **route} for route in routes]))

        def where(path=UNARY, authority="localhost", fields=()):
            with h2raw.Client(running.address) as client:
                answer = client.call(path, authority=authority, fields=fields)
                if answer.grpc_status != 0:
                    return next(code.name for code in grpc.StatusCode if code.value[0] == answer.grpc_status)
                return pb.Answer.FromString(h2raw.grpc_messages(answer.body)[0]).backend
        return where
    return start


def test_by_authority(where):
    go = where([{"authority": "api.acme.dev", "cluster": "a"}, {"authority": "*.acme.dev", "cluster": "b"}])
    assert go(authority="api.acme.dev") == "a"
    assert go(authority="API.Acme.dev:8443") == "a"
    assert go(authority="x.acme.dev") == "b" and go(authority="x.y.acme.dev") == "b"
    assert go(authority="acme.dev") == "UNIMPLEMENTED" and go(authority="xacme.dev") == "UNIMPLEMENTED"


def test_by_service_and_path(where):
    go = where([{"service": "other.Service", "cluster": "a"}, {"path": UNARY, "cluster": "b"},
                {"path": f"/{SERVICE}/*", "cluster": "c"}])
    assert go(UNARY) == "b"
    assert go(f"/{SERVICE}/Erase") == "c"
    assert go(UNARY.lower()) == "UNIMPLEMENTED", "byte-exact"
    assert go("/other.Service2/X") == "UNIMPLEMENTED" and go(f"/{SERVICE}") == "UNIMPLEMENTED"


def test_by_header(where):
    go = where([{"service": SERVICE, "headers": {"x-version": "2"}, "cluster": "b"},
                {"service": SERVICE, "headers": {"x-any": "*"}, "cluster": "c"}, {"service": SERVICE, "cluster": "a"}])
    assert go(fields=[("x-version", "2")]) == "b"
    assert go(fields=[("x-version", "3")]) == "a" and go() == "a"
    assert go(fields=[("x-any", "")]) == "c"
    assert go(fields=[("x-version", "2"), ("x-any", "1")]) == "b", "the first that fits"


def test_the_first_that_fits_in_the_order_written(where):
    go = where([{"path": f"/{SERVICE}/*", "headers": {"x-a": "1"}, "cluster": "a"}, {"service": SERVICE, "cluster": "b"},
                {"cluster": "c"}])
    assert go(fields=[("x-a", "1")]) == "a" and go() == "b" and go("/unknown.Service/X") == "UNIMPLEMENTED"


@pytest.mark.parametrize("path", ["/a/../b", "/a/./b", "/a/%2e%2e/b", "/a/%2E/b", "/a\\b", "/a%5cb", "//a", "/a//b", "/a%00b", "/a%zz",
                                  "/a%2", "a/b", "", "/%61/b"])
def test_paths_that_are_refused_unrouted(gateway, backend, path):
    running = gateway(configuration(backend, routes=[{"cluster": "kinds", "allow": "anyone"}]))
    with h2raw.Client(running.address) as client:
        answer = client.call(path, fields=[("content-type", "text/plain")])
        assert answer.reset is not None or answer.status == 400
        assert client.call(UNARY).grpc_status == 0


def test_an_encoded_slash_is_no_separator_and_is_sent_as_it_came(gateway, own):
    seen = []

    def script(peer, _):
        peer.serve(lambda stream, fields: (seen.append(dict(fields)[":path"]), peer.answer(stream, b"")))
    running = gateway(configuration(own(h2raw.Server(script)), routes=[{"path": "/v1/*", "cluster": "kinds", "allow": "anyone"}]))
    with h2raw.Client(running.address) as client:
        for path in ("/v1/a%2Fb", "/v1/a?x=%2e%2e&y=1", "/v1/%C3%A4"):
            assert client.call(path, fields=[("content-type", "text/plain")]).status == 200
        assert client.call("/v1%2Fa", fields=[("content-type", "text/plain")]).status == 400
        assert client.call("/v1").grpc_status == 12, "/v1/* does not take /v1"
    assert seen == ["/v1/a%2Fb", "/v1/a?x=%2e%2e&y=1", "/v1/%C3%A4"]


def test_a_host_that_differs_from_the_authority(gateway, backend):
    with h2raw.Client(gateway(backend).address) as client:
        assert client.call(UNARY, fields=[("host", "localhost")]).grpc_status == 0
        answer = client.call(UNARY, fields=[("host", "evil.test")])
        assert answer.reset is not None or answer.status == 400 or answer.grpc_status not in (None, 0)


class TestSpread:
    def counts(self, running, calls):
        with Caller(running.address) as caller:
            return collections.Counter(caller.unary(ask()).backend for _ in range(calls))

    def test_round_robin_is_even(self, gateway, three):
        running = gateway(configuration(workers=1, clusters={"kinds": cluster(*three, load_balancing="round_robin")}))
        assert self.counts(running, 300) == {"a": 100, "b": 100, "c": 100}

    def test_least_request_reaches_everyone(self, gateway, three):
        counts = self.counts(gateway(configuration(clusters={"kinds": cluster(*three)})), 600)
        assert set(counts) == {"a", "b", "c"} and min(counts.values()) > 100

    def test_least_request_avoids_the_busy_one(self, gateway, three, tag):
        running = gateway(configuration(workers=1, clusters={"kinds": cluster(three[0], three[1])}))
        with Caller(running.address) as caller:
            held = []
            # Held calls pile up evenly; then all of a's are let go and b stays the busy one.
            for number in range(40):
                held.append(caller.unary_call(ask(tag=tag, hold=True)))
            eventually(lambda: sum(len(backend.seen(tag).calls) for backend in three[:2]) == 40, "forty held calls")
            three[0].release(tag)
            eventually(lambda: sum(call.done() for call in held) == len(three[0].seen(tag).calls), "a's calls done")
            counts = collections.Counter(caller.unary(ask()).backend for _ in range(100))
            three[1].release(tag)
            assert counts["a"] > counts["b"]


def test_names_are_resolved(gateway, three):
    port = three[0].address.rsplit(":", 1)[1]
    with Caller(gateway(configuration(f"localhost:{port}")).address) as caller:
        assert caller.unary(ask("x")).backend == "a"


def test_a_name_that_does_not_exist_holds_up_nobody(gateway, three):
    running = gateway(configuration(
        workers=1, clusters={"gone": cluster("no-such-host.invalid:1"), "a": cluster(three[0])},
        routes=[open_route("gone", headers={"x-to": "gone"}), open_route("a", name="a")]))
    with Caller(running.address) as caller:
        waiting = caller.unary_call(ask(), metadata=[("x-to", "gone")], timeout=60)
        for _ in range(20):
            assert caller.unary(ask("x"), timeout=20).backend == "a"
        assert waiting.code() == grpc.StatusCode.UNAVAILABLE


def test_unix_sockets_on_both_sides(gateway, tmp_path, own):
    own(Backend("unix", address=f"unix:{tmp_path}/backend.sock"))
    gateway(configuration(
        f"unix:{tmp_path}/backend.sock", listeners=[{"name": "public", "address": f"unix:{tmp_path}/front.sock"}]))
    with Caller(f"unix:{tmp_path}/front.sock") as caller:
        assert caller.unary(ask("x")).backend == "unix"


def test_a_route_has_a_body_limit_and_an_idle_time_of_its_own(gateway, own):
    rest = own(WebBackend())
    limits = {"body_bytes": "8KiB", "stream_idle": "60s"}
    running = gateway(configuration(
        clusters={"web": cluster(rest, protocol="http1")}, workers=1,
        listeners=[{"name": "public", "address": "127.0.0.1:0", "limits": limits}],
        routes=[{"path": "/small", "cluster": "web", "allow": "anyone", "body_bytes": "1KiB"},
                {"path": "/large", "cluster": "web", "allow": "anyone", "body_bytes": "none"},
                {"path": "/hold", "cluster": "web", "allow": "anyone", "stream_idle": "300ms"},
                {"path": "/*", "cluster": "web", "allow": "anyone"}]))
    for version in ("http1", "http2"):
        def status(path, size):
            return post(running.address, version, path, {}, b"x" * size)[0]
        assert [status("/small", size) for size in (1024, 1025)] == [200, 413]
        assert [status("/large", size) for size in (8193, 100_000)] == [200, 200]
        assert [status("/other", size) for size in (8192, 8193)] == [200, 413]
        # The backend does not answer, and nothing moves.
        assert post(running.address, version, "/hold", {}, None, "GET")[0] == 504
    line = running.wait_for_log(lambda line: line["status"] == 504)
    assert (line["response_flags"], line["detail"]) == ("SI", "stream_idle_timeout")
    rest.gate.set()
