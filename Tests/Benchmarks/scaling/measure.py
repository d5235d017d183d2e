"""What a call costs in a gateway of one shape."""

import tempfile
from pathlib import Path

from harness.callgrind import under_callgrind, without_debug_information
from harness.fixtures import Fixtures
from harness.load import run_h2load
from harness.paths import MARTLET
from harness.peer import CLEARTEXT
from harness.processes import wait_until_quiet
from harness.stack import Cores, running
from scaling.shapes import Shape, ShapedMartlet

FEW_REQUESTS, MORE_REQUESTS = 640, 1920
WARM_UP_REQUESTS = 3200
CALLS_TO_REACH_EVERY_ENDPOINT = 12  # times their number: it is chosen at random who is called
EVERYWHERE = "0.0.0.0"


class Gauge:
    def __init__(self, fixtures: Fixtures, work: Path, cores: Cores, options):
        self._fixtures, self._work, self._cores, self._options = fixtures, work, cores, options

    def cpu(self, shape: Shape, connections: int, streams: int, cores=None) -> dict:
        """One sample of the proxy's CPU time."""
        cores = cores or self._cores
        with running(ShapedMartlet(shape), CLEARTEXT, self._fixtures, self._folder("cpu"), cores,
                     backend_address=EVERYWHERE) as stack:
            endpoints = len(shape.endpoints(stack.job))
            self._load(stack, shape, 10, 32, requests=max(WARM_UP_REQUESTS, CALLS_TO_REACH_EVERY_ENDPOINT * endpoints))
            wait_until_quiet(cores.proxy | cores.load, self._options.patience)
            before, _ = stack.cpu_seconds()
            result = self._load(stack, shape, connections, streams, seconds=self._options.seconds)
            after, _ = stack.cpu_seconds()
            return {"cpu_us": (after - before) / result.requests * 1e6, "per_second": result.requests / result.wall_seconds,
                    "resident_mib": stack.proxy.resident_bytes() / 2**20}

    def instructions(self, shape: Shape) -> float:
        """Per call, the same every time, whatever else the machine does."""
        folder = self._folder("callgrind")
        martlet = ShapedMartlet(shape, without_debug_information(MARTLET, folder))

        def warm_up(stack):
            self._load(stack, shape, 1, 32, requests=FEW_REQUESTS)

        with under_callgrind(martlet, CLEARTEXT, self._fixtures, folder, self._cores, warm_up) as proxy:
            few, more = (proxy.count(lambda: self._load(proxy.stack, shape, 1, 32, requests=requests))
                         for requests in (FEW_REQUESTS, MORE_REQUESTS))
            return (more - few).instructions / (MORE_REQUESTS - FEW_REQUESTS)

    def _load(self, stack, shape, connections, streams, **amount):
        return run_h2load(stack.job, stack.cores, self._fixtures.unary_body, connections, streams,
                          paths=shape.paths, headers=shape.headers, **amount)

    def _folder(self, name):
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._work))
