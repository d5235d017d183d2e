"""Shaped traffic: shares by weight, mirrors, faults on purpose, connections of age, and load that is shed by priority."""

import collections
import threading

import grpc
import pytest

from harness.backend import Backend, ask, metadata
from harness.caller import Caller, refused
from harness.gateway import SERVICE, cluster, configuration, listener, open_route, run
from harness.waiting import eventually


@pytest.fixture
def two(own):
    return own(Backend("a")), own(Backend("b"))


def shaped(a, b, **route):
    route = {"name": "kinds", "service": SERVICE, "allow": "anyone", **({} if "clusters" in route else {"cluster": "a"}), **route}
    return configuration(clusters={"a": cluster(a), "b": cluster(b)}, routes=[route])


def spread(caller, count, **options):
    return collections.Counter(caller.unary(ask(), **options).backend for _ in range(count))


def test_users_stay_where_they_are_on_every_connection_and_move_only_to_what_grows(gateway, two):
    sticky = {"sticky": ["header x-user"]}
    running = gateway(shaped(*two, clusters={"a": 9, "b": 1}, **sticky))
    users = [f"user-{number}" for number in range(60)]

    def places():
        with Caller(running.address) as caller:
            found = {user: spread(caller, 2, metadata=[("x-user", user)]) for user in users}
        assert all(len(places) == 1 for places in found.values())
        return {user: next(iter(places)) for user, places in found.items()}

    before = places()
    assert places() == before
    running.reload(shaped(*two, clusters={"a": 1, "b": 1}, **sticky))
    after = places()
    assert all(after[user] == "b" for user in users if before[user] == "b")
    assert set(after.values()) == {"a", "b"}
    running.reload(shaped(*two, clusters={"a": 0, "b": 1}, **sticky))
    assert set(places().values()) == {"b"}


def test_a_mirror_sees_what_its_route_sees_and_nobody_notices(gateway, two, tag):
    a, b = two
    running = gateway(shaped(a, b, mirror={"cluster": "b"}))
    with Caller(running.address) as caller:
        # The mirror fails each of them, late, after an answer of some size; which is nobody's affair.
        for _ in range(10):
            assert caller.unary(ask(tag=tag, answer_bytes=100_000)).backend == "a"
        assert [answer.backend for answer in caller.spread(ask(tag=tag, answers=5))] == ["a"] * 5
        assert caller.collect([ask(tag=tag), ask(), ask()]).received == 3
        def copies():
            seen = b.seen(tag).calls
            return len(seen) == 12 and max(call.received for call in seen) == 3 and seen
        seen = eventually(copies, "copies at the mirror, whole ones")
        assert collections.Counter(call.method for call in seen) == {"Unary": 10, "Spread": 1, "Collect": 1}
        # One that hangs, and one that is gone.
        held = caller.unary_call(ask(tag=f"{tag}-held", hold=True))
        a.wait_for_call(f"{tag}-held")
        b.wait_for_call(f"{tag}-held")
        a.release(f"{tag}-held")
        assert held.result(30).backend == "a"
        b.process.kill()
        assert spread(caller, 20) == {"a": 20}
    eventually(lambda: running.metrics().sum("martlet_mirrored_total", outcome="failed") >= 21, "failed copies")
    assert running.metrics().sum("martlet_mirrored_total", outcome="sent") >= 13


def test_a_mirror_is_told_what_it_is(gateway, two):
    from harness import h2raw
    heads = []

    def serve(peer, _):
        def begun(stream, fields):
            heads.append(dict(fields))
            peer.answer(stream)
        peer.serve(begun)

    with h2raw.Server(serve) as mirror:
        running = gateway(shaped(two[0], mirror.address, mirror={"cluster": "b"}))
        with Caller(running.address, options=[("grpc.default_authority", "orders.test:8443")]) as caller:
            answer = caller.unary(ask(), metadata=[("x-user", "7")], timeout=20)
            assert metadata(answer)["x-user"] == ["7"]
            head = eventually(lambda: heads and heads[0], "a copy's head")
    assert head[":authority"] == "orders.test-shadow:8443"
    assert head["x-user"] == "7" and head[":path"] == f"/{SERVICE}/Unary" and "grpc-timeout" in head


def test_faults_answer_as_they_are_told_in_every_protocol(gateway, two):
    running = gateway(shaped(*two, fault={"abort": {"grpc_status": "aborted", "http_status": 409}}))
    with Caller(running.address) as caller:
        refusal = caller.refusal(ask())
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "FAULT_INJECTED")
    assert running.metrics().sum("martlet_faults_total", kind="abort") == 1
    assert running.wait_for_log(lambda line: line.get("response_flags") == "FI" or "FI" in line.values())


def test_faults_that_a_trusted_peer_asks_for(gateway, two):
    from harness import probe
    fault = {"delay": {"header": True, "maximum": "400ms"}, "abort": {"header": True}}

    def open_to(network):
        return {**shaped(*two, fault=fault), "trusted_proxies": [network]}
    running = gateway(open_to("127.0.0.0/8"))
    path = f"/{SERVICE}/Unary"
    message = ask().SerializeToString()

    def go(protocol, **asked):
        headers = {"x-envoy-fault-" + name.replace("_", "-"): value for name, value in asked.items()}
        return probe.send(running.address, "POST", path, protocol=protocol, authority="a.dev", headers=headers, body=message)

    for protocol in probe.RPC:
        slow = go(protocol, delay_request="60000")
        assert slow.code in (0, None) and slow.status == 200 and slow.seconds >= 0.38
        aborted, gone = go(protocol, abort_grpc_request="10", delay_request="1"), go(protocol, abort_request="503")
        assert (aborted.status, gone.status) == (409, 503) if protocol == "connect" else (aborted.code, gone.code) == (10, 14)
        quick = go(protocol, delay_request="400", delay_request_percentage="0", abort_request="503", abort_request_percentage="0")
        assert quick.code in (0, None) and quick.status == 200 and quick.seconds < 0.38
    with Caller(running.address) as caller:
        seen = metadata(caller.unary(ask(), metadata=[("x-envoy-fault-delay-request", "1"), ("x-envoy-fault-other", "1"), ("x-a", "1")]))
        assert seen["x-a"] == ["1"] and not [name for name in seen if name.startswith("x-envoy")]
    running.reload(open_to("10.0.0.0/8"))
    assert go("grpc", abort_grpc_request="10", delay_request="400").code == 0


def test_a_delay_counts_for_the_deadline_and_lets_the_rest_go_on(gateway, two):
    running = gateway(shaped(*two, fault={"delay": {"duration": "200ms"}}))
    from harness.h2raw import Client
    with Caller(running.address) as caller:
        assert spread(caller, 2) == {"a": 2}
        assert caller.collect([ask(payload=bytes(50_000)) for _ in range(4)]).received == 4
    with Client(running.address) as client:
        assert client.call(f"/{SERVICE}/Unary", fields=[("grpc-timeout", "50m")]).grpc_status == 4
    assert running.metrics().sum("martlet_faults_total", kind="delay") == 4


def test_long_streams_move_on_when_their_connection_is_of_age(gateway, two):
    limits = {"age": "1s", "age_grace": "1s"}
    whole = shaped(*two)
    whole["listeners"] = [listener(limits=limits)]
    running = gateway(whole)
    with Caller(running.address) as caller:
        # A stream that would never end by itself.
        over = threading.Event()

        def talk():
            yield ask()
            over.wait(60)
        conversation = caller.kinds.Converse(talk(), timeout=60)
        assert next(conversation).backend == "a"
        refusal = refused(lambda: next(conversation))
        over.set()
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "CONNECTION_TOO_OLD")
        # Calls go on meanwhile, on other connections.
        assert spread(caller, 20, timeout=20) == {"a": 20}
    assert running.metrics().sum("martlet_downstream_connections_aged_total") >= 1


def test_overload_refuses_low_priority_first_and_stays_there_for_the_rest(gateway, two, tag):
    a, _ = two
    whole = configuration(a, routes=[
        open_route(name="low", headers={"x-class": "low"}, priority="low"),
        open_route(name="high", headers={"x-class": "high"}, priority="high"),
        open_route(name="usual"),
    ], overload={"calls": 20}, workers=2)
    running = gateway(whole)

    def of(kind):
        return [("x-class", kind)]

    with Caller(running.address) as caller, Caller(running.address) as other:
        held = [caller.unary_call(ask(tag=tag, hold=True), metadata=of("high")) for _ in range(15)]
        eventually(lambda: len(a.seen(tag).calls) == 15, "fifteen calls")
        refusal = other.refusal(ask(), metadata=of("low"))
        assert (refusal.code, refusal.reason, refusal.header("retry-after")) == (
            grpc.StatusCode.UNAVAILABLE, "OVERLOADED", "1")
        assert other.unary(ask()).backend == "a"
        held += [caller.unary_call(ask(tag=tag, hold=True), metadata=of("high")) for _ in range(3)]
        eventually(lambda: len(a.seen(tag).calls) == 18, "eighteen calls")
        assert other.refusal(ask()).reason == "OVERLOADED"
        assert other.unary(ask(), metadata=of("high")).backend == "a"
        held += [caller.unary_call(ask(tag=tag, hold=True), metadata=of("high")) for _ in range(2)]
        eventually(lambda: len(a.seen(tag).calls) == 20, "twenty calls")
        assert other.refusal(ask(), metadata=of("high")).reason == "OVERLOADED"
        a.release(tag)
        assert all(call.result(30).backend == "a" for call in held)
        eventually(lambda: other.unary(ask(), metadata=of("low")).backend == "a", "everybody again")
    assert running.metrics().sum("martlet_overload_total", cause="calls") >= 3
    assert running.admin("/ready")[0] == 200


def test_a_process_has_no_more_connections_than_it_may(gateway, two):
    running = gateway(configuration(two[0], overload={"connections": 2}, workers=2))
    with Caller(running.address) as first, Caller(running.address) as second:
        assert first.unary(ask()).backend == second.unary(ask()).backend == "a"
        with Caller(running.address) as third:
            assert refused(lambda: third.unary(ask(), timeout=5)).code in (
                grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        assert running.metrics().sum("martlet_overload_total", cause="connections") >= 1


def test_check_finds_what_is_wrong_with_shares_and_mirrors(tmp_path, two):
    import json
    file = tmp_path / "martlet.yaml"
    wrong = shaped(*two, clusters={"a": 0, "b": 0}, mirror={"cluster": "c"})
    file.write_text(json.dumps(wrong))
    told = run("check", file)
    assert told.returncode == 1
    assert "found weights of zero only" in told.stderr + told.stdout
    assert 'found "c", expected the name of a cluster' in told.stderr + told.stdout


def test_idle_connections_make_room_near_the_limit(gateway, two):
    from harness.h2raw import Client
    running = gateway(configuration(two[0], overload={"connections": 2}, workers=1))
    with Client(running.address) as first:
        first.ping()

        def comes_in():
            # At the limit it is reset; but the first has had no call for a second before long, and is told to go.
            with Caller(running.address) as second, Caller(running.address) as third:
                return all(caller.unary(ask(), timeout=5).backend == "a" for caller in (second, third))

        def tried():
            try:
                return comes_in()
            except grpc.RpcError:
                return False
        eventually(tried, "room for two more")
        first.wait_end()


def test_callers_of_every_protocol_are_shaped_alike(gateway, two, tag):
    import urllib.error
    import urllib.request
    a, b = two
    running = gateway(shaped(a, b, mirror={"cluster": "b"}))
    request = urllib.request.Request(
        f"http://{running.address}/{SERVICE}/Unary", data=ask(tag=tag).SerializeToString(),
        headers={"content-type": "application/proto"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200
    seen = eventually(lambda: b.seen(tag).calls, "the copy of a Connect call")
    assert [(call.method, call.received) for call in seen] == [("Unary", 1)]
    running.reload(shaped(a, b, fault={"abort": {"grpc_status": "aborted", "http_status": 409}}))
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=20)
    assert refusal.value.code == 409


def test_an_http1_connection_of_age_is_closed(gateway, two):
    import socket
    whole = shaped(*two)
    whole["listeners"] = [listener(limits={"age": "1s"})]
    running = gateway(whole)
    host, port = running.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 404")
        # Whatever else it had to say comes, and then its end.
        while connection.recv(4096):
            pass
    eventually(lambda: running.metrics().sum("martlet_downstream_connections_aged_total") == 1, "its age counted")
