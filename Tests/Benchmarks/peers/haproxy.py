from harness.fixtures import ALLOWED_PREFIX, AUDIENCE, ISSUER
from harness.peer import CLEARTEXT, HTTP1, JWT, TLS, Peer, version_of


class Haproxy(Peer):
    name = "haproxy"
    kinds = (CLEARTEXT, TLS, JWT, HTTP1)
    program = "haproxy"

    def version(self):
        return "HAProxy " + version_of("haproxy", "-v")

    def command(self, job):
        protocol = "" if job.kind == HTTP1 else "proto h2"
        bind = f"ssl crt {job.fixtures.certificate_and_key} alpn h2" if job.tls else protocol
        return write_configuration(job, f"""
  mode http
  http-reuse always
frontend ingress
  bind 127.0.0.1:{job.listen_port} {bind}
  {self._rules(job) if job.jwt else ""}
  default_backend upstream
backend upstream
  server backend 127.0.0.1:{job.backend_port} {protocol}
backend rate_by_client
  stick-table type ip size 100k expire 10s store http_req_rate(1s)
""")

    def _rules(self, job):
        key = job.fixtures.jwt_public_keys[job.jwt_algorithm]
        return f"""
  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.algorithm) var(txn.token),jwt_header_query('$.alg')
  http-request set-var(txn.issuer) var(txn.token),jwt_payload_query('$.iss')
  http-request set-var(txn.audience) var(txn.token),jwt_payload_query('$.aud')
  http-request set-var(txn.expires) var(txn.token),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request return status 401 if !{{ var(txn.algorithm) -m str {job.jwt_algorithm} }}
  http-request return status 401 if !{{ var(txn.token),jwt_verify(txn.algorithm,"{key}") -m int 1 }}
  http-request return status 401 if !{{ var(txn.issuer) -m str {ISSUER} }} || !{{ var(txn.audience) -m str {AUDIENCE} }}
  http-request return status 401 if {{ var(txn.expires),sub(txn.now) -m int lt 0 }}
  http-request return status 403 if !{{ path_beg {ALLOWED_PREFIX} }}
  http-request track-sc0 src table rate_by_client
  http-request return status 429 if {{ sc_http_req_rate(0) gt 100000000 }}
"""


class HaproxyTcp(Haproxy):
    """Moves bytes without looking at them (with TLS: after decrypting them)."""

    name = "haproxy-tcp"
    kinds = (CLEARTEXT, TLS)
    is_floor = True

    def command(self, job):
        bind = f"ssl crt {job.fixtures.certificate_and_key} alpn h2" if job.tls else ""
        return write_configuration(job, f"""
  mode tcp
listen ingress
  bind 127.0.0.1:{job.listen_port} {bind}
  server backend 127.0.0.1:{job.backend_port}
""")


def write_configuration(job, proxies):
    # tune.bufsize stays at its default: with 16512 or more, large messages cost half the CPU, but now and then
    # this haproxy kills an upstream connection (GOAWAY INTERNAL_ERROR) with the calls on it.
    (job.folder / "haproxy.cfg").write_text(f"""
global
  nbthread {job.workers}
  maxconn 15000
  no strict-limits
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout http-request 600s
  timeout http-keep-alive 600s
{proxies.lstrip(chr(10))}""")
    return ["haproxy", "-db", "-f", "haproxy.cfg"]
