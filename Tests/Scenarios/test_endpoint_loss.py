"""A backend dies under load: only the calls in flight on it are lost."""

import asyncio
import collections
import signal

import grpc

from harness import stubs
from harness.backend import Backend, ask
from harness.caller import Caller, channel
from harness.gateway import cluster, configuration
from harness.waiting import eventually, eventually_async

pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")


async def keep_calling(address, stop, ended, concurrency=16):
    """Calls without pause from `concurrency` callers until `stop` is set."""
    opened = channel(address, aio=True)
    stub = pb_grpc.KindsStub(opened)

    async def one():
        while not stop.is_set():
            try:
                answer = await stub.Unary(ask(), timeout=60)
                ended[answer.backend] += 1
            except grpc.aio.AioRpcError as error:
                ended[error.code()] += 1
    await asyncio.gather(*(one() for _ in range(concurrency)))
    await opened.close()


def test_killing_one_of_two_loses_only_what_was_in_flight_on_it(gateway, own):
    backends = [own(Backend("a")), own(Backend("b"))]
    running = gateway(configuration(*backends, workers=2))
    ended = collections.Counter()

    async def story():
        stop = asyncio.Event()
        load = asyncio.create_task(keep_calling(running.address, stop, ended))
        await eventually_async(lambda: ended["a"] > 100 and ended["b"] > 100, "load on both")
        backends[0].process.kill()
        at_the_kill = ended["b"]
        await eventually_async(lambda: ended["b"] > at_the_kill + 300, "load on the one that is left")
        lost = sum(count for key, count in ended.items() if isinstance(key, grpc.StatusCode))
        await eventually_async(lambda: ended["b"] > at_the_kill + 600, "more load")
        stop.set()
        await load
        return lost
    lost = asyncio.run(story())
    failures = {key: count for key, count in ended.items() if isinstance(key, grpc.StatusCode)}
    assert set(failures) <= {grpc.StatusCode.UNAVAILABLE}
    assert sum(failures.values()) <= 16, "at most those that were on it, one per caller"
    assert sum(failures.values()) == lost, "and later none"


def test_an_endpoint_that_comes_back_is_used_again(gateway, own):
    first, second = own(Backend("a")), own(Backend("b"))
    running = gateway(configuration(clusters={"kinds": cluster(first, second, load_balancing="round_robin")}, workers=1))
    with Caller(running.address) as caller:
        def spread():
            return {caller.unary(ask()).backend for _ in range(4)}
        assert spread() == {"a", "b"}
        first.process.kill()

        def without_failures():
            try:
                return spread() == {"b"}
            except grpc.RpcError:
                return False
        eventually(without_failures, "calls on b only")
        own(Backend("a again", address=first.address))
        eventually(lambda: "a again" in spread(), "the one that came back")


def test_a_frozen_endpoint_is_found_dead_while_calls_wait(gateway, own, backend):
    """Nothing comes back and nothing says so: the deadline ends the call, and other endpoints go on."""
    frozen = own(Backend("frozen"))
    running = gateway(configuration(
        clusters={"kinds": cluster(frozen, backend, load_balancing="round_robin")}, workers=1))
    with Caller(running.address) as caller:
        assert collections.Counter(caller.unary(ask()).backend for _ in range(4)) == {"frozen": 2, "shared": 2}
        frozen.process.send(signal.SIGSTOP)
        # All at once, in turn to the one and the other.
        calls = [caller.unary_call(ask(), timeout=5) for _ in range(10)]
        ended = collections.Counter(call.code() for call in calls)
        assert ended == {grpc.StatusCode.OK: 5, grpc.StatusCode.DEADLINE_EXCEEDED: 5}
        assert {call.result().backend for call in calls if call.code() == grpc.StatusCode.OK} == {"shared"}
        frozen.process.send(signal.SIGCONT)
