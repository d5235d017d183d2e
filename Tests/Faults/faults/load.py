"""Calls at a steady rate, whatever becomes of those before, and what became of each."""

import asyncio
import time
from dataclasses import dataclass

import grpc

from harness import stubs

from .settings import PATIENCE

pb = stubs.module("martlet/scenarios/v1/scenarios_pb2")
pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")

# Enough for every worker of the gateway to have some.
CONNECTIONS = 4


@dataclass
class Done:
    began: float
    seconds: float
    # None for OK.
    failure: str | None


class Load:
    """`rate` calls a second of these methods in turn, spread over connections of its own."""

    def __init__(self, address, rate, methods, authority):
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0),
                   ("grpc.default_authority", authority)]
        self.channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(CONNECTIONS)]
        stubs_of = [pb_grpc.KindsStub(channel) for channel in self.channels]
        self.calls = [getattr(stub, method) for stub in stubs_of for method in methods]
        self.interval = 1 / rate
        self.done, self.began, self._running, self._stopped = [], 0, set(), False

    def start(self):
        self._task = asyncio.ensure_future(self._run())

    async def stop(self):
        self._stopped = True
        await self._task
        if self._running:
            await asyncio.wait(self._running)
        for channel in self.channels:
            await channel.close()

    async def _run(self):
        due = time.monotonic()
        while not self._stopped:
            await asyncio.sleep(max(0, due - time.monotonic()))
            # After a pause of this machine the calls that fell into it are not made up for: that would be another load.
            due = max(due + self.interval, time.monotonic() - 10 * self.interval)
            task = asyncio.ensure_future(self._call(self.calls[self.began % len(self.calls)]))
            self.began += 1
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _call(self, method):
        began = time.monotonic()
        failure = None
        try:
            await method(pb.Ask(), timeout=PATIENCE)
        except grpc.aio.AioRpcError as error:
            failure = f"{error.code().name}: {error.details()}"
        self.done.append(Done(began, time.monotonic() - began, failure))

    def between(self, first, last):
        """Those that began then."""
        return [call for call in self.done if first <= call.began < last]


def percentile(calls, percent):
    """In milliseconds."""
    ordered = sorted(call.seconds for call in calls)
    if not ordered:
        return float("nan")
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
