"""A real Envoy asks `martlet ratelimit` through its ratelimit filter."""

import contextlib
import json
import urllib.error
import urllib.request

import pytest

from harness import peers

pytestmark = pytest.mark.peers

RULES = {"domain": "edge", "descriptors": [
    {"key": "user", "rate_limit": {"unit": "day", "requests_per_unit": 3, "name": "per-user"}},
    {"key": "path", "value": "/trial*", "shadow_mode": True, "rate_limit": {"unit": "day", "requests_per_unit": 1}},
    {"key": "path", "rate_limit": {"unlimited": True}},
]}
ENVOY = """
static_resources:
  listeners:
    - name: edge
      address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: edge
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{ match: { prefix: / }, route: { cluster: backend } }]
                      rate_limits:
                        - actions: [{ request_headers: { header_name: x-user, descriptor_key: user } }]
                        - actions: [{ request_headers: { header_name: ":path", descriptor_key: path } }]
                http_filters:
                  - name: envoy.filters.http.ratelimit
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
                      domain: edge
                      failure_mode_deny: true
                      timeout: 5s
                      enable_x_ratelimit_headers: DRAFT_VERSION_03
                      rate_limit_service:
                        transport_api_version: V3
                        grpc_service: { envoy_grpc: { cluster_name: limits }, timeout: 5s }
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
    - name: backend
      address: { pipe: { path: "SOCKET" } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: backend
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{ match: { prefix: / }, direct_response: { status: 200, body: { inline_string: served } } }]
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
    - name: backend
      type: STATIC
      load_assignment:
        cluster_name: backend
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: "SOCKET" } } } }] }]
    - name: limits
      type: STATIC
      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: { http2_protocol_options: {} }
      load_assignment:
        cluster_name: limits
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: PORT } } } }] }]
"""


@pytest.fixture
def envoy(martlet, tmp_path):
    if not peers.envoy_program():
        pytest.skip("envoy is not installed")
    file = tmp_path / "limits.yaml"
    file.write_text(json.dumps({
        "listeners": [{"name": "rls", "address": "127.0.0.1:0"}], "admin": {"address": "127.0.0.1:0"}, "domains": [RULES],
        "response_headers": {"limit": "x-own-limit", "remaining": "x-own-left", "reset": "x-own-reset"}}))
    service = martlet("ratelimit", file)
    with contextlib.ExitStack() as stack:
        port = service.address.rpartition(":")[2]
        text = ENVOY.replace("PORT", port).replace("SOCKET", str(tmp_path / "backend"))
        address = peers.envoy(tmp_path, text, {"edge", "backend"}, stack.enter_context)["edge"]

        def call(path="/", user=None):
            request = urllib.request.Request(f"http://{address}{path}", headers={"x-user": user} if user else {})
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return answer.status, answer.headers
            except urllib.error.HTTPError as error:
                return error.code, error.headers
        yield call


def test_requests_within_and_over_the_limit(envoy):
    assert [envoy(user="a")[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    assert envoy(user="b")[0] == 200
    assert [envoy()[0] for _ in range(5)] == [200] * 5, "no descriptor has a limit that counts"
    assert [envoy("/trial/1")[0] for _ in range(3)] == [200] * 3, "in shadow"


def test_headers_tell_of_limits(envoy):
    status, headers = envoy(user="a")
    assert status == 200
    assert headers["x-ratelimit-limit"] == '3, 3;w=86400;name="per-user"'
    assert headers["x-ratelimit-remaining"] == "2" and 0 < int(headers["x-ratelimit-reset"]) <= 86_400
    assert (headers["x-own-limit"], headers["x-own-left"]) == ("3", "2") and 0 < int(headers["x-own-reset"]) <= 86_400
    for _ in range(3):
        status, headers = envoy(user="a")
    assert status == 429 and headers["x-envoy-ratelimited"] == "true"
    assert headers["x-ratelimit-remaining"] == "0" and headers["x-own-left"] == "0"
