"""What a proxy must be able to tell the harness about itself. One file in peers/ per proxy."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.fixtures import ALLOWED_PATH, JSON_PATH, Fixtures
from harness.paths import BACKEND, HTTP1_BACKEND

# What a proxy is asked to do. Each kind includes the ones before it; the upstream is always cleartext HTTP/2.
CLEARTEXT = "h2c"                      # HTTP/2 with prior knowledge
TLS = "tls"                            # TLS 1.3, ALPN h2
JWT = "jwt"                            # + verify a JWT, allow by path, local rate limit
GLOBAL_RATE_LIMIT = "global-ratelimit"  # + ask a rate limit service (Envoy's gRPC protocol) per request
# By itself: as h2c, but callers have JSON and the backend gRPC, by a descriptor set.
TRANSCODING = "json"
# By itself: HTTP/1.1 on both sides, cleartext.
HTTP1 = "http1"
# By itself: as h2c, on a route with three matches, a rewrite and four changes of headers.
ROUTED = "routed"


@dataclass(frozen=True)
class Job:
    kind: str
    jwt_algorithm: str
    workers: int
    listen_port: int
    backend_port: int
    rate_limit_port: int
    reply: tuple  # what the backend answers, as its arguments
    fixtures: Fixtures
    folder: Path  # private to this proxy; it is also the working directory of the command

    @property
    def tls(self) -> bool:
        return self.kind not in (CLEARTEXT, TRANSCODING, HTTP1, ROUTED)

    @property
    def jwt(self) -> bool:
        return self.kind in (JWT, GLOBAL_RATE_LIMIT)

    @property
    def path(self) -> str:
        return JSON_PATH if self.kind == TRANSCODING else ALLOWED_PATH

    @property
    def content_type(self) -> str:
        return "application/json" if self.kind in (TRANSCODING, HTTP1) else "application/grpc"

    def backend_command(self, address) -> list:
        return [HTTP1_BACKEND if self.kind == HTTP1 else BACKEND, address, *self.reply]

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"


class Peer:
    name: str
    kinds: tuple
    program: str  # what runs, to be found on the path
    is_floor = False  # not a gRPC gateway: shows what cannot be undercut, takes no part in the ranking
    only_unary = False  # this row is of interest only where requests are small and many
    environment: dict = {}

    @property
    def is_installed(self) -> bool:
        return shutil.which(self.program) is not None

    def version(self) -> str:
        """The program's name and number."""
        raise NotImplementedError

    def command(self, job: Job) -> list:
        """Writes the configuration into job.folder; returns the command line."""
        raise NotImplementedError


def output_of(*command) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=20)
    return (done.stdout + done.stderr).strip()


def version_of(*command) -> str:
    """The first thing like 1.2.3 that the command prints."""
    found = re.search(r"\b\d+\.\d+\.\d+\b", output_of(*command))
    return found.group() if found else "unknown"
