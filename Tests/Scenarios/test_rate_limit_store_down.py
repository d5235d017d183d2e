"""The store is slow or gone: the configured answer decides, and the gateway stays quick."""

import collections
import json
import time
from pathlib import Path

import grpc
import pytest

from harness.backend import ask
from harness.caller import Caller
from harness.gateway import configuration, open_route
from harness.waiting import eventually

OK, OVER, AWAY = grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE
# For a store that is there: long enough for a busy machine.
TIMEOUT = 0.5


def codes(caller, count):
    ended = collections.Counter()
    for _ in range(count):
        try:
            caller.unary(ask())
            ended[OK] += 1
        except grpc.RpcError as error:
            ended[error.code()] += 1
    return ended


def connections_to(port):
    """The local ports of connections to this one, established or on their way."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[2].endswith(f":{port:04X}") and row[3] in ("01", "02")}


@pytest.fixture
def start(gateway, backend, redis):
    def start(policy, limit="3/day", **more):
        store = redis()
        running = gateway(configuration(
            backend, workers=1,
            rate_limits={"store": store.url, "when_unavailable": policy, "timeout": f"{TIMEOUT * 1000:.0f}ms", **more},
            routes=[open_route(limits=[limit])]))
        return running, store
    return start


@pytest.mark.parametrize("break_it", ["freeze", "stop"])
@pytest.mark.parametrize("policy, expected", [
    ("allow", {OK: 10}), ("deny", {AWAY: 10}), ("local", {OK: 2, OVER: 8})], ids=["allow", "deny", "local"])
def test_the_policy_decides(start, policy, expected, break_it):
    running, store = start(policy)
    with Caller(running.address) as caller:
        assert codes(caller, 1) == {OK: 1}
        getattr(store, break_it)()
        assert codes(caller, 10) == expected


def test_deny_says_when_to_come_back(start):
    running, store = start("deny")
    with Caller(running.address) as caller:
        assert codes(caller, 1) == {OK: 1}
        store.freeze()
        seen = caller.refusal(ask())
        assert seen.code == AWAY and int(seen.header("retry-after")) >= 1


def test_after_five_timeouts_calls_are_quick_again(start):
    running, store = start("allow")
    with Caller(running.address) as caller:
        assert codes(caller, 1) == {OK: 1}
        store.freeze()
        codes(caller, 5)
        times = []
        for _ in range(100):
            began = time.monotonic()
            caller.unary(ask())
            times.append(time.monotonic() - began)
        # Nobody waits out the timeout any more, and what is slow for other reasons is the machine.
        assert sum(taken >= TIMEOUT for taken in times) <= 5


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_no_call_waits_longer_than_the_timeout(gateway, backend, redis, pki, server_identity, tls):
    store = redis(identity=server_identity, authority=pki) if tls else redis()
    place = {"store": store.url, "tls": {"ca": str(pki.file), "server_name": "localhost"}} if tls else {"store": store.url}
    running = gateway(configuration(
        backend, workers=1, rate_limits={**place, "timeout": f"{TIMEOUT * 1000:.0f}ms"}, routes=[open_route(limits=["1000000/s"])]))
    with Caller(running.address) as caller:
        assert codes(caller, 3) == {OK: 3}
        store.freeze()
        times = []

        def one_more():
            began = time.monotonic()
            caller.unary(ask())
            times.append(time.monotonic() - began)
        # Until the gateway has given the silent connection up and made another.
        silent = connections_to(store.port)
        eventually(lambda: one_more() or not silent & connections_to(store.port), "another connection")
        for _ in range(100):
            one_more()
        # Room for a busy machine, not for a connection attempt.
        assert max(times) < 4 and sum(taken > TIMEOUT * 0.9 for taken in times) <= 10


def test_the_store_is_used_again_when_it_is_back(start):
    running, store = start("allow", limit="20/day")
    with Caller(running.address) as caller:
        assert codes(caller, 5) == {OK: 5}
        store.freeze()
        assert codes(caller, 30) == {OK: 30}
        store.thaw()
        eventually(lambda: OVER in codes(caller, 5), "the shared count")


DECISIONS, DOWN = "martlet_limit_decisions_total", "martlet_limit_store_down"


@pytest.mark.parametrize("break_it", ["freeze", "stop"])
@pytest.mark.parametrize("policy, words, outcomes, limits", [
    ("local", "deciding locally", {"local_allowed": 1, "local_refused": 7}, "local"),
    ("allow", "allowing calls uncounted", {"skipped": 8}, "uncounted"),
    ("deny", "refusing limited calls", {"unavailable": 8}, None)], ids=["local", "allow", "deny"])
def test_it_is_said_and_shown_once(start, policy, words, outcomes, limits, break_it):
    running, store = start(policy, "2/day")
    with Caller(running.address) as caller:
        assert codes(caller, 1) == {OK: 1}
        assert running.metrics().sum(DOWN) == 0
        getattr(store, break_it)()
        codes(caller, 8)
    running.process.wait_for(lambda line: f"limit store unavailable: {words} store=redis://{store.address}" in line, "notice")
    metrics = running.metrics()
    assert {outcome: metrics.sum(DECISIONS, outcome=outcome) for outcome in outcomes} == outcomes
    assert metrics.sum(DECISIONS, outcome="allowed") == 1 and metrics.sum(DECISIONS, outcome="refused") == 0
    assert metrics.sum(DOWN, worker="0") == 1
    eventually(lambda: len(running.log()) == 9, "nine lines")
    assert [line.get("limits") for line in running.log()] == [None] + [limits] * 8
    assert sum("limit store" in line for line in running.process.lines) == 1


def test_its_return_is_said_too_without_a_call(start):
    running, store = start("local", "100/day")
    with Caller(running.address) as caller:
        assert codes(caller, 1) == {OK: 1}
        store.freeze()
        codes(caller, 6)
        running.process.wait_for(lambda line: "limit store unavailable" in line, "notice")
        store.thaw()
        running.process.wait_for(lambda line: "limit store available again" in line, "notice")
        assert running.metrics().sum(DOWN) == 0
        assert codes(caller, 1) == {OK: 1}
    eventually(lambda: len(running.log()) == 8, "eight lines")
    assert "limits" not in running.log()[-1]


def test_a_wrong_password_is_said_without_the_password(gateway, backend, redis):
    store = redis(password="richtig")
    running = gateway(configuration(
        backend, workers=1, rate_limits={"store": f"redis://{store.address}", "password": "falsch", "timeout": "5s"},
        routes=[open_route(limits=["100/day"])]))
    with Caller(running.address) as caller:
        assert codes(caller, 3) == {OK: 3}
    line = running.process.wait_for(lambda line: "limit store unavailable" in line, "notice")
    assert "WRONGPASS" in line and not any("falsch" in line for line in running.process.lines if "warning" not in line)


def test_a_service_that_is_gone_is_shown_as_redis_is(gateway, backend, martlet, tmp_path):
    file = tmp_path / "limits.yaml"
    file.write_text(json.dumps({
        "listeners": [{"name": "rls", "address": "127.0.0.1:0"}], "admin": {"address": "127.0.0.1:0"}, "domains": [{"domain": "martlet"}]}))
    service = martlet("ratelimit", file)
    running = gateway(configuration(
        backend, workers=1, rate_limits={"store": f"grpc://{service.address}", "timeout": "2s"},
        routes=[open_route(limits=["2/day"])]))
    with Caller(running.address) as caller:
        assert codes(caller, 1) == {OK: 1}
        service.process.kill()
        assert codes(caller, 4) == {OK: 2, OVER: 2}
    running.process.wait_for(lambda line: f"limit store unavailable: deciding locally store=grpc://{service.address}" in line, "notice")
    metrics = running.metrics()
    assert metrics.sum(DECISIONS, outcome="local_allowed") == 2 and metrics.sum(DECISIONS, outcome="local_refused") == 2
    assert metrics.sum(DOWN) == 1
    eventually(lambda: [line.get("limits") for line in running.log()] == [None] + ["local"] * 4, "five lines")


def test_a_gateway_that_starts_without_its_store_serves(gateway, backend, redis):
    store = redis()
    store.stop()
    running = gateway(configuration(
        backend, rate_limits={"store": store.url, "timeout": "100ms"}, routes=[open_route(limits=["3/day"])]))
    with Caller(running.address) as caller:
        assert codes(caller, 5) == {OK: 3, OVER: 2}


def test_a_store_that_answers_nonsense(gateway, backend, own):
    import socket
    import threading
    listener = socket.create_server(("127.0.0.1", 0))

    def talk():
        while True:
            try:
                connection, _ = listener.accept()
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            except OSError:
                return
    threading.Thread(target=talk, daemon=True).start()
    try:
        running = gateway(configuration(
            backend, rate_limits={"store": "redis://127.0.0.1:%d" % listener.getsockname()[1], "timeout": "200ms",
                                  "when_unavailable": "deny"}, routes=[open_route(limits=["3/day"])]))
        with Caller(running.address) as caller:
            assert codes(caller, 5) == {AWAY: 5}
        assert running.process.running()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_dead_store_does_not_slow_calls_that_need_none(gateway, backend, redis):
    store = redis()
    running = gateway(configuration(
        backend, workers=1, rate_limits={"store": store.url, "timeout": "10s", "when_unavailable": "deny"},
        routes=[open_route(headers={"x-free": "1"}), open_route(name="limited", limits=["1000/day"])]))
    with Caller(running.address) as caller:
        assert codes(caller, 1) == {OK: 1}
        store.freeze()
        waiting = [caller.unary_call(ask()) for _ in range(10)]
        for _ in range(20):
            assert caller.unary(ask("x"), metadata=[("x-free", "1")]).text == "x"
        assert not any(call.done() for call in waiting), "the free ones overtook those that wait for the store"
        store.thaw()
        assert {call.code() for call in waiting} <= {OK, AWAY}
