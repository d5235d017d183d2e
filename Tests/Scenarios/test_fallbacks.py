"""What serves a route's calls while its cluster cannot be reached: `fallback`, another cluster or a response."""

import json

import pytest

from harness import probe
from harness.backend import Backend, ask
from harness.caller import Caller
from harness.gateway import SERVICE, Gateway, cluster, configuration, run
from harness.library import NAME, Served, descriptors
from harness.stub_backend import StubBackend
from harness.web import post

DOWN = "127.0.0.1:1"
BUSY = {"status": 503, "body": "<p>Back soon.</p>", "content_type": "text/html"}
BREAKER = {"circuit_breaker": {"errors": {"ratio": "50%", "minimum_calls": 4, "window": "10s", "open": "1h", "probes": 1}}}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fallbacks")
    descriptors(folder / "library.binpb")
    schema = {"schema": {"descriptors": [str(folder / "library.binpb")]}}
    with Backend("spare") as spare, StubBackend("web") as web, Served() as library:
        clusters = {
            "down": cluster(DOWN), "spare": cluster(spare), "web-down": cluster(DOWN, protocol="http1"), "web": cluster(web, protocol="http1"),
            "failing": cluster(web, protocol="http1", **BREAKER),
            "books-down": cluster(DOWN, **schema), "books": cluster(library.address, **schema),
        }
        routes = [
            {"name": "kinds", "service": SERVICE, "cluster": "down", "fallback": {"cluster": "spare"}},
            {"name": "web", "prefix": "/web", "cluster": "web-down", "fallback": {"cluster": "web"}, "rewrite": {"authority": "endpoint"},
             "request_headers": {"set": {"x-cluster": "%{cluster}", "x-path": "%{request.path}"}}},
            {"name": "page", "prefix": "/page", "cluster": "web-down", "fallback": {"respond": BUSY}},
            {"name": "usual", "prefix": "/usual", "cluster": "web-down", "fallback": {"respond": {"body": "a"}}, "cors": {"origins": ["https://a.dev"]}},
            {"name": "failing", "prefix": "/failing", "cluster": "failing", "fallback": {"respond": {"status": 200, "body": "kept"}}},
            {"name": "spare-books", "service": NAME, "headers": {"x-page": "1"}, "cluster": "books-down", "fallback": {"respond": BUSY}},
            {"name": "books", "service": NAME, "cluster": "books-down", "fallback": {"cluster": "books"}},
        ]
        settings = configuration(clusters=clusters, routes=[{"allow": "anyone", **route} for route in routes], workers=1, access_log="stdout")
        with Gateway(folder, settings) as gateway:
            gateway.web = web
            yield gateway


@pytest.fixture(params=probe.PLAIN)
def plain(request, running):
    return lambda method, path, **more: probe.send(running.address, method, path, protocol=request.param, authority="a.dev", **more)


def test_rpcs_of_every_protocol_go_to_the_other_cluster(running, tag):
    with Caller(running.address) as caller:
        assert caller.unary(ask()).backend == "spare"
        assert caller.collect([ask(payload=bytes(40_000)) for _ in range(4)]).received == 4
        assert [answer.backend for answer in caller.spread(ask(answers=3))] == ["spare"] * 3
    request = ask(tag=tag).SerializeToString()
    for kind in ["application/proto", "application/grpc-web+proto"]:
        body = request if kind == "application/proto" else b"\0" + len(request).to_bytes(4, "big") + request
        status, _, _ = post(running.address, "http1", f"/{SERVICE}/Unary", {"content-type": kind}, body)
        assert status == 200
    line = running.wait_for_log(lambda line: line.get("route") == "kinds")
    assert (line["fallback"], line["cluster"], line["grpc_status"]) == ("connect_failed", "spare", 0)
    assert running.metrics().sum("martlet_fallbacks_total", cause="connect_failed") >= 5


def test_plain_http_goes_to_the_other_cluster(running, plain):
    answer = plain("GET", "/web/a?b=1")
    assert (answer.status, answer.headers["x-stub"]) == (200, "web")
    seen = running.web.seen[-1]
    assert (seen.header("x-cluster"), seen.header("x-path")) == ("web", "/web/a"), "of the cluster that serves it"
    # The only endpoint is asked once.
    assert running.wait_for_log(lambda line: line.get("route") == "web")["attempts"] == 2
    assert plain("POST", "/web/a", body=b"x" * 200_000).status == 200


def test_a_response_in_place_of_a_cluster(running, plain):
    answer = plain("GET", "/page/a")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (503, b"<p>Back soon.</p>", "text/html")
    assert "x-request-id" in answer.headers
    assert plain("POST", "/page/a", body=b"x" * 100_000).status == 503
    answer = plain("HEAD", "/page/a")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (503, b"", "17")
    answer = plain("GET", "/usual", headers={"origin": "https://a.dev"})
    assert (answer.status, answer.body, answer.headers["access-control-allow-origin"]) == (503, b"a", "https://a.dev")
    line = running.wait_for_log(lambda line: line.get("route") == "page")
    assert (line["fallback"], line["cluster"], line["status"], line["detail"]) == ("connect_failed", "web-down", 503, "direct_response")


def test_an_open_breaker_and_what_endpoints_answer_themselves(running):
    go = lambda: probe.send(running.address, "GET", "/failing/a?answer=503", protocol="http1", authority="a.dev")
    answers = [go() for _ in range(6)]
    assert [answer.status for answer in answers] == [503] * 4 + [200] * 2 and answers[-1].body == b"kept"
    line = running.wait_for_log(lambda line: line.get("route") == "failing" and "fallback" in line)
    assert line["fallback"] == "circuit_open"
    assert running.metrics().sum("martlet_fallbacks_total", cause="circuit_open") == 2
    assert running.metrics().sum("martlet_circuit_refused_total", cluster="failing", cause="open") == 2


@pytest.mark.parametrize("version", ["http1", "http2"])
def test_json_is_converted_for_the_other_cluster_and_read_by_callers_of_the_response(running, version):
    status, _, body = post(running.address, version, "/v1/books/7", {}, b"", "GET")
    assert status == 200 and json.loads(body)
    status, head, body = post(running.address, version, "/v1/books/7", {"x-page": "1"}, b"", "GET")
    assert (status, head["content-type"], body) == (503, "text/html", b"<p>Back soon.</p>")


def test_rpcs_read_no_page(running):
    status, head, body = post(running.address, "http1", f"/{NAME}/GetBook", {"content-type": "application/json", "connect-protocol-version": "1", "x-page": "1"},
                              b"{}")
    assert status == 503 and head["content-type"] == "application/json" and json.loads(body)["code"] == "unavailable"


def test_check_names_the_fallback_in_the_pipeline(running):
    told = run("check", "--pipeline", running.file)
    assert "cluster down, else cluster spare" in told.stdout and "cluster web-down, else status 503" in told.stdout
