"""What a call costs in a gateway of one shape."""

import tempfile
from contextlib import contextmanager
from pathlib import Path
from statistics import mean

from compare.scenarios import WARM_UP_SECONDS, Memory, percentile
from harness.callgrind import under_callgrind, without_debug_information
from harness.fixtures import Fixtures
from harness.load import Part, run_h2load, run_mix
from harness.paths import MARTLET
from harness.peer import CLEARTEXT, TLS
from harness.processes import wait_until_quiet
from harness.stack import Cores, running
from peers.martlet import Martlet
from scaling.shapes import Shape, ShapedMartlet, listeners

FEW_REQUESTS, MORE_REQUESTS = 640, 1920
WARM_UP_REQUESTS = 3200
CALLS_TO_REACH_EVERY_ENDPOINT = 12  # times their number: it is chosen at random who is called
# Beyond one a connection; enough for the opening of 10,000 connections, which is in both loads, to drop out.
CALLS_ON_OPEN_CONNECTIONS = 60_000
EVEN_RATE = 3000
CALM_RATE = 1000
EVERYWHERE = "0.0.0.0"


class Gauge:
    """`cpus`: the proxy has the last ones, one worker each, and the load the first one, even if a worker runs there, too."""

    def __init__(self, fixtures: Fixtures, work: Path, cpus: list, options):
        self._fixtures, self._work, self._cpus, self._options = fixtures, work, cpus, options

    def cores(self, workers: int) -> Cores:
        return Cores(set(self._cpus[-workers:]), {self._cpus[0]})

    def cpu(self, shape: Shape, connections: int, streams: int, workers: int = 1) -> dict:
        """One sample of the proxy's CPU time."""
        with self._running(shape, workers) as stack:
            endpoints = len(shape.endpoints(stack.job)) + len(shape.clusters(stack.job))
            self._load(stack, shape, 10, 32, requests=max(WARM_UP_REQUESTS, CALLS_TO_REACH_EVERY_ENDPOINT * endpoints))
            return self._cost(stack, lambda: self._load(stack, shape, connections, streams, seconds=self._options.seconds))

    def open_connections(self, shape: Shape, connections: int, workers: int) -> dict:
        """The same with one call at a time on each of many connections, without opening and closing them."""
        with self._running(shape, workers) as stack:
            load = lambda requests: self._load(stack, shape, connections, 1, requests=requests)
            load(WARM_UP_REQUESTS + connections)
            wait_until_quiet(stack.cores.proxy | stack.cores.load, self._options.patience)
            before, _ = stack.cpu_seconds()
            load(connections)
            between, _ = stack.cpu_seconds()
            load(connections + CALLS_ON_OPEN_CONNECTIONS)
            after, _ = stack.cpu_seconds()
            return {"cpu_us": (after - between - (between - before)) / CALLS_ON_OPEN_CONNECTIONS * 1e6,
                    "connection_us": (between - before) / connections * 1e6,
                    "peak_mib": stack.proxy.peak_resident_bytes() / 2**20}

    def shares(self, shape: Shape, connections: int, workers: int) -> dict:
        """How the work of so many long-lived connections, all with the same rate of calls, falls on the workers."""
        with self._running(shape, workers) as stack:
            self._load(stack, shape, connections, 16, requests=WARM_UP_REQUESTS)
            wait_until_quiet(stack.cores.proxy | stack.cores.load, self._options.patience)
            before = stack.proxy.thread_cpu_seconds()
            result = self._load(stack, shape, connections, 16, seconds=self._options.seconds, rate=EVEN_RATE)
            after = stack.proxy.thread_cpu_seconds()
            seconds = [after[name] - before[name] for name in after if name.startswith("worker")]
            return {"busiest_percent_of_mean": max(seconds) / mean(seconds) * 100, "cpu_us": sum(seconds) / result.requests * 1e6,
                    "p99_us": percentile(result, 0.99)}

    def beside(self, hot_connections: int, workers: int) -> dict:
        """What callers of one listener notice of a hot one, which is sent as many calls as it answers."""
        shape = listeners(2)
        with self._running(shape, workers) as stack:
            calm = Part("calm", 10, 16, CALM_RATE, self._fixtures.unary_body)
            hot = Part("hot", hot_connections, 16, None, self._fixtures.unary_body, port=shape.listeners[0])
            parts = [calm, hot] if hot_connections else [calm]
            run_mix(stack.job, stack.cores, parts, WARM_UP_SECONDS)
            wait_until_quiet(stack.cores.proxy | stack.cores.load, self._options.patience)
            found = run_mix(stack.job, stack.cores, parts, self._options.seconds)
            return {"p50_us": percentile(found["calm"], 0.5), "p99_us": percentile(found["calm"], 0.99),
                    "hot_per_second": found["hot"].requests / self._options.seconds if hot_connections else 0}

    def idle(self, connections: int) -> dict:
        """Idle TLS connections, each having made one request."""
        with running(Martlet(), TLS, self._fixtures, self._folder("idle"), self.cores(1)) as stack:
            sample = Memory("idle", "", TLS, counts=(connections,)).measure(stack, 0)
            return {"resident_mib": sample[f"rss_{connections}_mib"], "connection_bytes": sample["connection_bytes"]}

    def instructions(self, shape: Shape) -> float:
        """Per call, the same every time, whatever else the machine does."""
        folder = self._folder("callgrind")
        martlet = ShapedMartlet(shape, without_debug_information(MARTLET, folder))

        def warm_up(stack):
            self._load(stack, shape, 1, 32, requests=FEW_REQUESTS)

        with under_callgrind(martlet, CLEARTEXT, self._fixtures, folder, self.cores(1), warm_up) as proxy:
            few, more = (proxy.count(lambda: self._load(proxy.stack, shape, 1, 32, requests=requests))
                         for requests in (FEW_REQUESTS, MORE_REQUESTS))
            return (more - few).instructions / (MORE_REQUESTS - FEW_REQUESTS)

    @contextmanager
    def _running(self, shape, workers):
        with running(ShapedMartlet(shape), CLEARTEXT, self._fixtures, self._folder("cpu"), self.cores(workers),
                     backend_address=EVERYWHERE) as stack:
            yield stack

    def _cost(self, stack, load) -> dict:
        wait_until_quiet(stack.cores.proxy | stack.cores.load, self._options.patience)
        before, _ = stack.cpu_seconds()
        result = load()
        after, _ = stack.cpu_seconds()
        return {"cpu_us": (after - before) / result.requests * 1e6, "per_second": result.requests / result.wall_seconds,
                "resident_mib": stack.proxy.resident_bytes() / 2**20}

    def _load(self, stack, shape, connections, streams, **amount):
        return run_h2load(stack.job, stack.cores, self._fixtures.unary_body, connections, streams,
                          paths=shape.paths, headers=shape.headers, **amount)

    def _folder(self, name):
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._work))
