"""Reads what callgrind has dumped."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from harness.tally import Tally

_NAME = re.compile(r"\((\d+)\)(?: (.+))?")
_COST = re.compile(r"([+-]?\d+|0x[0-9a-f]+|\*) ")


@dataclass
class Dump:
    """Instructions by themselves, without those of the functions that were called."""

    instructions: int = 0
    # By file of the program or library.
    by_object: Tally = field(default_factory=Tally)
    # By file and by offset in it, where callgrind ran with --dump-instr=yes.
    by_address: Tally = field(default_factory=Tally)
    # By function: how often it was called.
    calls: Tally = field(default_factory=Tally)


def read_dump(path: Path, with_addresses=False) -> Dump:
    """Callgrind names files and functions where it first mentions their number: `fn=(7) malloc`; later `fn=(7)`."""
    dump, objects, functions = Dump(), {}, {}
    current = called = None
    address, is_inclusive = 0, False
    with path.open() as lines:
        for line in lines:
            if cost := _COST.match(line):
                address = _moved(address, cost[1])
                # The line behind `calls=` has what the called function cost.
                if is_inclusive:
                    is_inclusive = False
                    continue
                count = int(line.rsplit(" ", 1)[1])
                dump.by_object[current] += count
                if with_addresses:
                    dump.by_address[current, address] += count
            elif line.startswith("calls="):
                dump.calls[called] += int(line[len("calls="):].split()[0])
                is_inclusive = True
            elif line.startswith("ob="):
                current = _named(objects, line[3:])
            elif line.startswith("cob="):
                _named(objects, line[4:])
            elif line.startswith("fn="):
                _named(functions, line[3:])
            elif line.startswith("cfn="):
                called = _named(functions, line[4:])
            elif line.startswith("totals:"):
                dump.instructions = int(line.split()[1])
    return dump


def _named(names: dict, text: str) -> str:
    number, name = _NAME.match(text.rstrip("\n")).groups()
    if name:
        names[number] = name
    return names[number]


def _moved(address: int, text: str) -> int:
    """Addresses are written in full or relative to the one before."""
    if text == "*":
        return address
    return address + int(text) if text[0] in "+-" else int(text, 0)
