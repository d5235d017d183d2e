"""Counts instructions and allocations of the running proxy, with valgrind's callgrind."""

import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.callgrind_dump import Dump, read_dump
from harness.peer import Peer
from harness.stack import ECHO, running
from harness.tally import Tally

ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}
# What a call goes through that is decided at run time: witnesses and dispatch thunks of protocols, accessors of witness tables, and
# what generic code that was not specialised asks the runtime for.
DISPATCHED = re.compile(
    r"\$s.*(TW|Tj|TWj|Wl|WL)$|swift_(getGenericMetadata|getAssociated\w+|getWitnessTable|conformsToProtocol\w*|dynamicCast\w*)$")


@dataclass(frozen=True)
class Counts:
    instructions: int
    # By file of the program or library.
    by_object: Tally
    mallocs: int
    # By function, mangled.
    dispatched: Tally

    def __sub__(self, other):
        return Counts(self.instructions - other.instructions, self.by_object - other.by_object, self.mallocs - other.mallocs,
                      self.dispatched - other.dispatched)


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
        return _counts(read_dump(self.dump(work)))

    def dump(self, work) -> Path:
        """The same, as the file that callgrind writes."""
        self._tell("zero")
        work()
        self._tell("dump")
        self._dumps += 1
        return self.stack.job.folder / f"callgrind.out.{self._dumps}"

    def _tell(self, *command):
        subprocess.run(["vgdb", f"--pid={self.stack.proxy.pid}", *command], check=True, capture_output=True, timeout=60)


@contextmanager
def under_callgrind(peer: Peer, kind, fixtures, folder, cores, warm_up, reply=ECHO, options=()):
    """Yields a Callgrind of a proxy on which `warm_up(stack)` has run."""
    tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/callgrind.out", *options]
    with running(peer, kind, fixtures, folder, cores, reply, under=tool) as stack:
        warm_up(stack)
        yield Callgrind(stack)


def _counts(dump: Dump) -> Counts:
    return Counts(
        dump.instructions, dump.by_object, sum(dump.calls[name] for name in ALLOCATORS),
        Tally({name: count for name, count in dump.calls.items() if DISPATCHED.match(name.split("'")[0])}))
