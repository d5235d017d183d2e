"""Pages in browsers: the question whether they may call, and what they may read of the answer."""

import json

import pytest

from harness.backend import ask
from harness.gateway import SERVICE, Gateway, authentication, cluster, configuration, open_route, run
from harness.tokens import SigningKey
from harness.web import Connect, Web, post
from harness.web_backend import WebBackend

PAGE = "https://app.acme.dev"
PATH = f"/{SERVICE}/Unary"


def question(gateway, origin=PAGE, version="http2", path=PATH, **more):
    return post(gateway.address, version, path, {"origin": origin, "access-control-request-method": "POST",
                                                 "access-control-request-headers": "content-type,x-grpc-web", **more}, b"", method="OPTIONS")


@pytest.fixture
def running(gateway, backend):
    cors = {"origins": [PAGE, "https://*.acme.org", "http://localhost:3000"], "headers": ["x-tenant"], "expose": ["x-first"], "max_age": "1h",
            "credentials": True}
    return gateway(backend, routes=[open_route(cors=cors)])


@pytest.mark.parametrize("version", ["http1", "http2"])
@pytest.mark.parametrize("origin", [PAGE, "https://a.acme.org", "https://b.a.acme.org", "http://localhost:3000"])
def test_a_page_that_may_call_is_told_how(running, version, origin):
    status, head, body = question(running, origin, version)
    assert status == 204 and body == b""
    assert head["access-control-allow-origin"] == origin and "origin" in head["vary"]
    assert "POST" in head["access-control-allow-methods"] and head["access-control-max-age"] == "3600"
    allowed = head["access-control-allow-headers"].split(", ")
    assert {"content-type", "x-grpc-web", "grpc-timeout", "connect-protocol-version", "authorization", "x-tenant"} <= set(allowed)
    assert head["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("origin", ["https://app.acme.dev.evil.org", "http://app.acme.dev", "https://acme.org", "https://xacme.org", "null",
                                    "https://evil.org/.acme.org", "https://app.acme.dev:8443"])
def test_other_pages_get_no_permission(running, origin):
    status, head, _ = question(running, origin)
    assert status == 204 and not any(name.startswith("access-control-") for name in head)


@pytest.fixture(scope="module")
def loose(tmp_path_factory, backend):
    """Any port, patterns, a named null, and whatever headers pages ask for."""
    cors = {"origins": ["http://localhost:*", {"regex": r"https://pr-[0-9]+\.acme\.dev"}, {"suffix": ".acme.org"}, "null"], "headers": "*"}
    with Gateway(tmp_path_factory.mktemp("loose"), configuration(backend, routes=[open_route(cors=cors)])) as gateway:
        yield gateway


@pytest.mark.parametrize("version", ["http1", "http2"])
@pytest.mark.parametrize("origin, allowed", [
    ("http://localhost", True), ("http://localhost:5173", True), ("http://localhost:x", False), ("https://localhost:5173", False),
    ("https://pr-17.acme.dev", True), ("https://pr-17xacme.dev", False), ("https://a.acme.org", True), ("https://acme.org", False), ("null", True)])
def test_origins_by_port_expression_and_name(loose, version, origin, allowed):
    status, head, _ = question(loose, origin, version)
    assert status == 204 and head.get("access-control-allow-origin") == (origin if allowed else None)
    assert "origin" in head["vary"] and "access-control-allow-credentials" not in head


@pytest.mark.parametrize("version", ["http1", "http2"])
def test_the_headers_that_a_page_asks_for_are_allowed_but_ours(loose, version):
    asked = "content-type,x-anything, x-other ,x-forwarded-for,x_forwarded_for,x-real-ip,x-request-id,connection,te,a b,, \tx-tab\t,x\"y"
    head = question(loose, "null", version, **{"access-control-request-headers": asked})[1]
    assert head["access-control-allow-headers"] == "content-type, x-anything, x-other, a, x-tab"
    # Longer lists than any page has are not repeated.
    long = ",".join(f"x-{number:05}" for number in range(600))
    head = question(loose, "null", version, **{"access-control-request-headers": long})[1]
    assert "x-00001" not in head["access-control-allow-headers"] and "x-grpc-web" in head["access-control-allow-headers"]


@pytest.mark.parametrize("version", ["http1", "http2"])
def test_pages_of_public_networks_are_let_in_where_that_is_said(gateway, backend, version):
    running = gateway(backend, routes=[
        {"path": PATH, "cluster": "kinds", "allow": "anyone", "cors": {"origins": PAGE, "private_network": True}},
        open_route(cors={"origins": PAGE})])
    name, asks = "access-control-allow-private-network", {"access-control-request-private-network": "true"}
    assert question(running, version=version, **asks)[1][name] == "true"
    assert name not in question(running, version=version)[1], "it did not ask"
    assert name not in question(running, "https://evil.org", version, **asks)[1]
    assert name not in question(running, version=version, path=f"/{SERVICE}/Stream", **asks)[1], "another route's"


def test_no_page_of_any_origin_acts_for_its_visitors_unless_that_is_said(gateway, backend, tmp_path):
    def with_credentials(said):
        return configuration(backend, routes=[open_route(cors={"origins": "*", "credentials": said})])
    file = tmp_path / "martlet.yaml"
    file.write_text(json.dumps(with_credentials(True)))
    checked = run("check", file)
    assert checked.returncode == 1 and "credentials: any_origin" in checked.stdout
    running = gateway(with_credentials("any_origin"))
    running.process.wait_for(lambda line: "pages of any origin can act for the users" in line, "the warning")
    head = question(running, "https://evil.org")[1]
    assert head["access-control-allow-origin"] == "https://evil.org" and head["access-control-allow-credentials"] == "true"
    assert "origin" in head["vary"] and not any(name.startswith("access-control-") for name in question(running, "null")[1])


@pytest.mark.parametrize("protocol", [Web(False), Web(True), Connect(True), Connect(False)], ids=["web", "web-text", "connect", "connect-stream"])
@pytest.mark.parametrize("fail", [0, 7])
def test_answers_may_be_read_with_grpcs_fields(running, protocol, fail):
    head, body = protocol.request([ask("x", fail_code=fail, initial=[("access-control-allow-origin", "https://evil.org")]).SerializeToString()])
    result = protocol.read(*post(running.address, "http2", PATH, {**head, "origin": PAGE}, body))
    assert result.code == fail and result.head["access-control-allow-origin"] == PAGE
    exposed = result.head["access-control-expose-headers"].split(", ")
    assert {"grpc-status", "grpc-message", "grpc-status-details-bin", "x-first"} <= set(exposed)
    other = protocol.read(*post(running.address, "http2", PATH, {**head, "origin": "https://evil.org"}, body))
    assert other.head.get("access-control-allow-origin") != PAGE


def test_refusals_may_be_read_and_questions_need_no_token(gateway, backend):
    running = gateway(backend, authentication=authentication(SigningKey("ES256")),
                      routes=[{"name": "closed", "service": SERVICE, "cluster": "kinds", "cors": {"origins": ["*"]}}])
    assert question(running)[1]["access-control-allow-origin"] == PAGE
    head, body = Web(False).request([ask("x").SerializeToString()])
    result = Web(False).read(*post(running.address, "http1", PATH, {**head, "origin": PAGE}, body))
    assert result.code == 16 and result.head["access-control-allow-origin"] == PAGE


def test_without_cors_nothing_is_said(gateway, backend):
    running = gateway(backend)
    status, head, _ = question(running)
    assert status == 405 and not any(name.startswith("access-control-") for name in head)


def test_rest_answers_carry_it_too(gateway, own):
    rest = own(WebBackend())
    running = gateway(configuration(clusters={"web": cluster(rest, protocol="http1")}, routes=[
        {"name": "web", "cluster": "web", "allow": "anyone", "cors": {"origins": [PAGE]}}]))
    status, head, _ = post(running.address, "http1", "/things", {"origin": PAGE}, b"", method="GET")
    assert status == 200 and head["access-control-allow-origin"] == PAGE
    # A question that is none of a browser's goes to the backend.
    assert post(running.address, "http1", "/things", {}, b"", method="OPTIONS")[0] == 200


def test_a_question_leaves_the_next_request_as_it_is(tmp_path):
    """On one connection: the question means a method that has JSON, what follows is gRPC-Web."""
    from harness import h2raw
    from harness.library import NAME, Served, gateway_before, kinds
    from harness.web import frame, frames
    book = kinds.Book(title="t")
    with Served() as server, gateway_before(server.address, tmp_path, cors={"origins": [PAGE]}) as gateway, h2raw.Client(gateway.address) as client:
        asked = client.request(f"/{NAME}/ReplaceBook", method="OPTIONS", fields=[("origin", PAGE), ("access-control-request-method", "POST")])
        assert client.answer(asked).status == 204
        stream = client.request(f"/{NAME}/ReplaceBook", frame(book.SerializeToString()), fields=[("content-type", "application/grpc-web")])
        assert kinds.Book.FromString(frames(bytes(client.answer(stream).body))[0][1]) == book
