"""A backend that can be told to break: `python -m faults.backend_server --name a`.

Waits for words on its standard input, one a line: `listen ADDRESS`, `work` (answer after the service time, as at the beginning),
`slow` (after two seconds) and `refuse` (UNAVAILABLE, at once). Says `imported`, then `listening address=…`. Made ready before it
is needed, so that to bring a backend back costs the machine nothing while calls are measured.
"""

import argparse
import asyncio
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio

from harness import stubs

pb = stubs.module("martlet/scenarios/v1/scenarios_pb2")
pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")

SLOW_SECONDS = 2.0


class Kinds(pb_grpc.KindsServicer):
    def __init__(self, name, service_seconds):
        self.name, self.service_seconds, self.mode = name, service_seconds, "work"

    async def Unary(self, request, context):
        if self.mode == "refuse":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "told to refuse")
        await asyncio.sleep(SLOW_SECONDS if self.mode == "slow" else self.service_seconds)
        return pb.Answer(backend=self.name)

    Erase = Unary


async def serve(arguments):
    loop = asyncio.get_running_loop()
    words = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    kinds = Kinds(arguments.name, arguments.service_ms / 1000)
    server = None
    print("imported", flush=True)
    async for line in words:
        word, *rest = line.decode().split()
        if word != "listen":
            kinds.mode = word
            continue
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        pb_grpc.add_KindsServicer_to_server(kinds, server)
        health = health_aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(health, server)
        await health.set("", health_pb2.HealthCheckResponse.SERVING)
        host = rest[0].rsplit(":", 1)[0]
        port = server.add_insecure_port(rest[0])
        await server.start()
        print(f"listening address={host}:{port}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--service-ms", type=float, required=True)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
