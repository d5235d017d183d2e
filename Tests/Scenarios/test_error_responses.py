"""What callers of plain HTTP get for the gateway's own errors: `error_response` of a route."""

import json

import pytest

from harness import h2raw, probe
from harness.gateway import SERVICE, Gateway, authentication, cluster, configuration, run
from harness.stub_backend import StubBackend
from harness.tokens import SigningKey
from harness.web_backend import WebBackend

TEXT = {"body": "sorry: %{response.status} %{request.path}%{request.header.x-none} %{request.header.x-none|none} 100%%"}
BY_STATUS = [
    {"status": [502, 503], "content_type": "text/html", "body": "<p>Back soon.</p>"},
    {"status": 401, "content_type": "application/json", "body": '{"error":"login","id":"%{request.id}"}'},
]
ROUTES = [
    {"prefix": "/text", "cluster": "down", "error_response": TEXT},
    {"prefix": "/closed", "cluster": "web", "error_response": BY_STATUS, "allow": "authenticated"},
    {"prefix": "/status", "cluster": "web", "error_response": BY_STATUS},
    {"prefix": "/limited", "cluster": "web", "error_response": {"body": "slow down"}, "limits": ["1/day"]},
    {"path": "/get", "http_method": "GET", "cluster": "down", "error_response": TEXT},
    {"prefix": f"/{SERVICE}", "cluster": "grpc", "deny": "anyone", "error_response": TEXT},
    {"prefix": "/plain", "cluster": "down"},
]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with StubBackend("web") as web:
        clusters = {"web": cluster(web, protocol="http1"), "down": {"endpoints": ["127.0.0.1:1"], "protocol": "http1"},
                    "grpc": cluster(web)}
        settings = configuration(clusters=clusters, routes=[{"allow": "anyone", **route} for route in ROUTES], workers=1,
                                 authentication=authentication(SigningKey("ES256")))
        with Gateway(tmp_path_factory.mktemp("errors"), settings) as gateway:
            yield gateway


@pytest.fixture(params=probe.PLAIN)
def ask(request, running):
    return lambda method, path, **more: probe.send(running.address, method, path, protocol=request.param, authority="a.dev", **more)


def test_a_text_with_variables(ask):
    answer = ask("GET", '/text/<a"b>')
    assert (answer.status, answer.body) == (503, b"sorry: 503 %2Ftext%2F%3Ca%22b%3E none 100%")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8" and answer.headers["content-length"] == str(len(answer.body))
    assert "x-request-id" in answer.headers


def test_by_status(ask):
    answer = ask("GET", "/closed/a")
    assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    assert json.loads(answer.body) == {"error": "login", "id": answer.headers["x-request-id"]}
    answer = ask("POST", "/status/a?answer=close")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (503, b"<p>Back soon.</p>", "text/html")


@pytest.mark.parametrize("protocol", probe.PLAIN)
def test_an_answer_that_breaks_where_it_begins(gateway, own, protocol):
    web = own(WebBackend())
    web.raw["/broken"] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcX"
    running = gateway(configuration(
        clusters={"web": cluster(web, protocol="http1")}, access_log="stdout", workers=1,
        routes=[{"cluster": "web", "allow": "anyone", "error_response": BY_STATUS}]))
    answer = probe.send(running.address, "GET", "/broken", protocol=protocol, authority="a")
    assert (answer.status, answer.body) == (502, b"<p>Back soon.</p>")
    assert running.wait_for_log(lambda line: line.get("path") == "/broken")["status"] == 502


def test_what_an_upstream_answers_stays(ask):
    answer = ask("GET", "/status/a?answer=503")
    assert answer.status == 503 and answer.headers["x-stub"] == "web" and json.loads(answer.body)["backend"] == "web"


def test_other_statuses_and_other_routes_have_the_gateways_own(ask):
    answer = ask("GET", "/closed//a")
    assert answer.status == 400 and answer.headers["content-type"] == "application/json"
    assert json.loads(ask("GET", "/plain/a").body)["code"] == 14


def test_a_head_has_no_body(ask):
    answer = ask("HEAD", "/text/a")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (503, b"", str(len(ask("GET", "/text/a").body)))


def test_headers_of_a_refusal_are_kept(ask):
    for _ in range(2):
        answer = ask("GET", "/limited")
    assert (answer.status, answer.body) == (429, b"slow down") and "retry-after" in answer.headers


def test_rpcs_are_refused_in_their_own_protocol(running):
    with h2raw.Client(running.address) as client:
        answer = client.call(f"/{SERVICE}/Unary", fields=[("content-type", "application/grpc")])
        assert (answer.status, answer.grpc_status) == (200, 7) and b"sorry" not in answer.body
    answer = probe.send(running.address, "POST", f"/{SERVICE}/Unary", protocol="grpc-web", authority="a.dev")
    assert answer.code == 7


@pytest.mark.parametrize("said, expected", [
    ({"status": 503}, 'the key "body" is missing'),
    ("sorry", "expected a mapping with body and content_type, or a list of such by status"),
    ({"body": "x", "status": 200}, "a whole number from 400 to 599"),
    ({"body": "%{request.header.cookie}"}, "no credential of the caller"),
    ({"body": "%{endpoint}"}, "variables of the request, or %{response.status}"),
    ({"body": "%{claim.sub}"}, "authentication to say whose tokens are believed"),
    ({"body": "x", "content_type": "application/grpc"}, "another media type"),
    ([{"body": "x"}, {"status": 503, "body": "y"}], "never sent: entries before it have every status of it"),
    ([{"status": [502, 503], "body": "x"}, {"status": 503, "body": "%{identity.plan}"}], "never sent"),
])
def test_mistakes(tmp_path, said, expected):
    file = tmp_path / "martlet.yaml"
    file.write_text(json.dumps(configuration(
        clusters={"web": {"endpoints": ["127.0.0.1:1"], "protocol": "http1"}},
        routes=[{"cluster": "web", "allow": "anyone", "error_response": said}])))
    told = run("check", file)
    assert told.returncode == 1 and "routes[0].error_response" in told.stdout and expected in told.stdout, told.stdout
