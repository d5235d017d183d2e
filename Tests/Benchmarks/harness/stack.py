"""One proxy with everything around it, started for one measurement: backend, rate limit service, configuration."""

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.fixtures import Fixtures
from harness.paths import BACKEND
from harness.peer import GLOBAL_RATE_LIMIT, Job, Peer
from harness.processes import Process, free_ports

ECHO = ("echo",)
ASKED = ("asked",)  # as each request's message says
ALWAYS_OK = ("message", "0801")  # RateLimitResponse { overall_code: OK }


@dataclass(frozen=True)
class Cores:
    """Which cores the proxy has, one worker each, and which the load generator and the backend.

    With `load_first` the two have real-time priority on theirs, for which root is needed.
    """

    proxy: set
    load: set
    load_first: bool = False

    @classmethod
    def in_lock_step(cls, core: int):
        """All on one core: backend and load generator run as soon as the proxy has written something for them, and it goes
        on when they wait for it. So what falls together in one read does not depend on the moment."""
        return cls({core}, {core}, load_first=True)

    @property
    def load_priority(self) -> int:
        return 1 if self.load_first else 0

    @property
    def backend_priority(self) -> int:
        return 2 if self.load_first else 0


@dataclass(frozen=True)
class Stack:
    job: Job
    proxy: Process
    backends: list
    cores: Cores

    def cpu_seconds(self):
        return self.proxy.cpu_seconds(), sum(backend.cpu_seconds() for backend in self.backends)


@contextmanager
def running(peer: Peer, kind: str, fixtures: Fixtures, folder: Path, cores: Cores, reply=ECHO, jwt_algorithm="RS256",
            under=(), backend_address="127.0.0.1"):
    """Yields the Stack; `under` is put before the proxy's command, to run it under a tool."""
    listen_port, backend_port, rate_limit_port = free_ports(3)
    job = Job(kind, jwt_algorithm, len(cores.proxy), listen_port, backend_port, rate_limit_port, reply, fixtures, folder)
    with ExitStack() as processes:
        def start(name, command, cpus, port, environment=None, priority=cores.backend_priority):
            process = processes.enter_context(Process(command, cpus, folder / f"{name}.log", environment, folder, priority))
            process.wait_until_listening(port)
            return process

        backends = [start("backend", job.backend_command(f"{backend_address}:{backend_port}"), cores.load, backend_port)]
        if kind == GLOBAL_RATE_LIMIT:
            backends.append(start("ratelimit", [BACKEND, rate_limit_port, *ALWAYS_OK], cores.load, rate_limit_port))
        proxy = start("proxy", [*under, *peer.command(job)], cores.proxy, listen_port, peer.environment, priority=0)
        yield Stack(job, proxy, backends, cores)
