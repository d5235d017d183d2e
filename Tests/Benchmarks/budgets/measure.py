"""What one request costs, as counts that do not depend on how busy the machine is."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from budgets.system_calls import count_system_calls
from harness.callgrind import under_callgrind, without_debug_information
from harness.fixtures import Fixtures
from harness.load import run_h2load
from harness.paths import MARTLET
from harness.stack import Cores, running
from peers.martlet import Martlet

WARM_UP_REQUESTS = 320
FEW_REQUESTS, MORE_REQUESTS = 640, 1920
STREAMS = (1, 32)


@dataclass(frozen=True)
class Cost:
    """Per request."""

    mallocs: float
    instructions: float
    syscalls: float


def costs(kind: str, fixtures: Fixtures, work: Path, cores: Cores) -> dict:
    """{streams: Cost} of one connection with so many calls at once."""
    counts = _counts(kind, fixtures, work, cores)
    syscalls = _system_calls(kind, fixtures, work, cores)
    return {streams: Cost(counts[streams].mallocs / (MORE_REQUESTS - FEW_REQUESTS),
                          counts[streams].instructions / (MORE_REQUESTS - FEW_REQUESTS),
                          syscalls[streams] / (MORE_REQUESTS - FEW_REQUESTS)) for streams in STREAMS}


def _counts(kind, fixtures, work, cores):
    folder = Path(tempfile.mkdtemp(prefix=f"{kind}-callgrind-", dir=work))
    martlet = Martlet(without_debug_information(MARTLET, folder))
    with under_callgrind(martlet, kind, fixtures, folder, cores, _warm_up) as proxy:
        return {streams: _difference(lambda load: proxy.count(load), proxy.stack, streams) for streams in STREAMS}


def _system_calls(kind, fixtures, work, cores):
    folder = Path(tempfile.mkdtemp(prefix=f"{kind}-strace-", dir=work))
    with running(Martlet(), kind, fixtures, folder, cores) as stack:
        _warm_up(stack)
        return {streams: _difference(lambda load: count_system_calls(stack.proxy.pid, folder, load), stack, streams)
                for streams in STREAMS}


def _warm_up(stack):
    for streams in STREAMS:
        _load(stack, streams, WARM_UP_REQUESTS)


def _difference(count, stack, streams):
    """Between many requests and few, so that opening the connection drops out."""
    few = count(lambda: _load(stack, streams, FEW_REQUESTS))
    return count(lambda: _load(stack, streams, MORE_REQUESTS)) - few


def _load(stack, streams, requests):
    # One connection in lock-step: how the calls fall together in reads and writes does not depend on the moment.
    run_h2load(stack.job, stack.cores.load, stack.job.fixtures.unary_body, connections=1, streams=streams, requests=requests)
