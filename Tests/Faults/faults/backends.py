"""Backends as the run breaks them and brings them back."""

import signal
import sys

from harness.processes import Process, parse_pairs

from .settings import SERVICE_MS


class Backend:
    """One address; the process behind it may be killed and another take its place."""

    def __init__(self, name, spares=0):
        self.name, self.address = name, "127.0.0.1:0"
        self._ready = [self._prepare() for _ in range(1 + spares)]
        self.process = None
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in [self.process, *self._ready]:
            process.stop(grace=1)

    def _prepare(self):
        command = [sys.executable, "-m", "faults.backend_server", "--name", self.name, "--service-ms", SERVICE_MS]
        process = Process(command, name=f"backend {self.name}", takes_words=True)
        process.wait_for(lambda line: line == "imported", "imported")
        return process

    def start(self):
        self.process = self._ready.pop(0)
        self.process.say(f"listen {self.address}")
        line = self.process.wait_for(lambda line: line.startswith("listening "), "address")
        self.address = parse_pairs(line)[1]["address"]

    # What goes wrong, and how it is mended.

    def kill(self):
        self.process.kill()

    def freeze(self):
        self.process.send(signal.SIGSTOP)

    def thaw(self):
        self.process.send(signal.SIGCONT)

    def say(self, word):
        self.process.say(word)
