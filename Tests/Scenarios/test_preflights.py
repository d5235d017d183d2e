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
@pytest.mark.parametrize("verb", ["TRACE", "BREW", "options", "OPTIONS"])
def test_other_verbs_run_nothing_either(plain, version, verb):
    before = attempts(plain)
    status, fields, _ = post(plain.address, version, "/v1/books/a?_method=DELETE", {"x-http-method-override": "DELETE"}, b"", verb)
    assert status == 405 and fields["allow"] == "GET, HEAD" and attempts(plain) == before


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
