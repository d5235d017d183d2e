"""Counters in memory: a limit has room of its own, whatever keys are made up for another."""

import asyncio
import collections

import grpc
import pytest

from harness import stubs
from harness.backend import ask
from harness.caller import Caller, channel
from harness.gateway import configuration, open_route
from harness.waiting import eventually

OK, OVER = grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED


async def calls(address, metadata):
    """One call for each metadata, a hundred at once; how they ended."""
    pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")
    ended, room = collections.Counter(), asyncio.Semaphore(100)
    async with channel(address, aio=True) as one:
        async def call(each):
            async with room:
                try:
                    await pb_grpc.KindsStub(one).Unary(ask(), metadata=[each], timeout=30)
                    ended[OK] += 1
                except grpc.aio.AioRpcError as error:
                    ended[error.code()] += 1
        await asyncio.gather(*(call(each) for each in metadata))
    return ended


def made_up(name, count):
    return [(name, f"made-up-{number}") for number in range(count)]


@pytest.fixture
def sections(backend):
    def sections(store, **more):
        return configuration(
            backend, workers=2, rate_limits={"counters": 0, **store},
            routes=[open_route(limits=[
                {"count": 1000000, "per": "day", "key": "header x-k", "name": "flooded", "counters": 50, **more},
                "2/day per header x-tenant"])])
    return sections


@pytest.mark.parametrize("where", ["memory", "redis is gone"])
def test_a_flood_of_made_up_keys_takes_nothing_from_another_limit(gateway, redis, sections, where):
    store = {"store": "memory"}
    if where != "memory":
        gone = redis()
        store = {"store": gone.url, "timeout": "500ms"}
    running = gateway(sections(store))
    if where != "memory":
        gone.stop()
        eventually(lambda: asyncio.run(calls(running.address, made_up("x-tenant", 1))) == {OK: 1}, "local decisions")
    # The other limit counts all of these by one key: a tenant of its own for each.
    flood = [[("x-k", key), ("x-tenant", key)] for _, key in made_up("", 3000)]

    async def both():
        pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")
        room = asyncio.Semaphore(100)
        async with channel(running.address, aio=True) as one:
            async def call(metadata):
                async with room:
                    await pb_grpc.KindsStub(one).Unary(ask(), metadata=metadata, timeout=30)
            await asyncio.gather(*(call(each) for each in flood))
    asyncio.run(both())
    metrics = running.metrics()
    assert metrics.sum("martlet_limit_counters", limit="flooded") == 50
    assert metrics.sum("martlet_limit_counters_evicted_total", limit="flooded", standing="below_limit") >= 2900
    assert metrics.sum("martlet_limit_counters", limit="kinds.limits[1]") >= 3000
    assert metrics.sum("martlet_limit_counter_pool_used") == 0 and metrics.sum("martlet_limit_counter_pool_size") == 0
    with Caller(running.address) as caller:
        for tenant in ("unseen-1", "unseen-2"):
            ended = []
            for _ in range(3):
                try:
                    caller.unary(ask(), metadata=[("x-tenant", tenant), ("x-k", "mine")])
                    ended.append(OK)
                except grpc.RpcError as error:
                    ended.append(error.code())
            assert ended == [OK, OK, OVER]
    running.process.wait_for(lambda line: line.startswith("limit counters full"), "notice")
    assert sum(line.startswith("limit counters full") for line in running.process.lines) == 1


def test_counts_go_on_over_a_reload_that_gives_a_limit_more_counters(gateway, sections):
    running = gateway(sections({"store": "memory"}))
    tenant = [("x-tenant", "t")]
    assert asyncio.run(calls(running.address, tenant * 2)) == {OK: 2}
    assert asyncio.run(calls(running.address, tenant)) == {OVER: 1}
    running.reload(sections({"store": "memory", "counters": 10}, counters=100))
    assert asyncio.run(calls(running.address, tenant)) == {OVER: 1}
    assert asyncio.run(calls(running.address, made_up("x-tenant", 100))) == {OK: 100}
