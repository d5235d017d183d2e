"""Counts instructions and allocations of the running proxy, with valgrind's callgrind."""

import re
import subprocess
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.peer import Peer
from harness.stack import ECHO, running

ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}
FUNCTION = re.compile(r"c?fn=\((\d+)\)(?: (.+))?")
# What a call goes through that is decided at run time: witnesses and dispatch thunks of protocols, accessors of witness tables, and
# what generic code that was not specialised asks the runtime for.
DISPATCHED = re.compile(
    r"\$s.*(TW|Tj|TWj|Wl|WL)$|swift_(getGenericMetadata|getAssociated\w+|getWitnessTable|conformsToProtocol\w*|dynamicCast\w*)$")


@dataclass(frozen=True)
class Counts:
    instructions: int
    mallocs: int
    # By function, mangled.
    dispatched: Counter

    def __sub__(self, other):
        return Counts(self.instructions - other.instructions, self.mallocs - other.mallocs, self.dispatched - other.dispatched)


def without_debug_information(binary: Path, folder: Path) -> Path:
    """A copy of the program that valgrind can read: 3.19 gives up at the DWARF 5 that Swift writes."""
    stripped = folder / "martlet-stripped"
    subprocess.run(["objcopy", "--strip-debug", binary, stripped], check=True)
    return stripped


class Callgrind:
    """A proxy under callgrind, counting from here on; what came before, its start, is not counted."""

    def __init__(self, stack):
        self.stack = stack
        self._dumps = 0
        self._tell("instrumentation", "on")

    def count(self, work) -> Counts:
        """What happened in the proxy while `work` ran."""
        self._tell("zero")
        work()
        self._tell("dump")
        self._dumps += 1
        return _read(self.stack.job.folder / f"callgrind.out.{self._dumps}")

    def _tell(self, *command):
        subprocess.run(["vgdb", f"--pid={self.stack.proxy.pid}", *command], check=True, capture_output=True, timeout=60)


@contextmanager
def under_callgrind(peer: Peer, kind, fixtures, folder, cores, warm_up, reply=ECHO):
    """Yields a Callgrind of a proxy on which `warm_up(stack)` has run."""
    tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/callgrind.out"]
    with running(peer, kind, fixtures, folder, cores, reply, under=tool) as stack:
        warm_up(stack)
        yield Callgrind(stack)


def _read(dump: Path) -> Counts:
    """Callgrind names a function where it first mentions its number: `fn=(7) malloc`; later `fn=(7)`."""
    names, calls, instructions, called = {}, Counter(), 0, None
    with dump.open() as lines:
        for line in lines:
            if function := FUNCTION.match(line):
                number, name = function.groups()
                if name:
                    names[number] = name
                if line.startswith("c"):
                    called = number
            elif line.startswith("calls="):
                calls[called] += int(line[len("calls="):].split()[0])
            elif line.startswith("totals:"):
                instructions = int(line.split()[1])
    return Counts(
        instructions, sum(count for number, count in calls.items() if names[number] in ALLOCATORS),
        Counter({names[number]: count for number, count in calls.items() if DISPATCHED.match(names[number].split("'")[0])}))
