"""Counts the system calls of the running proxy, with strace."""

import signal
import subprocess
import time
from pathlib import Path

from harness.tally import Tally

DETACHED_SECONDS = 10


def count_system_calls(pid: int, folder: Path, work) -> Tally:
    """Those of all threads of the process while `work` ran, by name."""
    summary, log = folder / "strace.txt", folder / "strace.log"
    with log.open("w") as output:
        tracer = subprocess.Popen(["strace", "-f", "-c", "-U", "name,calls", "-o", summary, "-p", str(pid)], stderr=output)
    try:
        _wait_until_attached(tracer, log)
        work()
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(DETACHED_SECONDS)
    rows = [line.split() for line in summary.read_text().splitlines()]
    if not rows or rows[-1][0] != "total":
        raise RuntimeError(f"strace wrote no total: {summary.read_text()[-500:]}")
    return Tally({row[0]: int(row[1]) for row in rows[:-1] if row[1:] and row[1].isdigit()})


def _wait_until_attached(tracer, log):
    deadline = time.monotonic() + DETACHED_SECONDS
    while "attached" not in log.read_text():
        if tracer.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"strace could not attach: {log.read_text()[-500:]}")
        time.sleep(0.02)
