"""What is measured: each scenario says what the proxy must do, how it is loaded and how the load is summed up."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from harness.fixtures import LARGE_BODY_SIZE, LARGE_ORDER, STREAM_ORDER, UNARY_MESSAGE_SIZE, Fixtures
from harness.load import LoadResult, Part, run_h2load, run_mix, run_resumptions
from harness.paths import TOOLS
from harness.peer import CLEARTEXT, GLOBAL_RATE_LIMIT, HTTP1, JWT, TLS, TRANSCODING
from harness.processes import CoreWatch
from harness.stack import ASKED, ECHO, Stack

SHORT_REPLY = ("size", str(5 + UNARY_MESSAGE_SIZE))
LONG_REPLY = ("size", str(LARGE_BODY_SIZE))
SMALL_FRAMES = ("stream", "1024", str(1024 - 5))  # the same MiB in frames of 1 KiB; else a frame has 16
WARM_UP_SECONDS = 0.7
HANDSHAKE_BURST = 100
IDLE_COUNTS = (1000, 10000)


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    kind: str
    connections: int = 10
    streams: int = 32
    jwt_algorithm: str = "RS256"
    reply: tuple = ECHO
    large_upload: bool = False

    # Title, key in the sample, decimals; the ranking goes by the first one, and less is better.
    columns = (("CPU µs/req", "cpu_us", 1), ("of it kernel %", "kernel_percent", 0), ("req/s", "per_second", 0),
               ("core busy %", "busy_percent", 0), ("peak RSS MiB", "peak_mib", 0))
    shown = 0  # the column that the picture shows
    is_unary = True
    single_round = False
    without_floors = False
    # What a row of the table takes, unless it is told otherwise.
    rounds, seconds = 5, 3

    def body(self, fixtures: Fixtures) -> Path:
        if self.kind == HTTP1:
            return fixtures.small_json
        return fixtures.large_body if self.large_upload else fixtures.unary_body

    def reply_body(self, fixtures: Fixtures) -> bytes:
        if self.reply in (ECHO, ASKED):
            return self.body(fixtures).read_bytes()
        if self.kind == HTTP1:
            return b"x" * int(self.reply[1])
        messages, size = (int(self.reply[1]), int(self.reply[2])) if len(self.reply) > 2 else (1, int(self.reply[1]) - 5)
        return messages * (b"\0" + size.to_bytes(4, "big") + bytes(size))

    def measure(self, stack: Stack, seconds: float) -> dict:
        """One sample."""
        self._load(stack, WARM_UP_SECONDS)
        cores = CoreWatch(stack.cores.proxy | stack.cores.load)
        kernel_before, (proxy_before, backends_before) = stack.proxy.kernel_seconds(), stack.cpu_seconds()
        result = self._load(stack, seconds)
        (proxy_after, backends_after), kernel_after = stack.cpu_seconds(), stack.proxy.kernel_seconds()
        proxy_cpu, backend_cpu = proxy_after - proxy_before, backends_after - backends_before
        _, busy, stolen = cores.since()
        self._check_replies(result, stack.job.fixtures)
        return {
            "cpu_us": proxy_cpu / result.requests * 1e6, "per_second": result.requests / result.wall_seconds,
            "kernel_percent": (kernel_after - kernel_before) / proxy_cpu * 100,
            "busy_percent": proxy_cpu / result.wall_seconds / len(stack.cores.proxy) * 100,
            "peak_mib": stack.proxy.peak_resident_bytes() / 2**20, "requests": result.requests,
            "backend_us": backend_cpu / result.requests * 1e6, "load_us": result.cpu_seconds / result.requests * 1e6,
            "foreign_cores": max(0, busy - proxy_cpu - backend_cpu - result.cpu_seconds) / result.wall_seconds,
            "stolen_cores": stolen / result.wall_seconds, **self._more(result, proxy_cpu)}

    def _load(self, stack, seconds, **options):
        return run_h2load(stack.job, stack.cores, self.body(stack.job.fixtures), self.connections, self.streams,
                          seconds=seconds, **options)

    def _check_replies(self, result, fixtures):
        # A refused gRPC call may well have HTTP status 200; but it has no body.
        expected = result.requests * len(self.reply_body(fixtures))
        if result.body_bytes < expected:
            raise RuntimeError(f"{result.body_bytes} bytes in reply bodies instead of {expected}: some calls failed")

    def _more(self, result, proxy_cpu):
        return {}


@dataclass(frozen=True)
class FixedRate(Scenario):
    connections: int = 16
    streams: int = 16
    requests_per_second: int = 3000

    columns = (("CPU µs/req", "cpu_us", 1), ("p50 µs", "p50_us", 0), ("p99 µs", "p99_us", 0), ("req/s", "per_second", 0))

    shown = 2
    rounds, seconds = 9, 30

    def _load(self, stack, seconds, **options):
        return super()._load(stack, seconds, rate=self.requests_per_second)

    def _more(self, result, _):
        return {"p50_us": percentile(result, 0.5), "p99_us": percentile(result, 0.99)}


def percentile(result: LoadResult, share: float) -> int:
    return result.latencies_us[min(len(result.latencies_us) - 1, int(len(result.latencies_us) * share))]


@dataclass
class MixResult(LoadResult):
    parts: dict


@dataclass(frozen=True)
class Mix(Scenario):
    """98 of a hundred calls are small, one downloads a MiB and one is a stream of 1024 messages: 3000 a second in all.

    The three have connections of their own to the proxy, and share what it has to the backend. Latencies without a name are
    those of the small calls: what they notice of the others.
    """

    reply: tuple = ASKED

    columns = (("CPU µs/call", "cpu_us", 1), ("p50 µs", "p50_us", 0), ("p99 µs", "p99_us", 0), ("p99.9 µs", "p999_us", 0),
               ("p99 µs of a MiB", "large_p99_us", 0), ("p99 µs of a stream", "stream_p99_us", 0))
    shown = 2
    is_unary = False
    rounds, seconds = 9, 30

    def body(self, fixtures):
        return next(iter(fixtures.orders.values()))

    def _parts(self, fixtures):
        return [Part("small", 16, 16, 2940, self.body(fixtures), self.body(fixtures).stat().st_size),
                Part("large", 4, 4, 30, fixtures.orders[LARGE_ORDER], LARGE_BODY_SIZE),
                Part("stream", 4, 4, 30, fixtures.orders[STREAM_ORDER], LARGE_BODY_SIZE)]

    def _load(self, stack, seconds, **_):
        parts = run_mix(stack.job, stack.cores, self._parts(stack.job.fixtures), seconds)
        of_any = parts["small"]
        return MixResult(sum(part.requests for part in parts.values()), sum(part.body_bytes for part in parts.values()),
                         of_any.wall_seconds, of_any.cpu_seconds, of_any.latencies_us, parts)

    def _check_replies(self, result, fixtures):
        for part in self._parts(fixtures):
            expected, found = result.parts[part.name].requests * part.reply_size, result.parts[part.name].body_bytes
            if found < expected:
                raise RuntimeError(f"{part.name}: {found} bytes in reply bodies instead of {expected}: some calls failed")

    def _more(self, result, _):
        return {"p50_us": percentile(result, 0.5), "p99_us": percentile(result, 0.99), "p999_us": percentile(result, 0.999),
                **{f"{name}_p99_us": percentile(result.parts[name], 0.99) for name in ("large", "stream")}}


@dataclass(frozen=True)
class Transcoded(Scenario):
    """JSON goes in, gRPC to the backend and back, and the same JSON comes out."""

    is_large: bool = False

    def body(self, fixtures):
        return fixtures.large_json if self.is_large else fixtures.small_json

    def reply_body(self, fixtures):
        return self.body(fixtures).read_bytes()


@dataclass(frozen=True)
class Stream(Scenario):
    connections: int = 4
    streams: int = 2

    is_unary = False
    columns = (("CPU µs/MiB", "cpu_us", 0), ("of it kernel %", "kernel_percent", 0),
               ("GB per CPU-second", "gb_per_cpu_second", 2), ("GB/s", "gb_per_second", 2),
               ("core busy %", "busy_percent", 0), ("peak RSS MiB", "peak_mib", 0))

    def _more(self, result, proxy_cpu):
        gigabytes = result.requests * LARGE_BODY_SIZE / 1e9
        return {"gb_per_cpu_second": gigabytes / proxy_cpu, "gb_per_second": gigabytes / result.wall_seconds}


@dataclass(frozen=True)
class Handshakes(Scenario):
    is_unary = False
    columns = (("CPU µs/connection", "cpu_us", 0), ("connections per CPU-second", "per_cpu_second", 0),
               ("connections/s", "per_second", 0), ("peak RSS MiB", "peak_mib", 0))

    def _load(self, stack, seconds, **_):
        total, deadline = None, time.monotonic() + seconds
        while time.monotonic() < deadline:
            burst = run_h2load(stack.job, stack.cores, self.body(stack.job.fixtures), HANDSHAKE_BURST, 1,
                               requests=HANDSHAKE_BURST)
            if total:
                total.requests += burst.requests
                total.body_bytes += burst.body_bytes
                total.wall_seconds += burst.wall_seconds
                total.cpu_seconds += burst.cpu_seconds
            else:
                total = burst
        return total

    def _more(self, result, proxy_cpu):
        return {"per_cpu_second": result.requests / proxy_cpu}


@dataclass(frozen=True)
class Resumptions(Handshakes):
    def _load(self, stack, seconds, **_):
        return run_resumptions(stack.job, stack.cores, seconds)

    def _check_replies(self, result, fixtures):
        pass  # the client waits for every reply itself


@dataclass(frozen=True)
class Memory(Scenario):
    is_unary = False
    columns = (("bytes per connection", "connection_bytes", 0), ("idle RSS MiB", "rss_0_mib", 1),
               ("idle PSS MiB", "pss_0_mib", 1), *((f"RSS MiB at {n}", f"rss_{n}_mib", 1) for n in IDLE_COUNTS))
    single_round = True
    without_floors = True  # two open files per connection are too many for 10,000
    counts: tuple = IDLE_COUNTS

    def measure(self, stack, seconds):
        time.sleep(2)
        resident = {0: stack.proxy.resident_bytes()}
        proportional = stack.proxy.proportional_bytes()
        client = [sys.executable, TOOLS / "idle_connections.py", str(stack.job.listen_port), *map(str, self.counts)]
        with subprocess.Popen(client, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            try:
                for count in self.counts:
                    if client.stdout.readline().strip() != str(count):
                        raise RuntimeError(f"could not open {count} connections")
                    time.sleep(2)
                    resident[count] = stack.proxy.resident_bytes()
                    client.stdin.write("\n")
                    client.stdin.flush()
            finally:
                client.kill()
        most = self.counts[-1]
        return {"connection_bytes": (resident[most] - resident[0]) / most, "pss_0_mib": proportional / 2**20,
                "foreign_cores": 0, "stolen_cores": 0, **{f"rss_{count}_mib": size / 2**20 for count, size in resident.items()}}


SCENARIOS = [
    Scenario("h2c-unary", "Cleartext, 10 connections × 32 streams", CLEARTEXT),
    Scenario("h2c-unary-c64", "Cleartext, 64 connections × 1 stream", CLEARTEXT, connections=64, streams=1),
    FixedRate("h2c-unary-rate", "Cleartext at 3000 req/s", CLEARTEXT),
    Scenario("tls-unary", "TLS 1.3, 10 connections × 32 streams", TLS),
    Scenario("tls-unary-c64", "TLS 1.3, 64 connections × 1 stream", TLS, connections=64, streams=1),
    FixedRate("tls-unary-rate", "TLS 1.3 at 3000 req/s", TLS),
    Scenario("tls-jwt-rs256", "TLS 1.3 + JWT RS256 + path rule + local rate limit, 10 × 32", JWT),
    Scenario("tls-jwt-es256", "TLS 1.3 + JWT ES256 + path rule + local rate limit, 10 × 32", JWT, jwt_algorithm="ES256"),
    FixedRate("tls-jwt-rs256-rate", "TLS 1.3 + JWT RS256 + path rule + local rate limit at 3000 req/s", JWT),
    Scenario("tls-jwt-global", "As tls-jwt-rs256 + global rate limit service (a stub that always says OK), 10 × 32",
             GLOBAL_RATE_LIMIT),
    Transcoded("json-small", "JSON before gRPC, an order with one item (330 bytes), 10 × 32", TRANSCODING),
    Transcoded("json-64k", "JSON before gRPC, an order of 64 KiB, 10 × 8", TRANSCODING, streams=8, is_large=True),
    Stream("stream-upload-h2c", "1 MiB uploads, cleartext", CLEARTEXT, reply=SHORT_REPLY, large_upload=True),
    Stream("stream-download-h2c", "1 MiB downloads, cleartext", CLEARTEXT, reply=LONG_REPLY),
    Stream("stream-download-h2c-1k", "1 MiB downloads in frames of 1 KiB, cleartext", CLEARTEXT, reply=SMALL_FRAMES),
    Stream("stream-upload-tls", "1 MiB uploads, TLS 1.3", TLS, reply=SHORT_REPLY, large_upload=True),
    Stream("stream-download-tls", "1 MiB downloads, TLS 1.3", TLS, reply=LONG_REPLY),
    Stream("stream-download-tls-1k", "1 MiB downloads in frames of 1 KiB, TLS 1.3", TLS, reply=SMALL_FRAMES),
    Scenario("http1-unary", "HTTP/1.1 in and out, 64 connections", HTTP1, connections=64, streams=1),
    Stream("http1-download", "1 MiB downloads, HTTP/1.1 in and out, 8 connections", HTTP1, connections=8, streams=1,
           reply=LONG_REPLY),
    Mix("mix-h2c", "Small calls beside downloads and streams, cleartext, 3000 calls/s", CLEARTEXT),
    Mix("mix-tls", "Small calls beside downloads and streams, TLS 1.3, 3000 calls/s", TLS),
    Handshakes("handshakes", "A new TLS 1.3 connection for every request", TLS),
    Resumptions("resumptions", "A new connection for every request, resuming a TLS 1.3 session", TLS),
    Memory("memory", "Idle TLS connections, each having made one request", TLS),
]
QUICK = ("h2c-unary", "h2c-unary-c64", "tls-unary", "tls-unary-c64", "tls-jwt-rs256", "tls-jwt-es256")
