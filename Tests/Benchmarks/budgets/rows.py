"""What is counted: each row is one load on one set-up of proxy and backend."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.fixtures import LARGE_BODY_SIZE, UNARY_MESSAGE_SIZE, Fixtures
from harness.load import run_h2load
from harness.paths import TOOLS
from harness.peer import CLEARTEXT, HTTP1, JWT, ROUTED, TLS, TRANSCODING
from harness.processes import pin
from harness.stack import ECHO, Stack

LONG_REPLY = ("size", str(LARGE_BODY_SIZE))
SHORT_REPLY = ("size", str(5 + UNARY_MESSAGE_SIZE))
MESSAGES, MESSAGE_SIZE = 1000, 1024
MANY_MESSAGES = ("stream", str(MESSAGES), str(MESSAGE_SIZE))
WARM_UP_REQUESTS = 320
# Each a MiB: enough for buffers and windows to have the size they keep.
WARM_UP_BODIES = 4
ENHANCE_YOUR_CALM = 11


@dataclass(frozen=True)
class SetUp:
    """One proxy and its backend; rows that have it in common are counted in the same process, one after the other."""

    kind: str
    reply: tuple = ECHO


@dataclass(frozen=True)
class Row:
    """`few` and `more` are what the difference is taken of, in units: calls, MiB, messages' streams or connections."""

    name: str
    set_up: SetUp
    few: int = 640
    more: int = 1920
    warm_up: int = WARM_UP_REQUESTS
    unit: str = "request"
    streams: int = 1
    body: Callable[[Fixtures], Path] = lambda fixtures: fixtures.unary_body
    content_type: str | None = None
    reply_bytes: int = UNARY_MESSAGE_SIZE

    def load(self, stack: Stack, units: int):
        # One connection in lock-step: how the calls fall together in reads and writes does not depend on the moment.
        self._run(stack, connections=1, requests=units)

    def _run(self, stack, connections, requests):
        result = run_h2load(stack.job, stack.cores, self.body(stack.job.fixtures), connections=connections,
                            streams=self.streams, requests=requests, content_type=self.content_type)
        # A refused gRPC call may well have HTTP status 200; but it has no body.
        if result.body_bytes < requests * self.reply_bytes:
            raise RuntimeError(f"{self.name}: bodies are missing: {result.body_bytes} bytes of {requests * self.reply_bytes}")


@dataclass(frozen=True)
class Connections(Row):
    """Set up, used for one call, and closed."""

    def load(self, stack, units):
        self._run(stack, connections=units, requests=units)
        # When this one is answered, the proxy has seen the others close.
        self._run(stack, connections=1, requests=1)


@dataclass(frozen=True)
class Bombs(Row):
    """Connections that send an HPACK bomb, one after the other, until each is cut off."""

    def load(self, stack, units):
        for _ in range(units):
            done = subprocess.run(
                [sys.executable, TOOLS / "hpack_bomb.py", str(stack.job.listen_port), "--seconds", "60"], capture_output=True,
                text=True, check=True, timeout=90, preexec_fn=lambda: pin(stack.cores.load, stack.cores.load_priority))
            if json.loads(done.stdout)["goaway_code"] != ENHANCE_YOUR_CALM:
                raise RuntimeError(f"{self.name}: not cut off: {done.stdout}")


def _unary(name, kind):
    return [Row(f"{name} -m {streams}", SetUp(kind), streams=streams) for streams in (1, 32)]


def _bodies(name, kind):
    """A call a MiB."""
    return [Row(f"{name} download", SetUp(kind, LONG_REPLY), few=8, more=40, warm_up=WARM_UP_BODIES, unit="MiB",
                reply_bytes=LARGE_BODY_SIZE),
            Row(f"{name} upload", SetUp(kind, SHORT_REPLY), few=8, more=40, warm_up=WARM_UP_BODIES, unit="MiB",
                body=lambda fixtures: fixtures.large_body)]


ROWS = [
    *_unary("h2c", CLEARTEXT),
    *_unary("routed", ROUTED),
    Row("grpc-web", SetUp(CLEARTEXT), content_type="application/grpc-web+proto"),
    Row("connect unary", SetUp(CLEARTEXT), content_type="application/proto", body=lambda fixtures: fixtures.unary_message),
    Connections("h2c connection", SetUp(CLEARTEXT), few=100, more=500, warm_up=500, unit="connection"),
    Bombs("hpack bomb", SetUp(CLEARTEXT), few=2, more=6, warm_up=2, unit="connection"),
    *_unary("tls", TLS),
    *_unary("tls-jwt", JWT),
    Row("json", SetUp(TRANSCODING), body=lambda fixtures: fixtures.small_json, reply_bytes=256),
    Row("http1", SetUp(HTTP1), body=lambda fixtures: fixtures.small_json, reply_bytes=256),
    Row("http1 download", SetUp(HTTP1, LONG_REPLY), few=8, more=40, warm_up=WARM_UP_BODIES, unit="MiB",
        body=lambda fixtures: fixtures.small_json, reply_bytes=LARGE_BODY_SIZE),
    Row("server streaming", SetUp(CLEARTEXT, MANY_MESSAGES), few=8, more=40, warm_up=WARM_UP_BODIES,
        unit=f"{MESSAGES} messages", reply_bytes=MESSAGES * (5 + MESSAGE_SIZE)),
    *_bodies("h2c", CLEARTEXT),
    *_bodies("tls", TLS),
    Connections("tls connection", SetUp(TLS), few=20, more=80, warm_up=100, unit="connection"),
]
