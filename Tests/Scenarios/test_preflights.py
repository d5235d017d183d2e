"""OPTIONS runs no method: preflights are answered or refused, whatever they ask about; and who may read refusals."""

import socket

import pytest

from harness import h2raw
from harness.backend import ask
from harness.gateway import SERVICE, Gateway, cluster, configuration, open_route
from harness.library import NAME, Served, configuration_before, gateway_before
from harness.web import Connect, Web, post
from harness.web_backend import WebBackend

PAGE, OTHER = "https://app.acme.dev", "https://evil.org"
VERSIONS = ["http1", "http2"]
CORS = {"origins": [PAGE], "methods": ["GET", "POST", "PUT", "PATCH", "DELETE"]}
HIDDEN = ["PUT", "POST", "DELETE", "PATCH", "GET", "HEAD", "OPTIONS", "BREW", "delete", ""]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    with Served() as server, gateway_before(server.address, tmp_path_factory.mktemp("plain")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Routes with `cors`."""
    with Served() as server, gateway_before(server.address, tmp_path_factory.mktemp("shared"), cors=CORS) as gateway:
        yield gateway


def attempts(gateway):
    return gateway.metrics().sum("martlet_upstream_events_total", event="attempt")


def permissions(head):
    return {name for name in head if name.startswith("access-control-")}


PATHS = ["/v1/books/a", "/v1/shelves/1/books", f"/{NAME}/BurnBook"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("asked", HIDDEN)
@pytest.mark.parametrize("origin", [None, PAGE, OTHER, "null", ""])
def test_without_cors_no_preflight_reaches_a_method(plain, version, asked, origin):
    before = attempts(plain)
    for path in PATHS:
        head = {"access-control-request-method": asked, **({} if origin is None else {"origin": origin})}
        status, fields, _ = post(plain.address, version, path, head, b"", "OPTIONS")
        assert status in (404, 405) and not permissions(fields), path
        status, fields, _ = post(plain.address, version, path, {**head, "x-http-method-override": "DELETE", "content-type": "application/json"},
                                 b"{}", "OPTIONS")
        assert status in (404, 405) and not permissions(fields), path
    assert attempts(plain) == before


@pytest.mark.parametrize("version", VERSIONS)
def test_the_log_says_options(tmp_path, version):
    with Served() as server, gateway_before(server.address, tmp_path) as gateway:
        post(gateway.address, version, "/v1/books/a", {"origin": PAGE, "access-control-request-method": "DELETE"}, b"", "OPTIONS")
        line = gateway.wait_for_log(lambda line: line.get("path") == "/v1/books/a")
        assert line["method"] == "OPTIONS" and line["status"] == 405


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("asked", HIDDEN)
def test_with_cors_a_preflight_is_answered_and_runs_nothing(shared, version, asked):
    before = attempts(shared)
    for path in PATHS[:2]:
        for origin in (PAGE, OTHER):
            status, fields, body = post(
                shared.address, version, path, {"origin": origin, "access-control-request-method": asked}, b"", "OPTIONS")
            assert (status, body) == (204, b"") and "origin" in fields["vary"]
            assert fields.get("access-control-allow-origin") == (PAGE if origin == PAGE else None)
        # No page has sent these.
        for head in ({"access-control-request-method": asked}, {"origin": PAGE}, {}):
            status, fields, _ = post(shared.address, version, path, head, b"", "OPTIONS")
            assert status == 405 and fields["vary"] == "origin"
            assert ("access-control-allow-origin" in fields) == ("origin" in head)
    assert attempts(shared) == before


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("verb", ["TRACE", "BREW", "OPTIONS"])
def test_other_verbs_run_nothing_either(plain, version, verb):
    before = attempts(plain)
    status, fields, _ = post(plain.address, version, "/v1/books/a?_method=DELETE", {"x-http-method-override": "DELETE"}, b"", verb)
    assert status == 405 and fields["allow"] == "GET, HEAD" and attempts(plain) == before


@pytest.mark.parametrize("version", VERSIONS)
def test_a_verb_in_another_case_runs_nothing(plain, version):
    before = attempts(plain)
    assert post(plain.address, version, "/v1/books/a", {}, b"", "options")[0] == 400 and attempts(plain) == before


@pytest.mark.parametrize("version", VERSIONS)
def test_a_rule_for_any_method_is_none_for_options(tmp_path, version):
    with Served() as server:
        written = configuration_before(server.address, tmp_path)
        written["clusters"]["books"]["schema"]["rules"] = [
            {"method": f"{NAME}.BurnBook", "custom": {"method": "*", "path": "/v1/{name=burn/*}"}}]
        with Gateway(tmp_path, written) as gateway:
            assert post(gateway.address, version, "/v1/burn/a", {}, b"", "DELETE")[0] == 200
            before = attempts(gateway)
            for verb in ("OPTIONS", "TRACE"):
                for asked in ({}, {"origin": PAGE, "access-control-request-method": "DELETE"}):
                    assert post(gateway.address, version, "/v1/burn/a", asked, b"", verb)[0] == 405
            assert attempts(gateway) == before


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path, method, head, status", [
    ("/v1/books/a", "BREW", {}, 405), ("/v1/books//a", "GET", {}, 400), ("/v1/books/a%5c", "GET", {}, 400),
    ("/v1/books/a?nosuch=1", "GET", {}, 400), ("/v1/shelves/1/books", "POST", {"content-type": "text/plain"}, 415),
])
def test_refusals_say_who_may_read_them(tmp_path, version, path, method, head, status):
    with Served() as server:
        written = configuration_before(server.address, tmp_path)
        written["routes"] = [{"cluster": "books", "allow": "anyone", "cors": CORS}]
        with Gateway(tmp_path, written) as gateway:
            body = b"{}" if method == "POST" else b""
            for order in (lambda a, b: {**a, **b}, lambda a, b: {**b, **a}):
                for origin in (PAGE, OTHER, None):
                    found, fields, _ = post(gateway.address, version, path, order(head, {"origin": origin} if origin else {}), body, method)
                    assert found == status and "origin" in fields["vary"]
                    assert fields.get("access-control-allow-origin") == (PAGE if origin == PAGE else None), (origin, fields)


@pytest.mark.parametrize("version", VERSIONS)
def test_two_origins_are_none(shared, version):
    fields = [("origin", PAGE), ("origin", PAGE)]
    if version == "http2":
        with h2raw.Client(shared.address) as client:
            head = dict(client.call("/v1/books/a", None, fields=fields, method="GET").head)
    else:
        host, port = shared.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(f"GET /v1/books/a HTTP/1.1\r\nhost: x\r\norigin: {PAGE}\r\norigin: {PAGE}\r\nconnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head = dict(line.split(": ", 1) for line in answer.split(b"\r\n\r\n")[0].decode().lower().split("\r\n")[1:])
    assert head["vary"].endswith("origin") and not permissions(head)


def test_a_preflight_is_answered_where_plain_http_is_not_spoken(gateway, backend):
    running = gateway(backend, routes=[open_route(cors=CORS, protocols=["grpc-web"])])
    status, fields, _ = post(running.address, "http1", f"/{SERVICE}/Unary", {"origin": PAGE, "access-control-request-method": "POST"}, b"", "OPTIONS")
    assert status == 204 and fields["access-control-allow-origin"] == PAGE


LIES = [("access-control-allow-origin", OTHER), ("access-control-allow-credentials", "true"), ("access-control-expose-headers", "*")]


@pytest.mark.parametrize("origin", [PAGE, OTHER, None])
@pytest.mark.parametrize("protocol", [Web(False), Web(True), Connect(True), Connect(False)], ids=["web", "web-text", "connect", "connect-stream"])
@pytest.mark.parametrize("fail", [0, 7])
def test_with_cors_the_backend_has_no_say(gateway, backend, origin, protocol, fail):
    running = gateway(backend, routes=[open_route(cors={"origins": [PAGE]})])
    head, body = protocol.request([ask("x", fail_code=fail, initial=LIES, trailing=LIES).SerializeToString()])
    result = protocol.read(*post(running.address, "http2", f"/{SERVICE}/Unary", {**head, **({"origin": origin} if origin else {})}, body))
    assert result.code == fail and "origin" in result.head["vary"]
    assert result.head.get("access-control-allow-origin") == (PAGE if origin == PAGE else None)
    assert "access-control-allow-credentials" not in result.head and result.head.get("access-control-expose-headers") != "*"
    assert not permissions(result.trailers) and not any("access-control" in name for name in result.head if name.startswith("trailer-"))


@pytest.mark.parametrize("origin", [PAGE, OTHER, None])
def test_with_cors_the_backend_has_no_say_to_grpc(gateway, backend, origin):
    running = gateway(backend, routes=[open_route(cors={"origins": [PAGE]})])
    fields = [("content-type", "application/grpc"), *([("origin", origin)] if origin else [])]
    with h2raw.Client(running.address) as client:
        for fail in (0, 7):
            message = h2raw.grpc_message(ask("x", fail_code=fail, initial=LIES, trailing=LIES).SerializeToString())
            answer = client.call(f"/{SERVICE}/Unary", message, fields=fields)
            said = [*answer.head, *answer.trailers]
            assert answer.grpc_status == fail and ("vary", "origin") in said
            assert [value for name, value in said if name == "access-control-allow-origin"] == ([PAGE] if origin == PAGE else [])


def test_without_cors_the_backends_word_passes(gateway, backend):
    head, body = Web(False).request([ask("x", initial=LIES).SerializeToString()])
    result = Web(False).read(*post(gateway(backend).address, "http2", f"/{SERVICE}/Unary", {**head, "origin": PAGE}, body))
    assert result.head["access-control-allow-origin"] == OTHER and "vary" not in result.head


def test_a_web_backends_own_answers_and_preflights(gateway, own):
    rest = own(WebBackend())
    routes = [{"name": "ours", "path": "/ours/*", "cluster": "web", "allow": "anyone", "cors": {"origins": [PAGE]}},
              {"name": "theirs", "cluster": "web", "allow": "anyone"}]
    running = gateway(configuration(clusters={"web": cluster(rest, protocol="http1")}, routes=routes))
    question = {"origin": OTHER, "access-control-request-method": "PUT"}
    count = len(rest.requests)
    assert post(running.address, "http1", "/ours/a", question, b"", "OPTIONS")[0] == 204 and len(rest.requests) == count
    # Without `cors` the backend is asked.
    assert post(running.address, "http1", "/theirs/a", question, b"", "OPTIONS")[0] == 200
    assert rest.requests[-1]["method"] == "OPTIONS"


HEADERS = [
    {"name": "beta", "path": "/h", "headers": {"x-version": "2"}, "cors": {"origins": [PAGE], "headers": ["x-version"]}},
    {"name": "keyed", "path": "/h", "headers": {"x-key": {"prefix": "k-"}, "x-old": {"present": False}}, "cors": {"origins": [PAGE], "headers": ["x-key"]}},
    {"name": "typed", "path": "/t", "http_method": "PUT", "headers": {"content-type": "application/json"}, "cors": {"origins": [PAGE], "methods": ["PUT"]}},
    {"name": "proxied", "path": "/p", "headers": {"x-forwarded-proto": "http"}, "cors": {"origins": [PAGE]}},
    {"name": "rest", "path": "/h2", "headers": {"x-version": "2"}, "cors": {"origins": [PAGE]}},
    {"name": "open", "path": "/h2"},
]


@pytest.fixture(scope="module")
def by_headers(tmp_path_factory):
    with WebBackend() as web:
        routes = [{"cluster": "web", "allow": "anyone", **route} for route in HEADERS]
        settings = configuration(clusters={"web": cluster(web, protocol="http1")}, routes=routes, access_log="stdout", workers=1,
                                 trusted_proxies=["127.0.0.1/32"])
        with Gateway(tmp_path_factory.mktemp("headers"), settings) as gateway:
            yield gateway


@pytest.mark.parametrize("version", VERSIONS)
def test_a_preflight_is_matched_by_the_headers_that_it_announces(by_headers, version):
    def preflight(path, announced=None, method="GET", **more):
        head = {"origin": PAGE, "access-control-request-method": method, **({"access-control-request-headers": announced} if announced else {}), **more}
        status, fields, _ = post(by_headers.address, version, path, head, b"", "OPTIONS")
        return status, fields.get("access-control-allow-headers", "")

    def plain(path, **more):
        return post(by_headers.address, version, path, more, b"", "GET")[0]

    assert preflight("/h", "x-version")[0] == 204 and "x-version" in preflight("/h", "content-type,x-version")[1]
    assert preflight("/h", "x-key")[0] == 204 and "x-key" in preflight("/h", "x-key")[1]
    assert preflight("/h")[0] == 404 and preflight("/h", "x-other")[0] == 404, "it would be sent without"
    assert preflight("/h", "x-key, x-old")[0] == 404
    assert preflight("/t", "content-type", "PUT")[0] == 204 and preflight("/t", None, "PUT")[0] == 204
    assert preflight("/t", "content-type", "DELETE")[0] in (404, 405)
    assert preflight("/p", **{"x-forwarded-proto": "http"})[0] == 204
    assert preflight("/p", "x-forwarded-proto", **{"x-forwarded-proto": "https"})[0] == 404
    assert preflight("/h2", "x-version")[0] == 204 and preflight("/h2")[0] == 200, "what takes the request without the header answers itself"
    # What preflights came to is remembered for no other request.
    for _ in range(2):
        assert plain("/h") == 404 and plain("/h", **{"x-version": "2"}) == 200 and plain("/h", **{"x-version": "3"}) == 404
        assert plain("/p", **{"x-forwarded-proto": "https"}) == 404


@pytest.mark.parametrize("version", VERSIONS)
def test_a_preflight_of_a_rest_call_too(tmp_path, version):
    routes = [{"service": NAME, "headers": {"x-version": "2"}, "cluster": "books", "allow": "anyone", "cors": {"origins": [PAGE]}}]
    with Served() as server, Gateway(tmp_path, configuration_before(server.address, tmp_path, **routes[0])) as gateway:
        def preflight(announced):
            head = {"origin": PAGE, "access-control-request-method": "GET", "access-control-request-headers": announced}
            return post(gateway.address, version, "/v1/books/a", head, b"", "OPTIONS")[0]
        assert preflight("x-version") == 204 and preflight("x-other") == 404
        assert preflight(",x-other ,\tx-version ,") == 204 and preflight("x-other x-version") == 404
        assert post(gateway.address, version, "/v1/books/a", {"x-version": "2"}, b"", "GET")[0] == 200
        assert post(gateway.address, version, "/v1/books/a", {}, b"", "GET")[0] == 404
