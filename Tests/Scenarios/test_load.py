"""A hundred thousand calls: none is lost, and the memory is back where it was."""

import asyncio
import re
import subprocess

import pytest

from harness import h2raw, stubs
from harness.backend import ask
from harness.caller import channel
from harness.gateway import cluster, configuration
from harness.waiting import eventually

CALLS = 100_000


@pytest.mark.slow
def test_grpcio_on_both_sides_loses_nothing(gateway, backend):
    """Fewer calls, all kinds, every answer looked at."""
    pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")
    running = gateway(configuration(backend, workers=2, access_log="off"))

    async def story():
        channels = [channel(running.address, aio=True) for _ in range(4)]
        numbers = iter(range(4000))

        async def one(worker):
            stub = pb_grpc.KindsStub(channels[worker % 4])
            for number in numbers:
                text = f"{worker}-{number}"
                match number % 4:
                    case 0:
                        assert (await stub.Unary(ask(text, answer_bytes=number), timeout=60)).text == text
                    case 1:
                        assert (await stub.Collect(iter([ask(text)] * 5), timeout=60)).received == 5
                    case 2:
                        assert len([answer async for answer in stub.Spread(ask(text, answers=5), timeout=60)]) == 5
                    case 3:
                        assert [answer.text async for answer in stub.Converse(iter([ask(text)] * 3), timeout=60)] == [text] * 3
        await asyncio.gather(*(one(worker) for worker in range(64)))
        for each in channels:
            await each.close()
    asyncio.run(story())


@pytest.mark.slow
def test_connections_that_come_and_go_leave_nothing_behind(gateway, backend, pki, server_identity):
    running = gateway(configuration(backend, identity=server_identity, workers=2, access_log="off"))
    path = "/martlet.scenarios.v1.Kinds/Unary"

    def come_and_go(count):
        for number in range(count):
            client = h2raw.Client(running.address, tls=pki.client_context())
            client.request(path, h2raw.grpc_message(b""), end=number % 3 != 0)
            (client.abort if number % 2 else client.close)()
    come_and_go(300)
    idle = running.process.descriptors()
    settled = running.process.resident_bytes()
    come_and_go(1000)
    eventually(lambda: running.process.descriptors() <= idle + 4, "all connections closed")
    assert running.process.resident_bytes() < settled + 6 * 1024 * 1024
