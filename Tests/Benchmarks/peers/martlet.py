"""Ours: the release build of this checkout, or MARTLET_BINARY."""

import hashlib
from pathlib import Path

from harness.fixtures import ALLOWED_PREFIX, AUDIENCE, ISSUER
from harness.paths import BUILT_HERE, MARTLET, ROOT
from harness.peer import CLEARTEXT, GLOBAL_RATE_LIMIT, HTTP1, JWT, ROUTED, TLS, TRANSCODING, Peer, output_of

BASELINE = "martlet-baseline"  # another build, beside this one


class Martlet(Peer):
    name = "martlet"
    kinds = (CLEARTEXT, TLS, JWT, GLOBAL_RATE_LIMIT, TRANSCODING, HTTP1, ROUTED)
    access_log = "off"
    token_cache = "10_000"

    def __init__(self, binary: Path = MARTLET, name=None):
        self.program = str(binary.absolute())
        self.name = name or self.name

    def version(self):
        if self.program == str(BUILT_HERE):
            return "Martlet " + output_of("git", "-C", ROOT, "describe", "--always", "--dirty")
        return "Martlet with SHA-256 " + hashlib.sha256(Path(self.program).read_bytes()).hexdigest()[:12]

    def command(self, job):
        (job.folder / "martlet.yaml").write_text(self.configuration(job))
        return [self.program, "serve", "martlet.yaml"]

    def configuration(self, job) -> str:
        return f"""
workers: {job.workers}
access_log: {self.access_log}
admin: {{ address: "127.0.0.1:0" }}
listeners:
  - address: 127.0.0.1:{job.listen_port}
    limits: {{ streams: 1000, connections: 20000 }}
{_tls(job) if job.tls else ""}
{self.more_listeners(job)}
{_authentication(job, self.token_cache) if job.jwt else ""}
{_rate_limit_service(job) if job.kind == GLOBAL_RATE_LIMIT else ""}
clusters:
{self.more_clusters(job)}
  backend:
    endpoints: [{", ".join(self.endpoints(job))}]
    {"protocol: http1" if job.kind == HTTP1 else "connections: { streams: 1000 }"}
{f"    schema: {{ descriptors: [{job.fixtures.descriptors}] }}" if job.kind == TRANSCODING else ""}
routes:
{self.routes(job)}
"""

    def endpoints(self, job) -> list:
        return [f"127.0.0.1:{job.backend_port}"]

    def more_listeners(self, job) -> str:
        return ""

    def more_clusters(self, job) -> str:
        return ""

    def routes(self, job) -> str:
        if job.kind == ROUTED:
            return ROUTES_WITH_CHANGES
        return ROUTES_BY_PATH if job.jwt else "  - { cluster: backend, allow: anyone }"


class MartletLogging(Martlet):
    """Ours writing its access log, which is the default, to a file: shows what the log costs."""

    name = "martlet+log"
    kinds = (CLEARTEXT, TLS, JWT)
    access_log = "./access.log"
    only_unary = True


class MartletVerifyingEveryToken(Martlet):
    """Ours without its cache of verified tokens, beside Envoy without its own."""

    name = "martlet-cache"
    kinds = (JWT,)
    token_cache = "off"
    only_unary = True


ROUTES_BY_PATH = f"""
  - {{ path: "{ALLOWED_PREFIX}*", cluster: backend, limits: [1_000_000/s] }}
  - {{ cluster: backend, deny: anyone }}"""

ROUTES_WITH_CHANGES = f"""
  - prefix: {ALLOWED_PREFIX.rstrip("/")}
    http_method: POST
    headers: {{ content-type: {{ prefix: application/grpc }} }}
    cluster: backend
    allow: anyone
    rewrite: {{ prefix: {ALLOWED_PREFIX.rstrip("/")} }}
    request_headers: {{ set: {{ x-real-ip: "%{{client.address}}", x-mode: fixed }}, remove: [x-debug] }}
    response_headers: {{ set: {{ server: martlet }} }}"""


def _tls(job):
    return f"    tls: {{ certificate: {job.fixtures.certificate}, private_key: {job.fixtures.private_key} }}"


def _authentication(job, token_cache):
    return f"""
authentication:
  issuers:
    - {{ issuer: "{ISSUER}", audiences: [{AUDIENCE}], jwks: {job.fixtures.jwks}, forward_token: true }}
  token_cache: {token_cache}
"""


def _rate_limit_service(job):
    return f"""
rate_limits:
  store: grpc://127.0.0.1:{job.rate_limit_port}
  when_unavailable: deny
  timeout: 1s
"""
