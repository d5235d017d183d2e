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
def test_a_hundred_thousand_calls_at_concurrency_64(gateway, martlet, tmp_path, own):
    demo = stubs.module("martlet/demo/v1/demo_pb2")
    backends = [martlet("demo", "--listen", "127.0.0.1:0", "--name", name) for name in "ab"]
    running = gateway(configuration(
        workers=2, access_log="off", clusters={"demo": cluster(*(backend.address for backend in backends))},
        routes=[{"name": "demo", "service": "martlet.demo.v1.Demo", "cluster": "demo", "allow": "anyone"}]))
    body = tmp_path / "body"
    body.write_bytes(h2raw.grpc_message(demo.EchoRequest(text="x" * 50, sequence=7).SerializeToString()))

    def load(calls):
        told = subprocess.run(
            ["h2load", "-n", str(calls), "-c", "8", "-m", "8", "-d", str(body), "-H", "content-type: application/grpc", "-H", "te: trailers",
             f"http://{running.address}/martlet.demo.v1.Demo/Echo"], capture_output=True, text=True, timeout=300).stdout
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (succeeded|failed|errored|timeout)", told)}
        assert counts["succeeded"] == calls and counts["failed"] == counts["errored"] == counts["timeout"] == 0, told
        return told

    def counted():
        metrics = running.metrics()
        name = next(name for name in metrics.names() if name.endswith("requests_total") and "upstream" not in name)
        good = [value for sample, labels, value in metrics.samples if sample == name and labels.get("grpc_status") in ("0", "OK")]
        return sum(good), metrics.sum(name)

    total = CALLS + CALLS // 10
    load(CALLS // 10)  # Buffers and tables reach the size they need.
    settled = running.process.resident_bytes()
    descriptors = running.process.descriptors()
    load(CALLS)
    eventually(lambda: counted() == (total, total), "every call counted as good")
    eventually(lambda: running.process.descriptors() <= descriptors, "all connections closed")
    assert running.process.resident_bytes() < settled + 8 * 1024 * 1024


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
    assert running.process.resident_bytes() < settled + 10 * 1024 * 1024
