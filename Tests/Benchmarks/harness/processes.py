"""Starting pinned processes, and the CPU time and memory they and their children use."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def pin(cpus, priority=0):
    """This process to these CPUs; with a priority, it runs there before all that has none or a lower one."""
    os.sched_setaffinity(0, cpus)
    if priority:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))


class Process:
    """A child pinned to the given CPUs; ends with the `with` block, or when the harness dies."""

    def __init__(self, command, cpus, log: Path, environment=None, folder=None, priority=0):
        self.log = log
        with open(log, "ab") as output:
            self._child = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder,
                env={**os.environ, **(environment or {})},
                preexec_fn=lambda: (pin(cpus, priority), _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)))

    @property
    def pid(self) -> int:
        return self._child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.terminate()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            for pid in self._tree():
                _signal(pid, signal.SIGKILL)
            self._child.wait()

    def wait_until_listening(self, port: int, timeout=60):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"not listening on {port}: {self.log.read_text(errors='replace')[-2000:]}")

    def cpu_seconds(self) -> float:
        """Time on a CPU, user and system, of all threads (what utime+stime show, at ns resolution)."""
        total = 0
        for pid in self._tree():
            for task in Path(f"/proc/{pid}/task").iterdir():
                try:
                    total += int((task / "schedstat").read_text().split()[0])
                except (FileNotFoundError, ProcessLookupError):
                    pass
        return total / 1e9

    def kernel_seconds(self) -> float:
        """What the kernel took of that, in clock ticks (hundredths of a second)."""
        ticks = 0
        for pid in self._tree():
            try:
                ticks += int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[12])
            except (FileNotFoundError, ProcessLookupError):
                pass
        return ticks / os.sysconf("SC_CLK_TCK")

    def thread_cpu_seconds(self) -> dict:
        """The same of each thread of the process itself, by name."""
        found = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            found[(task / "comm").read_text().strip()] = int((task / "schedstat").read_text().split()[0]) / 1e9
        return found

    def resident_bytes(self) -> int:
        return sum(_status_kib(pid, "VmRSS") for pid in self._tree()) * 1024

    def proportional_bytes(self) -> int:
        """PSS: resident memory with pages shared between the processes counted once."""
        return sum(_pss_kib(pid) for pid in self._tree()) * 1024

    def peak_resident_bytes(self) -> int:
        return sum(_status_kib(pid, "VmHWM") for pid in self._tree()) * 1024

    def _tree(self):
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    parent = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
                    children.setdefault(parent, []).append(int(entry))
                except (FileNotFoundError, ProcessLookupError):
                    pass
        tree, waiting = [], [self._child.pid]
        while waiting:
            pid = waiting.pop()
            tree.append(pid)
            waiting += children.get(pid, [])
        return tree


class CoreWatch:
    """How busy the proxy's cores were, and how much of that was not the proxy: a measure of noise."""

    def __init__(self, cpus):
        self._cpus = cpus
        self._time = time.monotonic()
        self._busy, self._stolen = _core_seconds(cpus)

    def since(self):
        wall = (time.monotonic() - self._time) * len(self._cpus)
        busy, stolen = _core_seconds(self._cpus)
        return wall, busy - self._busy, stolen - self._stolen


def wait_until_quiet(cpus, patience: float):
    """Waits, but not longer than `patience` seconds, for a moment in which the cores are almost idle."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        cores = CoreWatch(cpus)
        time.sleep(0.3)
        wall, busy, _ = cores.since()
        if busy < 0.1 * wall:
            return


def free_ports(count: int) -> list:
    """Free ports below the ephemeral range, so that no outgoing connection can take them first."""
    ports = []
    with ExitStack() as probes:
        while len(ports) < count:
            probe = probes.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", random.randrange(23000, 32000)))
                ports.append(probe.getsockname()[1])
            except OSError:
                pass
    return ports


def _core_seconds(cpus):
    busy = stolen = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, _, numbers = line.partition(" ")
        if name in {f"cpu{cpu}" for cpu in cpus}:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, numbers.split()[:8])
            busy += user + nice + system + irq + softirq
            stolen += steal
    tick = os.sysconf("SC_CLK_TCK")
    return busy / tick, stolen / tick


def _status_kib(pid, field):
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def _pss_kib(pid):
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
