"""The run itself: calm, then every fault in turn, and what was seen."""

import asyncio
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from harness.gateway import Gateway

from .backends import Backend
from .load import Load, percentile
from .settings import (
    CALM, CONTROL_RATE, GRACE, LOAD_RATE, MEASURED, RECOVERY_MAX, WARM_UP, configuration)

# What goes wrong, with whom, and how it is mended.
FAULTS = [
    ("killed", 0, lambda backend: backend.kill(), lambda backend: backend.start()),
    ("stopped", 1, lambda backend: backend.freeze(), lambda backend: backend.thaw()),
    ("slowed", 2, lambda backend: backend.say("slow"), lambda backend: backend.say("work")),
    ("unavailable", 0, lambda backend: backend.say("refuse"), lambda backend: backend.say("work")),
]


@dataclass
class Phase:
    name: str
    calls: int
    p50: float
    p99: float
    # Of calls made at the same time, by the same caller through the same gateway, to a backend that nothing happened to.
    control_p99: float


@dataclass
class Figures:
    phases: list = field(default_factory=list)
    calls: int = 0
    failures: list = field(default_factory=list)
    attempts: int = 0
    seconds: float = 0

    @property
    def calm(self):
        return self.phases[0]

    @property
    def faults(self):
        return self.phases[1:]

    def allowed_p99(self, phase, factor):
        """A machine that is busy for a moment slows calls that nothing happens to as well: then calm is what those take."""
        return factor * max(self.calm.p99, phase.control_p99)

    @property
    def success(self):
        return 1 - len(self.failures) / self.calls

    @property
    def attempts_per_call(self):
        return self.attempts / self.calls


def run(folder):
    with ExitStack() as stack:
        started = time.monotonic()
        kinds = [stack.enter_context(Backend(name, spares=name == "a")) for name in "abc"]
        control = stack.enter_context(Backend("control"))
        gateway = stack.enter_context(Gateway(folder, configuration(kinds, control)))
        figures = asyncio.run(_measure(gateway, kinds))
        figures.seconds = time.monotonic() - started
        return figures


async def _measure(gateway, kinds):
    figures = Figures()
    load = Load(gateway.address, LOAD_RATE, ["Unary", "Erase"], "kinds.test")
    control = Load(gateway.address, CONTROL_RATE, ["Unary"], "control.test")
    load.start()
    control.start()

    async def measure(name, seconds):
        began = time.monotonic()
        await asyncio.sleep(seconds)
        ended = time.monotonic()
        # So that those that began within it are over, however they end.
        await _until(lambda: len(load.done) >= load.began - LOAD_RATE // 4, 1)
        calls, others = load.between(began, ended), control.between(began, ended)
        figures.phases.append(
            Phase(name, len(calls), percentile(calls, 50), percentile(calls, 99), percentile(others, 99)))

    await asyncio.sleep(WARM_UP)
    await measure("calm", CALM)
    for name, index, breaks, mends in FAULTS:
        await _until(lambda: _all_serve(gateway), RECOVERY_MAX)
        breaks(kinds[index])
        await asyncio.sleep(GRACE)
        await measure(name, MEASURED)
        mends(kinds[index])
    await asyncio.sleep(GRACE)
    await asyncio.gather(load.stop(), control.stop())
    figures.calls = len(load.done)
    figures.failures = [call.failure for call in load.done if call.failure]
    attempts = gateway.metrics().sum("martlet_upstream_events_total", event="attempt")
    figures.attempts = int(attempts) - len(control.done)
    return figures


async def _until(look, seconds):
    deadline = time.monotonic() + seconds
    while not look() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)


def _all_serve(gateway):
    """Nobody is out of service."""
    healthy = [value for name, _, value in gateway.metrics().samples if name == "martlet_endpoint_healthy"]
    return all(healthy)
