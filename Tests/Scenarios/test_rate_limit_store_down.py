"""The store is slow or gone: the configured answer decides, and the gateway stays quick."""

import collections
import time

import grpc
import pytest

from harness.backend import ask
from harness.caller import Caller
from harness.gateway import configuration, open_route
from harness.waiting import eventually

OK, OVER, AWAY = grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE


def codes(caller, count):
    ended = collections.Counter()
    for _ in range(count):
        try:
            caller.unary(ask())
            ended[OK] += 1
        except grpc.RpcError as error:
            ended[error.code()] += 1
    return ended


@pytest.fixture
def start(gateway, backend, redis):
    def start(policy, limit="3/day", **more):
        store = redis()
        running = gateway(configuration(
            backend, workers=1, rate_limits={"store": store.url, "when_unavailable": policy, "timeout": "100ms", **more},
            routes=[open_route(limits=[limit])]))
        return running, store
    return start


@pytest.mark.parametrize("break_it", ["freeze", "stop"])
@pytest.mark.parametrize("policy, expected", [
    ("allow", {OK: 10}), ("deny", {AWAY: 10}), ("local", {OK: 3, OVER: 7})], ids=["allow", "deny", "local"])
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
        codes(caller, 6)
        times = []
        for _ in range(100):
            began = time.monotonic()
            caller.unary(ask())
            times.append(time.monotonic() - began)
        # Probes (one a second) may wait their timeout; everybody else does not.
        assert sorted(times)[80] < 0.05


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_no_call_waits_longer_than_the_timeout(gateway, backend, redis, pki, server_identity, tls):
    store = redis(identity=server_identity, authority=pki) if tls else redis()
    place = {"store": store.url, "tls": {"ca": str(pki.file), "server_name": "localhost"}} if tls else {"store": store.url}
    running = gateway(configuration(
        backend, workers=1, rate_limits={**place, "timeout": "50ms"}, routes=[open_route(limits=["1000000/s"])]))
    with Caller(running.address) as caller:
        assert codes(caller, 3) == {OK: 3}
        store.freeze()
        times = []
        # Long enough for the gateway to give the silent connection up after five seconds, and to make others.
        ends = time.monotonic() + 7
        while time.monotonic() < ends:
            began = time.monotonic()
            caller.unary(ask())
            times.append(time.monotonic() - began)
            time.sleep(0.01)
        # Room for a busy machine, not for a connection attempt.
        assert sorted(times)[-1] < 0.5 and sum(taken > 0.04 for taken in times) <= 8


def test_the_store_is_used_again_when_it_is_back(start):
    running, store = start("allow", limit="20/day")
    with Caller(running.address) as caller:
        assert codes(caller, 5) == {OK: 5}
        store.freeze()
        assert codes(caller, 30) == {OK: 30}
        store.thaw()
        eventually(lambda: OVER in codes(caller, 5), "the shared count")


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
        backend, workers=1, rate_limits={"store": store.url, "timeout": "2s", "when_unavailable": "deny"},
        routes=[open_route(headers={"x-free": "1"}), open_route(name="limited", limits=["1000/day"])]))
    with Caller(running.address) as caller:
        assert codes(caller, 1) == {OK: 1}
        store.freeze()
        waiting = [caller.unary_call(ask()) for _ in range(10)]
        began = time.monotonic()
        for _ in range(50):
            assert caller.unary(ask("x"), metadata=[("x-free", "1")]).text == "x"
        assert time.monotonic() - began < 1.5
        assert {call.code() for call in waiting} == {AWAY}
