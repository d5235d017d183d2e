"""What routes change on the way (headers, paths, authorities), and what they answer themselves (redirects, fixed answers)."""

import pytest

from harness import h2raw
from harness.backend import ask
from harness.gateway import SERVICE, Gateway, cluster, configuration, open_route
from harness.web import Connect, Web, post
from harness.waiting import eventually
from harness.web_backend import WebBackend

VERSIONS = ["http1", "http2"]
PAGE = "https://app.acme.dev"
CHANGES = {
    "set": {"x-real-ip": "%{client.address}", "x-id": "%{request.id}", "x-mode": "fixed 100%%", "user-agent": "%{request.header.user-agent}+m"},
    "add": {"x-many": "2", "x-none": "%{request.header.x-absent}", "x-or": "%{request.query.q|nothing}", "x-route": "%{route}-%{cluster}"},
    "remove": ["x-debug"],
}
ROUTES = [
    {"name": "changed", "path": "/changed", "request_headers": CHANGES,
     "response_headers": {"set": {"server": "ours", "x-of": "%{request.method} %{response.status} %{response.header.content-length}"},
                          "add": {"x-more": "%{endpoint}"}, "remove": ["x-request-id", "date"]}},
    {"name": "stripped", "prefix": "/api", "rewrite": {"prefix": "/"}},
    {"name": "moved", "prefix": "/old", "rewrite": {"prefix": "/new"}},
    {"name": "fixed", "path": "/fixed", "rewrite": {"path": "/elsewhere", "authority": "inner.acme.dev:81"}},
    {"name": "user", "path": {"regex": "^/u/([^/]+)/(.*)$"}, "rewrite": {"path": "/users/$2/$1", "authority": "endpoint"}},
    {"name": "several", "prefix": ["/s1", "/s2/x"], "rewrite": {"prefix": "/s"}},
    {"name": "expressions", "path": [{"regex": "/e/([^/]+)"}, {"regex": "/f/(.*)/x"}], "rewrite": {"path": "/g/$1"}},
    {"name": "plain"},
]
OWN = [
    {"name": "hello", "path": "/hello", "respond": {"body": "hi\n"}, "response_headers": {"set": {"x-own": "%{response.status}"}}},
    {"name": "gone", "path": "/gone", "respond": {"status": 410, "body": "{}", "content_type": "application/json"}},
    {"name": "empty", "path": "/empty", "respond": {"status": 204}},
    {"name": "secure", "path": "/secure", "redirect": {"scheme": "https", "code": 308}},
    {"name": "host", "path": "/host", "redirect": {"authority": "www.acme.dev"}, "cors": {"origins": [PAGE]}},
    {"name": "below", "prefix": "/was", "redirect": {"prefix": "/is", "code": 302}},
    {"name": "whole", "path": "/whole", "redirect": {"path": "/to/%{request.query.a}"}},
    {"name": "moved-below", "path": "/deep/*", "redirect": {"path": "/new%{request.path}"}},
    {"name": "groups", "path": {"regex": "^/by/([^/]+)/(.*)$"}, "redirect": {"path": "/$2/of/$1"}},
    {"name": "closed", "path": "/closed", "respond": {"body": "secret"}, "allow": {"address": ["10.0.0.0/8"]}},
]


@pytest.fixture(scope="module")
def web():
    with WebBackend() as backend:
        yield backend


@pytest.fixture(scope="module")
def running(tmp_path_factory, web):
    routes = [{"allow": "anyone", **route} for route in OWN] + [{"allow": "anyone", "cluster": "web", **route} for route in ROUTES]
    with Gateway(tmp_path_factory.mktemp("answers"), configuration(clusters={"web": cluster(web, protocol="http1")}, routes=routes)) as gateway:
        yield gateway


@pytest.fixture(params=VERSIONS)
def go(request, running):
    return lambda path, headers={}, method="GET": post(running.address, request.param, path, headers, b"", method)


def fields(web, name):
    return [value for key, value in web.requests[-1]["fields"] if key.lower() == name]


def test_request_headers(go, web):
    status, head, _ = go("/changed?q=a%0db", {"x-debug": "1", "x-many": "1", "user-agent": "probe", "x-id": "mine", "x-real-ip": "9.9.9.9"})
    assert status == 200 and fields(web, "x-real-ip") == ["127.0.0.1"]
    assert fields(web, "x-id") == fields(web, "x-request-id") and fields(web, "x-mode") == ["fixed 100%"]
    assert fields(web, "user-agent") == ["probe+m"] and fields(web, "x-many") == ["1", "2"] and not fields(web, "x-debug")
    assert not fields(web, "x-none") and fields(web, "x-or") == ["a%0Db"] and fields(web, "x-route") == ["changed-web"]
    go("/changed")
    assert fields(web, "x-or") == ["nothing"] and not fields(web, "user-agent"), "a variable without a value sends no field"


def test_response_headers(go, web):
    status, head, body = go("/changed")
    assert head["server"] == "ours" and head["x-of"] == f"GET 200 {len(body)}" and head["x-more"] == web.address


def test_what_the_gateway_sets_is_not_the_callers_to_say(go, web):
    go("/changed", {"x_real_ip": "9.9.9.9", "x.debug": "1", "x_debug": "2"})
    names = [name.lower() for name, _ in web.requests[-1]["fields"]]
    assert not {"x_real_ip", "x.debug", "x_debug"} & set(names)


def test_paths_are_rewritten(go, web):
    for asked, got in [("/api/a?x=1", "/a?x=1"), ("/api", "/"), ("/api/", "/"), ("/old", "/new"), ("/old/a/b", "/new/a/b"),
                       ("/s1/a", "/s/a"), ("/s2/x", "/s"), ("/s2/x/b?c", "/s/b?c"), ("/s2/y", "/s2/y"), ("/e/a", "/g/a"), ("/f/b/c/x", "/g/b/c"),
                       ("/fixed?y", "/elsewhere?y"), ("/u/7/a/b", "/users/a/b/7"), ("/other", "/other")]:
        assert go(asked)[0] == 200 and web.requests[-1]["path"] == got, asked
    go("/fixed")
    assert fields(web, "host") == ["inner.acme.dev:81"]
    go("/u/7/x")
    assert fields(web, "host") == [web.address]


def test_what_a_rewrite_would_make_ambiguous_is_refused(go, web):
    count = len(web.requests)
    assert go("/u/7/")[0] == 400 and len(web.requests) == count, "it would have been /users//7"


def test_fixed_answers(go):
    status, head, body = go("/hello")
    assert (status, body, head["content-length"], head["content-type"]) == (200, b"hi\n", "3", "text/plain; charset=utf-8")
    assert head["x-own"] == "200" and "x-request-id" in head
    status, head, body = go("/hello", method="HEAD")
    assert (status, body, head["content-length"]) == (200, b"", "3")
    assert go("/hello", method="DELETE")[0] == 200
    status, head, body = go("/gone")
    assert (status, body, head["content-type"]) == (410, b"{}", "application/json")
    status, head, body = go("/empty")
    assert status == 204 and body == b"" and "content-length" not in head


def test_redirects(request, go, running):
    version = request.node.callspec.params["go"]
    host = running.address if version == "http1" else "localhost"
    status, head, body = go("/secure?a=%20b")
    assert (status, head["location"], body) == (308, f"https://{host.split(':')[0]}/secure?a=%20b", b"")
    assert go("/host/x")[0] == 200, "the next route's"
    status, head, _ = go("/host", {"origin": PAGE})
    assert (status, head["location"], head["access-control-allow-origin"]) == (301, "http://www.acme.dev/host", PAGE)
    assert go("/was/a")[1]["location"] == f"http://{host}/is/a" and go("/was")[1]["location"] == f"http://{host}/is"
    assert go("/deep/a/b%20c?d=1")[1]["location"] == f"http://{host}/new/deep/a/b%20c?d=1", "a path keeps its slashes and escapes"
    assert go("/by/me/a/b%20c?d=1")[1]["location"] == f"http://{host}/a/b%20c/of/me?d=1"
    assert go("/by/me/")[0] == 400, "it would have been //of/me"
    assert go("/whole?a=..")[0] == 400 and go("/whole?%61=%2e%2E")[0] == 400 and go("/whole")[0] == 400
    assert go("/whole?a=../x%0a")[1]["location"] == f"http://{host}/to/..%2Fx%0A?a=../x%0a"
    assert go("/whole?b=1&%61=x+y%25&a=2")[1]["location"] == f"http://{host}/to/x%20y%25?b=1&%61=x+y%25&a=2"


@pytest.mark.parametrize("path", ["/hello", "/secure"])
def test_rpcs_are_refused_in_their_own_protocol(running, path):
    with h2raw.Client(running.address) as client:
        answer = client.call(path, h2raw.grpc_message(b""), fields=[("content-type", "application/grpc")])
        assert answer.grpc_status == 12


def test_who_may_not_call_gets_no_answer(go):
    status, _, body = go("/closed")
    assert status == 403 and b"secret" not in body


@pytest.mark.parametrize("protocol", [None, Web(False), Connect(True)], ids=["grpc", "web", "connect"])
def test_rpcs_below_a_prefix(gateway, backend, protocol):
    """An RPC is what is left of the path: metrics and limits go by it, and the backend gets it."""
    running = gateway(configuration(backend, routes=[
        {"name": "edge", "prefix": "/edge/v1", "cluster": "kinds", "allow": "anyone", "rewrite": {"prefix": "/"},
         "request_headers": {"set": {"x-rpc": "%{rpc.service}/%{rpc.method}"}}, "response_headers": {"set": {"x-edge": "%{rpc.method}"}}}]))
    message = ask("x").SerializeToString()
    if protocol is None:
        with h2raw.Client(running.address) as client:
            answer = client.call(f"/edge/v1/{SERVICE}/Unary", h2raw.grpc_message(message), fields=[("content-type", "application/grpc")])
            assert answer.grpc_status == 0 and dict(answer.head)["x-edge"] == "Unary"
            assert client.call(f"/edge/v2/{SERVICE}/Unary", h2raw.grpc_message(message), fields=[("content-type", "application/grpc")]).grpc_status == 12
    else:
        head, body = protocol.request([message])
        result = protocol.read(*post(running.address, "http2", f"/edge/v1/{SERVICE}/Unary", head, body))
        assert result.code == 0 and result.head["x-edge"] == "Unary"
    assert running.metrics().sum("martlet_requests_total", route="edge", method=f"{SERVICE}/Unary") == 1


@pytest.mark.parametrize("wanted", ["caller", "endpoint", "orders.internal:81"])
@pytest.mark.parametrize("protocol", [None, Web(False), Connect(True)], ids=["grpc", "web", "connect"])
def test_the_authority_over_http2(gateway, own, protocol, wanted):
    """An endpoint's own name is that of the configuration, and not the address that it resolves to."""
    seen = []

    def script(peer, _):
        def answer(stream, fields):
            seen.append(dict(fields))
            peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "12")], end=True)
        peer.serve(answer)
    named = own(h2raw.Server(script)).address.replace("127.0.0.1", "localhost")
    running = gateway(configuration(named, routes=[{**open_route(), "rewrite": {"authority": wanted}}]))
    if protocol is None:
        with h2raw.Client(running.address) as client:
            client.call(f"/{SERVICE}/Unary", authority="shop.acme.dev")
    else:
        head, body = protocol.request([b""], unary=True)
        post(running.address, "http2", f"/{SERVICE}/Unary", {**head, "host": "shop.acme.dev"}, body)
    assert seen[-1][":authority"] == {"caller": "shop.acme.dev", "endpoint": named}.get(wanted, wanted) and "host" not in seen[-1]


@pytest.mark.parametrize("protocol", [None, Web(False), Connect(True)], ids=["grpc", "web", "connect"])
def test_trailers_and_values_of_what_is_removed(gateway, backend, protocol):
    running = gateway(configuration(backend, routes=[{
        **open_route(), "request_headers": {"set": {"x-team": "ok"}, "remove": ["x-seen"]},
        "response_headers": {"set": {"x-kept": "%{response.header.x-up}", "x-back": "%{request.header.x-seen}"}, "remove": ["x-up"]}}]))
    message = ask("x", initial=[("x-up", "head")], trailing=[("x-up", "end"), ("x-other", "1")]).SerializeToString()
    if protocol is None:
        with h2raw.Client(running.address) as client:
            answer = client.call(f"/{SERVICE}/Unary", h2raw.grpc_message(message), fields=[("content-type", "application/grpc"), ("x-seen", "1")])
            head, trailers, code = dict(answer.head), dict(answer.trailers), answer.grpc_status
    else:
        asked, body = protocol.request([message])
        result = protocol.read(*post(running.address, "http2", f"/{SERVICE}/Unary", {**asked, "x-seen": "1"}, body))
        head, trailers, code = result.head, result.trailers, result.code
    assert code == 0 and head["x-kept"] == "head" and head["x-back"] == "1" and "x-up" not in head
    assert trailers["x-other"] == "1" and not {"x-up", "te"} & set(trailers)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_mirror_gets_what_the_cluster_gets(gateway, own, method):
    web, other = own(WebBackend()), own(WebBackend())
    running = gateway(configuration(
        clusters={"web": cluster(web, protocol="http1"), "copy": cluster(other, protocol="http1")},
        routes=[{"prefix": "/api", "cluster": "web", "allow": "anyone", "mirror": {"cluster": "copy"},
                 "rewrite": {"prefix": "/", "authority": "inner.dev"}, "request_headers": {"set": {"x-a": "1"}, "remove": ["x-secret"]}}]))
    assert post(running.address, "http1", "/api/v1?x=1", {"x-secret": "q"}, b"" if method == "GET" else b"body", method)[0] == 200
    eventually(lambda: other.requests)
    for seen in (web.requests[-1], other.requests[-1]):
        sent = {name.lower(): value for name, value in seen["fields"]}
        assert seen["path"] == "/v1?x=1" and sent["x-a"] == "1" and "x-secret" not in sent and sent["host"].startswith("inner.dev")


def test_without_clusters(gateway):
    """Also where a caller takes its answer so slowly that its time is up."""
    running = gateway({"admin": {"address": "127.0.0.1:0"}, "listeners": [{"address": "127.0.0.1:0"}], "access_log": "stdout", "routes": [
        {"path": "/large", "allow": "anyone", "respond": {"body": "x" * 60_000}}, {"allow": "anyone", "redirect": {"authority": "www.acme.dev"}}]})
    with h2raw.Client(running.address, settings={h2raw.h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 10}) as client:
        stream = client.request("/large", method="GET", fields=[("content-type", "text/plain"), ("grpc-timeout", "300m")])
        running.wait_for_log(lambda line: line["path"] == "/large")
    for version in VERSIONS:
        assert post(running.address, version, "/x", {}, b"", "GET")[0] == 301
        assert post(running.address, version, "/x", {"content-type": "application/grpc"}, b"")[0] in (200, 505)
