"""Child processes: found by what they print, ended by their own id, never left behind."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from .waiting import PATIENCE


class Process:
    """A child whose output is kept line by line. Ends when the `with` block does, or with this process."""

    def __init__(self, command, *, environment=None, folder=None, cpus=None, name=None, takes_words=False):
        self.name = name or Path(str(command[0])).name
        self.lines = []
        self._news = threading.Condition()
        self._open = 2
        # Both programs become the command, so the child's id is the command's.
        prefix = ["setpriv", "--pdeathsig", "KILL"] + (["taskset", "-c", ",".join(map(str, cpus))] if cpus else [])
        self.child = subprocess.Popen(
            prefix + [str(word) for word in command], stdin=subprocess.PIPE if takes_words else subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=folder, env={**os.environ, **(environment or {})})
        self.stdout_lines = []
        self._readers = [
            threading.Thread(target=self._read, args=(pipe, lines), daemon=True)
            for pipe, lines in ((self.child.stdout, self.stdout_lines), (self.child.stderr, None))]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self):
        return self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, grace=10.0):
        """SIGTERM, then SIGKILL; returns the exit status once everything the child said has been read."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.terminate()
            try:
                self.child.wait(grace)
            except subprocess.TimeoutExpired:
                self.child.kill()
        status = self.child.wait()
        for reader in self._readers:
            reader.join(PATIENCE)
        return status

    def kill(self):
        self.child.kill()
        return self.child.wait()

    def say(self, line):
        """To its standard input, of one that `takes_words`."""
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()

    def send(self, number):
        self.child.send_signal(number)

    def running(self):
        return self.child.poll() is None

    def exit_status(self, within=PATIENCE):
        return self.child.wait(within)

    def wait_for(self, fits, what, within=PATIENCE, start=0):
        """The first line from number `start` on that `fits`; fails with the output if the process ends before."""
        deadline = time.monotonic() + within
        position = start
        with self._news:
            while True:
                while position < len(self.lines):
                    if fits(self.lines[position]):
                        return self.lines[position]
                    position += 1
                if self._open == 0:
                    raise AssertionError(f"{self.name} ended before {what}:\n{self.output()}")
                if not self._news.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise AssertionError(f"{self.name}: no {what} within {within} s:\n{self.output()}")

    def output(self):
        return "\n".join(self.lines[-60:])

    def resident_bytes(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"{self.name} has no memory to speak of")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _read(self, pipe, lines):
        for raw in pipe:
            line = raw.decode(errors="replace").rstrip("\n")
            with self._news:
                self.lines.append(line)
                if lines is not None:
                    lines.append(line)
                self._news.notify_all()
        with self._news:
            self._open -= 1
            self._news.notify_all()


def parse_pairs(line):
    """`listening name=public address=127.0.0.1:43211` as its word and a dictionary."""
    word, *pairs = line.split()
    return word, dict(pair.split("=", 1) for pair in pairs if "=" in pair)

