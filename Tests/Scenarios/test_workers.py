"""Workers: a few connections are spread evenly, and every worker does the same."""

import asyncio

from harness import h2raw, stubs
from harness.backend import ask
from harness.caller import channel
from harness.gateway import SERVICE, configuration
from harness.waiting import eventually

UNARY = f"/{SERVICE}/Unary"


def worker_connections(running):
    """Open downstream connections by worker, as /metrics has them."""
    by_worker = {}
    for name, labels, value in running.metrics().samples:
        if "worker" in labels and "connections" in name and "active" in name and "upstream" not in name:
            by_worker[labels["worker"]] = by_worker.get(labels["worker"], 0) + value
    return by_worker


def test_ten_connections_are_five_and_five(gateway, backend):
    running = gateway(configuration(backend, workers=2))
    for _ in range(5):
        clients = [h2raw.Client(running.address) for _ in range(10)]
        for client in clients:
            assert client.call(UNARY).grpc_status == 0
        spread = worker_connections(running)
        assert sorted(spread.values()) == [5, 5], spread
        for client in clients:
            client.close()
        eventually(lambda: sum(worker_connections(running).values()) == 0, "all connections gone")


def test_handed_over_connections_lose_nothing(gateway, backend):
    """Requests sent with the very first bytes, before the connection can have found its worker."""
    running = gateway(configuration(backend, workers=2))
    pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")

    async def story():
        async def one(number):
            async with channel(running.address, aio=True) as opened:
                answer = await pb_grpc.KindsStub(opened).Unary(ask(str(number)), timeout=20)
                assert answer.text == str(number)
        for start in range(0, 400, 50):
            await asyncio.gather(*(one(number) for number in range(start, start + 50)))
    asyncio.run(story())


def test_auto_is_one_a_core_of_the_affinity(gateway, backend):
    running = gateway(configuration(backend, workers="auto"), cpus=[0])
    assert len(worker_connections(running)) == 1
    assert len(worker_connections(gateway(configuration(backend, workers=3)))) == 3
