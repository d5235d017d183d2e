"""What one request, MiB or connection costs, as counts that do not depend on how busy the machine is."""

import tempfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from budgets.rows import Row, SetUp
from budgets.system_calls import count_system_calls
from harness.callgrind import under_callgrind, without_debug_information
from harness.components import by_component
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
    # Instructions by component.
    components: dict
    # By function: how often what it does was decided at run time.
    dispatched: dict


def costs(rows: list, fixtures: Fixtures, work: Path, cores: Cores):
    """Yields (Row, Cost); a set-up is started once for the rows that have it in common and follow each other."""
    for set_up, group in groupby(rows, key=lambda row: row.set_up):
        group = list(group)
        counts = _counts(set_up, group, fixtures, work, cores)
        syscalls = system_calls(set_up, group, fixtures, work, cores)
        for row, count, calls in zip(group, counts, syscalls):
            units = row.more - row.few
            dispatched = {name: times / units for name, times in count.dispatched.items()}
            components = {name: number / units for name, number in by_component(count.by_object).items()}
            yield row, Cost(
                count.mallocs / units, count.instructions / units, calls.total() / units, components, dispatched)


def _counts(set_up: SetUp, rows, fixtures, work, cores) -> list:
    folder = Path(tempfile.mkdtemp(prefix=f"{set_up.kind}-callgrind-", dir=work))
    martlet = Martlet(without_debug_information(MARTLET, folder))
    with under_callgrind(martlet, set_up.kind, fixtures, folder, cores, warm_up(rows), set_up.reply) as proxy:
        return [difference(proxy.count, row, proxy.stack) for row in rows]


def system_calls(set_up: SetUp, rows, fixtures, work, cores) -> list:
    folder = Path(tempfile.mkdtemp(prefix=f"{set_up.kind}-strace-", dir=work))
    with running(Martlet(), set_up.kind, fixtures, folder, cores, set_up.reply) as stack:
        warm_up(rows)(stack)
        return [difference(lambda load: count_system_calls(stack.proxy.pid, folder, load), row, stack) for row in rows]


def warm_up(rows: list):
    def load(stack):
        for row in rows:
            row.load(stack, row.warm_up)
    return load


def difference(count, row: Row, stack):
    """Between much and little, so that opening the connection drops out."""
    few = count(lambda: row.load(stack, row.few))
    return count(lambda: row.load(stack, row.more)) - few
