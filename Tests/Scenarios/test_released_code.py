"""Code that only starting needs: it is let go a second later, unless a debugger is attached, whose breakpoints stand in it."""

import ctypes
import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.gateway import Gateway, configuration
from harness.waiting import eventually

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17


@contextmanager
def traced(pid):
    """As by a debugger that lets it run: this thread is its tracer."""
    def ptrace(request):
        return ctypes.CDLL(None).ptrace(request, ctypes.c_long(pid), None, None)
    if ptrace(SEIZE) != 0:
        pytest.skip("no process may be traced here")
    try:
        yield
    finally:
        # Only what stands still can be let go of.
        ptrace(INTERRUPT)
        os.waitpid(pid, 0)
        assert ptrace(DETACH) == 0


def code_kib(pid):
    """What is in memory of the files that are mapped as code."""
    total, is_code = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            is_code = words[1] == "r-xp" and words[-1].startswith("/")
        elif is_code and words[0] == "Rss:":
            total += int(words[1])
    return total


def test_under_a_debugger_code_stays_where_it_is(tmp_path, backend, own):
    def start(name):
        (tmp_path / name).mkdir()
        return own(Gateway(tmp_path / name, configuration(backend))).process.pid
    pid = start("traced")
    with traced(pid):
        before = code_kib(pid)
        # One that was started later has let go of its own.
        other = start("other")
        eventually(lambda: code_kib(other) < before / 2, "less code in memory")
        assert code_kib(pid) >= before
