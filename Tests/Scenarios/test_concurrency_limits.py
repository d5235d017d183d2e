"""Limits on calls in flight: how many run at a time, in this process and over several, and what comes of those of a dead one."""

import asyncio
import collections
import signal

import grpc
import pytest

from harness import stubs
from harness.backend import Backend, ask
from harness.caller import Caller, channel, refusal
from harness.gateway import configuration, open_route
from harness.shapes import Cluster, Replicated
from harness.waiting import eventually

OK, OVER = grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED
AT_ONCE = {"count": 20, "algorithm": "concurrency", "name": "at-once"}


@pytest.fixture
def own_backend(own):
    return own(Backend("b"))


@pytest.fixture(params=["memory", "redis", "sentinel", "cluster"])
def store(request, redis, tmp_path, own):
    """A `stores` section and a `rate_limits` section, of each kind."""
    if request.param == "memory":
        return {}
    if request.param == "redis":
        return stored({"redis": redis(password="geheim").address, "mode": "single", "password": "geheim"})
    if request.param == "sentinel":
        shape = own(Replicated(tmp_path))
        return stored({"redis": [sentinel.address for sentinel in shape.sentinels], "sentinel": {"master": "mymaster"}})
    return stored({"redis": own(Cluster(tmp_path, replicas=False)).addresses})


def stored(store, **more):
    servers = store.pop("redis")
    servers = [servers] if isinstance(servers, str) else servers
    return {"stores": {"main": {"redis": servers, **store}}, "rate_limits": {"store": "main", "timeout": "5s", **more}}


def start(gateway, backend, store, *limits, **more):
    route = open_route(limits=list(limits or [AT_ONCE]), expose=True)
    return gateway(configuration(backend, routes=[route], **{"workers": 2, **store, **more}))


class Callers:
    """Calls that run beside the scenario, over connections of their own."""

    def __init__(self, *addresses):
        self.callers = [Caller(address) for address in addresses]
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for caller in self.callers:
            caller.channel.close()

    def begin(self, count, message):
        self.running += [self.callers[number % len(self.callers)].unary_call(message) for number in range(count)]

    def ended(self):
        """The errors of those that have ended, None for an answer."""
        return [call.exception() for call in self.running if call.done()]

    def codes(self):
        return collections.Counter(OK if error is None else error.code() for error in self.ended())


def admitted(address, tag=""):
    with Caller(address) as caller:
        try:
            caller.unary(ask(tag=tag))
            return True
        except grpc.RpcError as error:
            assert error.code() == OVER, error
            return False


def test_so_many_run_at_once_and_the_others_are_told_to_come_back_in_a_second(gateway, own_backend, store, tag):
    running = start(gateway, own_backend, store)
    with Callers(*[running.address] * 8) as calls:
        calls.begin(64, ask(tag=tag, hold=True))
        eventually(lambda: len(calls.ended()) == 44, "44 refusals")
        eventually(lambda: own_backend.seen(tag).active == 20, "20 running")
        assert calls.codes() == {OVER: 44}
        seen = refusal(calls.ended()[0])
        assert seen.header("retry-after") == "1" and seen.detail("RetryInfo").retry_delay.seconds == 1
        assert seen.header("ratelimit-policy") == '"at-once";q=20;qu="concurrent-requests"'
        assert seen.header("ratelimit") == '"at-once";r=0'
        assert seen.detail("QuotaFailure").violations[0].description == "20 at once"
        own_backend.release(tag)
        eventually(lambda: calls.codes() == {OVER: 44, OK: 20}, "20 answers")
    eventually(lambda: admitted(running.address), "a place that is released")


def test_two_gateways_share_what_one_redis_counts(gateway, own_backend, redis, tag):
    store = stored({"redis": redis().address})
    addresses = [start(gateway, own_backend, store).address for _ in range(2)]
    with Callers(*addresses * 4) as calls:
        calls.begin(64, ask(tag=tag, hold=True))
        eventually(lambda: len(calls.ended()) == 44, "44 refusals")
        eventually(lambda: own_backend.seen(tag).active == 20, "20 running")
        own_backend.release(tag)
        eventually(lambda: calls.codes() == {OVER: 44, OK: 20}, "20 answers")


@pytest.mark.parametrize("gateways", [1, 2])
def test_never_more_run_at_a_time_whatever_comes_and_goes(gateway, own_backend, redis, gateways):
    """64 clients that call one after the other: all that may run at a time do, and no more."""
    store = stored({"redis": redis().address})
    addresses = [start(gateway, own_backend, store).address for _ in range(gateways)]
    ended = asyncio.run(churn(addresses, clients=64, calls=25))
    seen = own_backend.seen()
    assert ended[OK] + ended[OVER] == 64 * 25 and ended[OK] >= 20
    assert seen.peak <= 20
    # And in the end none is held.
    with Callers(*addresses) as calls:
        calls.begin(21, ask(tag="end", hold=True))
        eventually(lambda: len(calls.ended()) == 1 and own_backend.seen("end").active == 20, "20 of 21 running")
        own_backend.release("end")
        eventually(lambda: calls.codes() == {OVER: 1, OK: 20}, "20 answers")


async def churn(addresses, clients, calls):
    pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")
    channels = [channel(addresses[number % len(addresses)], aio=True) for number in range(8)]
    ended = collections.Counter()

    async def one(number):
        for _ in range(calls):
            try:
                await pb_grpc.KindsStub(channels[number % 8]).Unary(ask(), timeout=30)
                ended[OK] += 1
            except grpc.aio.AioRpcError as error:
                ended[error.code()] += 1
    await asyncio.gather(*(one(number) for number in range(clients)))
    for each in channels:
        await each.close()
    return ended


def test_a_stream_counts_until_it_is_over_or_cancelled(gateway, own_backend, store, tag):
    running = start(gateway, own_backend, store, {"count": 1, "algorithm": "concurrency"}, workers=1)
    with Caller(running.address) as caller:
        def begin(**more):
            """A stream with a place: that of the call before may be free a moment after its answer."""
            def tried():
                stream = caller.spread(ask(hold=True, metadata_first=True, **more))
                stream.initial_metadata()
                return stream if stream.is_active() else None
            return eventually(tried, "a stream that is let in")
        for _ in range(3):
            stream = begin(tag=tag)
            own_backend.wait_for_call(tag)
            assert not admitted(running.address)
            stream.cancel()
            eventually(lambda: admitted(running.address), "the place of a stream that was cancelled")
        stream = begin(tag=f"{tag}-2", answers=3)
        own_backend.wait_for_call(f"{tag}-2")
        assert not admitted(running.address)
        own_backend.release(f"{tag}-2")
        assert len(list(stream)) == 3
        eventually(lambda: admitted(running.address), "the place of a stream that is over")


def test_what_a_dead_gateway_held_comes_back_after_its_heartbeat_is_missed(gateway, own_backend, redis, tag):
    store = stored({"redis": redis().address}, heartbeat_timeout="2s")
    first, second = (start(gateway, own_backend, store) for _ in range(2))
    with Callers(*[first.address] * 4) as calls, Callers(second.address) as others:
        calls.begin(20, ask(tag=tag, hold=True))
        eventually(lambda: own_backend.seen(tag).active == 20, "20 running")
        assert not admitted(second.address)
        first.process.send(signal.SIGKILL)
        eventually(lambda: len(calls.ended()) == 20, "20 calls that have lost their gateway")
        # At its next word it would have been heard of: not before.
        eventually(lambda: admitted(second.address), "the places of the dead gateway", within=8)
        others.begin(21, ask(tag=f"{tag}-2", hold=True))
        eventually(lambda: len(others.ended()) == 1, "one refusal")
        eventually(lambda: own_backend.seen(f"{tag}-2").active == 20, "20 running")
        own_backend.release(f"{tag}-2")


def test_a_gateway_that_lives_keeps_what_it_holds(gateway, own_backend, redis, tag):
    """Longer than its heartbeat may be missed, and also where Redis forgets everything meanwhile."""
    server = redis()
    running = start(gateway, own_backend, stored({"redis": server.address}, heartbeat_timeout="1s"), {"count": 1, "algorithm": "concurrency"})
    with Callers(running.address) as calls:
        calls.begin(1, ask(tag=tag, hold=True))
        own_backend.wait_for_call(tag)
        until = holders(server)[0][1]
        eventually(lambda: holders(server)[0][1] > until + 2000, "later heartbeats")
        assert not admitted(running.address)
        server.command("FLUSHALL")
        eventually(lambda: held(server), "a heartbeat")
        assert not admitted(running.address)
        own_backend.release(tag)
        eventually(lambda: calls.codes() == {OK: 1}, "the answer")
        eventually(lambda: admitted(running.address), "a place that is released")


def holders(server):
    """How many calls each holder has, and until when it counts as living."""
    found = []
    for key in server.keys():
        words = (server.command("GET", key) or b"").decode().split() if b"concurrency" in key else []
        found += [(int(words[place + 1]), int(words[place + 2])) for place, word in enumerate(words) if word.startswith("g")]
    return found


def held(server):
    return [count for count, _ in holders(server)]


def test_processes_that_share_a_store_know_how_many_they_are(gateway, own_backend, redis, martlet, tmp_path):
    store = stored({"redis": redis().address}, heartbeat_timeout="1s")

    def count(*running):
        return [process.metrics().sum("martlet_limit_gateways") for process in running]
    first = start(gateway, own_backend, store)
    assert count(first) == [1]
    second, third = (start(gateway, own_backend, store) for _ in range(2))
    other = start(gateway, own_backend, {**store, "rate_limits": {**store["rate_limits"], "domain": "other"}})
    eventually(lambda: count(first, second, third, other) == [3, 3, 3, 1], "three that share a domain, and one by itself")
    second.process.send(signal.SIGKILL)
    third.process.send(signal.SIGTERM)
    eventually(lambda: count(first) == [1], "one that is left", within=8)
    start(gateway, own_backend, store)
    eventually(lambda: count(first) == [2], "another")


@pytest.mark.parametrize("how", ["leave", "reload"])
def test_nothing_stays_held_where_a_gateway_leaves_or_takes_another_store(gateway, own_backend, redis, tag, how):
    server = redis()
    store = stored({"redis": server.address})
    running = start(gateway, own_backend, store)
    with Callers(running.address) as calls:
        calls.begin(3, ask(tag=tag, hold=True))
        eventually(lambda: sum(held(server)) == 3 and own_backend.seen(tag).active == 3, "three calls")
        if how == "leave":
            running.process.send(signal.SIGTERM)
        else:
            running.reload(configuration(own_backend, workers=2, routes=[open_route(limits=[AT_ONCE])]))
        own_backend.release(tag)
        eventually(lambda: calls.codes() == {OK: 3}, "three answers")
        eventually(lambda: not held(server), "what was held is released", within=5)
        if how == "leave":
            assert running.process.exit_status() == 0


def test_a_redis_that_is_started_anew_learns_what_is_held(gateway, own_backend, redis, tag):
    server = redis()
    running = start(gateway, own_backend, stored({"redis": server.address}, heartbeat_timeout="2s", when_unavailable="deny"))
    with Callers(running.address) as calls:
        calls.begin(19, ask(tag=tag, hold=True))
        eventually(lambda: own_backend.seen(tag).active == 19, "19 calls")
        server.stop()
        redis(port=server.port)
        eventually(lambda: sum(held(server)) == 19, "heartbeats of both workers")
        eventually(lambda: admitted(running.address), "the twentieth place")
        own_backend.release(tag)
        eventually(lambda: calls.codes() == {OK: 19}, "19 answers")
        eventually(lambda: not held(server), "nothing held")


def test_in_shadow_mode_it_refuses_nothing(gateway, own_backend, store, tag):
    running = start(gateway, own_backend, store, {**AT_ONCE, "count": 2, "mode": "shadow"})
    with Callers(running.address) as calls:
        calls.begin(5, ask(tag=tag, hold=True))
        eventually(lambda: own_backend.seen(tag).active == 5, "five calls")
        own_backend.release(tag)
        eventually(lambda: calls.codes() == {OK: 5}, "five answers")
    eventually(lambda: len(running.log(lambda line: "at-once" in str(line.get("shadow", "")))) == 3, "three in the log")
