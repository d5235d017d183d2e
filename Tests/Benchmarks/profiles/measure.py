"""Where the instructions of each row of the budgets are spent."""

import tempfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from budgets.measure import difference, system_calls, warm_up
from budgets.rows import Row
from harness.callgrind import under_callgrind, without_debug_information
from harness.callgrind_dump import read_dump
from harness.components import NGHTTP2, OURS, component
from harness.paths import MARTLET
from harness.tally import Tally
from peers.martlet import Martlet
from profiles.library import LibraryFunctions
from profiles.program import places


@dataclass(frozen=True)
class Profile:
    """Per unit of the row; instructions in user space, system calls for what the kernel does."""

    row: Row
    components: Tally
    # Ours by source file, by function and by line, nghttp2 by function, all else by the file of the library.
    files: Tally
    functions: Tally
    lines: Tally
    nghttp2: Tally
    libraries: Tally
    system_calls: Tally

    @property
    def instructions(self) -> float:
        return self.components.total()


def profiles(rows, fixtures, work, cores):
    """Yields a Profile for each row."""
    for set_up, group in groupby(rows, key=lambda row: row.set_up):
        group = list(group)
        addresses = _addresses(set_up, group, fixtures, work, cores)
        calls = system_calls(set_up, group, fixtures, work, cores)
        for row, costs, count in zip(group, addresses, calls):
            yield _profile(row, costs, count)


def _addresses(set_up, rows, fixtures, work, cores) -> list:
    folder = Path(tempfile.mkdtemp(prefix=f"{set_up.kind}-profile-", dir=work))
    martlet = Martlet(without_debug_information(MARTLET, folder))
    with under_callgrind(martlet, set_up.kind, fixtures, folder, cores, warm_up(rows), set_up.reply, ["--dump-instr=yes"]) as proxy:
        def count(load):
            return read_dump(proxy.dump(load), with_addresses=True).by_address
        return [difference(count, row, proxy.stack) for row in rows]


def _profile(row, costs, calls) -> Profile:
    units = row.more - row.few
    ours = places(MARTLET, {address for file, address in costs if component(file) == OURS})
    found = Profile(row, *(Tally() for _ in range(6)), Tally({name: number / units for name, number in calls.items()}))
    library = None
    for (file, address), count in costs.items():
        part, each = component(file), count / units
        found.components[part] += each
        if part == OURS:
            place = ours[address]
            found.files[place.file] += each
            found.functions[place.function] += each
            found.lines[f"{place.file}:{place.line}"] += each
        elif part == NGHTTP2:
            # libnghttp2.so.14.24.1 and libnghttp2.a lie side by side.
            library = library or LibraryFunctions(Path(file), Path(file).with_name("libnghttp2.a"))
            found.nghttp2[library.name(address)] += each
        else:
            found.libraries[Path(file).name] += each
    return found
