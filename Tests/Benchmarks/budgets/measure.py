"""What one request, MiB or connection costs, as counts that do not depend on how busy the machine is."""

import tempfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from budgets.rows import Row, SetUp
from budgets.system_calls import count_system_calls
from harness.callgrind import under_callgrind, without_debug_information
from harness.fixtures import Fixtures
from harness.paths import MARTLET
from harness.stack import Cores, running
from peers.martlet import Martlet


@dataclass(frozen=True)
class Cost:
    """Per unit of its row."""

    mallocs: float
    instructions: float
    syscalls: float
    # By function: how often what it does was decided at run time.
    dispatched: dict


def costs(rows: list, fixtures: Fixtures, work: Path, cores: Cores):
    """Yields (Row, Cost); a set-up is started once for the rows that have it in common and follow each other."""
    for set_up, group in groupby(rows, key=lambda row: row.set_up):
        group = list(group)
        counts = _counts(set_up, group, fixtures, work, cores)
        syscalls = _system_calls(set_up, group, fixtures, work, cores)
        for row, count, calls in zip(group, counts, syscalls):
            units = row.more - row.few
            dispatched = {name: times / units for name, times in count.dispatched.items()}
            yield row, Cost(count.mallocs / units, count.instructions / units, calls / units, dispatched)


def _counts(set_up: SetUp, rows, fixtures, work, cores) -> list:
    folder = Path(tempfile.mkdtemp(prefix=f"{set_up.kind}-callgrind-", dir=work))
    martlet = Martlet(without_debug_information(MARTLET, folder))
    with under_callgrind(martlet, set_up.kind, fixtures, folder, cores, _warm_up(rows), set_up.reply) as proxy:
        return [_difference(proxy.count, row, proxy.stack) for row in rows]


def _system_calls(set_up: SetUp, rows, fixtures, work, cores) -> list:
    folder = Path(tempfile.mkdtemp(prefix=f"{set_up.kind}-strace-", dir=work))
    with running(Martlet(), set_up.kind, fixtures, folder, cores, set_up.reply) as stack:
        _warm_up(rows)(stack)
        return [_difference(lambda load: count_system_calls(stack.proxy.pid, folder, load), row, stack) for row in rows]


def _warm_up(rows: list):
    def load(stack):
        for row in rows:
            row.load(stack, row.warm_up)
    return load


def _difference(count, row: Row, stack):
    """Between much and little, so that opening the connection drops out."""
    few = count(lambda: row.load(stack, row.few))
    return count(lambda: row.load(stack, row.more)) - few
