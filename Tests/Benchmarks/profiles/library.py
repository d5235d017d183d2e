"""Names the functions of a library that Debian has stripped, by the archive of the same build."""

import re
import subprocess
from bisect import bisect_right
from pathlib import Path

_RANGE = re.compile(r" pc=([0-9a-f]+)\.\.([0-9a-f]+)")
# readelf -sW: number, value, size, type, binding, visibility, section, name.
_FUNCTION = re.compile(r"\s*\d+: ([0-9a-f]+)\s+(\d+) FUNC\s+\w+\s+\w+\s+(\w+) (\S+)")
# What an alignment pays for a function that only one side has, in differences of size.
_SKIPPED = 0.6


class LibraryFunctions:
    """The library's unwind table says where each function begins. Archive and library are compiled from the same files in the
    same order, so the two lists are aligned by exported names and by size."""

    def __init__(self, library: Path, archive: Path):
        exported = {start: name for start, _, name in _functions(_readelf("--dyn-syms", library))}
        ranges = sorted({(int(start, 16), int(end, 16)) for start, end in _RANGE.findall(_readelf("--debug-dump=frames", library))})
        here = [(start, end - start, exported.get(start)) for start, end in ranges]
        there = _functions(_readelf("--syms", archive)) if archive.exists() else []
        self._starts = [start for start, _, _ in here]
        self._names = [name or f"0x{start:x}" for start, _, name in here]
        for index, name in _aligned(here, there, set(exported.values())):
            self._names[index] = name

    def name(self, address: int) -> str:
        index = bisect_right(self._starts, address) - 1
        return self._names[index] if index >= 0 else f"0x{address:x}"


def _readelf(what, file) -> str:
    return subprocess.run(["readelf", "-W", what, file], capture_output=True, text=True, check=True).stdout


def _functions(symbols: str) -> list:
    """Of an archive, in the order of its members."""
    found = []
    for member in symbols.split("\nFile: "):
        matches = map(_FUNCTION.match, member.splitlines())
        functions = ((int(m[1], 16), int(m[2]), m[4].split("@")[0]) for m in matches if m and m[3] != "UND")
        # Parts that are kept elsewhere, as unlikely to run, begin at zero in a section of their own.
        found += sorted(function for function in functions if not function[2].endswith(".cold"))
    return found


def _aligned(here, there, exported) -> list:
    """Pairs of an index in `here` and a name of `there`."""
    def difference(mine, other):
        if (mine[2] or other[2]) != other[2] or (mine[2] is None and other[2] in exported):
            return 2.0
        return abs(mine[1] - other[1]) / max(mine[1], other[1], 1)

    rows, columns = len(here) + 1, len(there) + 1
    cost = [[(row + column) * _SKIPPED for column in range(columns)] for row in range(rows)]
    for row in range(1, rows):
        for column in range(1, columns):
            cost[row][column] = min(
                cost[row - 1][column - 1] + difference(here[row - 1], there[column - 1]),
                cost[row - 1][column] + _SKIPPED, cost[row][column - 1] + _SKIPPED)
    pairs, row, column = [], rows - 1, columns - 1
    while row and column:
        if cost[row][column] == cost[row - 1][column] + _SKIPPED:
            row -= 1
        elif cost[row][column] == cost[row][column - 1] + _SKIPPED:
            column -= 1
        else:
            row, column = row - 1, column - 1
            pairs.append((row, there[column][2]))
    return pairs
