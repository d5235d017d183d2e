"""What of a request and of an answer goes further: `only` of headers, and `request_query`."""

import json

import pytest

from harness import probe
from harness.backend import Backend, ask, metadata
from harness.caller import Caller
from harness.gateway import SERVICE, Gateway, cluster, configuration
from harness.library import NAME, Served, descriptors
from harness.stub_backend import StubBackend
from harness.web import post
from harness.web_backend import WebBackend

LISTED = {"only": ["accept", "x-*"], "remove": ["x-debug"], "set": {"x-own": "%{request.header.cookie|none}"}}
QUERY = {"only": ["page", "limit", "filter[*"], "remove": ["limit"]}
ANSWERS = {"only": ["x-stub", "etag"], "set": {"x-more": "%{response.status}"}}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lists")
    descriptors(folder / "library.binpb")
    with Backend("kinds") as kinds, StubBackend("web") as web, WebBackend() as fields, Served() as library:
        clusters = {
            "kinds": cluster(kinds), "web": cluster(web, protocol="http1"), "fields": cluster(fields, protocol="http1"),
            "books": cluster(library.address, schema={"descriptors": [str(folder / "library.binpb")]}),
        }
        routes = [
            {"name": "kinds", "service": SERVICE, "cluster": "kinds", "request_headers": {"only": ["x-*"]}, "response_headers": {"only": ["x-*"]}},
            {"name": "web", "prefix": "/web", "cluster": "web", "request_headers": LISTED, "request_query": QUERY, "response_headers": ANSWERS,
             "rewrite": {"prefix": "/"}},
            {"name": "fields", "prefix": "/fields", "cluster": "fields", "response_headers": {"only": []}, "request_query": {"remove": ["debug", "utm_*"]},
             "cors": {"origins": ["https://a.dev"]}},
            {"name": "books", "service": NAME, "cluster": "books", "request_query": {"remove": ["utm_*", "shelf"]}},
        ]
        settings = configuration(clusters=clusters, routes=[{"allow": "anyone", **route} for route in routes], workers=1,
                                 listeners=[{"name": "public", "address": "127.0.0.1:0", "forwarded": {"host": True, "real_ip": True}}])
        with Gateway(folder, settings) as gateway:
            gateway.web, gateway.fields = web, fields
            yield gateway


@pytest.fixture(params=probe.PLAIN)
def send(request, running):
    return lambda method, path, **more: probe.send(running.address, method, path, protocol=request.param, authority="a.dev", **more)


def test_request_headers(running, send):
    answer = send("POST", "/web/a", body=b"hello", headers={
        "accept": "text/html", "accept-language": "cs", "cookie": "sid=1", "authorization": "Basic YTpi", "x-team": "blue", "x_team": "red",
        "x-debug": "1", "user-agent": "probe", "content-type": "text/plain", "x-real-ip": "9.9.9.9"})
    assert answer.status == 200
    seen = running.web.seen[-1]
    names = {name for name, _ in seen.headers} - {"host", "connection", "te", "content-length", "transfer-encoding"}
    assert names == {"accept", "x-team", "content-type", "x-own", "x-forwarded-for", "x-forwarded-proto", "x-request-id",
                     "x-forwarded-host", "x-real-ip"}
    assert seen.header("x-own") == "sid=1" and seen.header("x-real-ip") == "127.0.0.1" and seen.body == b"hello"


def test_response_headers(running, send):
    answer = send("GET", "/web/a")
    assert (answer.headers["x-stub"], answer.headers["x-more"]) == ("web", "200")
    assert "server" not in answer.headers and {"content-type", "date"} & set(answer.headers)
    answer = send("GET", "/fields/a", headers={"origin": "https://a.dev"})
    assert answer.status == 200 and "server" not in answer.headers and answer.headers["access-control-allow-origin"] == "https://a.dev"
    answer = send("GET", "/fields//a")
    assert answer.status == 400 and "x-request-id" in answer.headers, "what the gateway answers itself is its own"


@pytest.mark.parametrize("path, got", [
    ("/web/a?page=1&debug=1&limit=2&filter[x]=3", "/a?page=1&filter[x]=3"),
    ("/web/a?p%61ge=%31&%64ebug=1&filter%5Bx%5D=a+b", "/a?p%61ge=%31&filter%5Bx%5D=a+b"),
    ("/web/a?debug=1", "/a"), ("/web/a?", "/a"), ("/web", "/"),
    ("/fields/a?b=2&%64%65bug=1&a=1&utm%5Fsource=x", "/fields/a?b=2&a=1"), ("/fields/a?utm=1&de%2562ug", "/fields/a?utm=1&de%2562ug"),
])
def test_parameters(running, send, path, got):
    assert send("GET", path).status == 200
    seen = running.web.seen[-1].path if path.startswith("/web") else running.fields.requests[-1]["path"]
    assert seen == got


def test_metadata_of_rpcs(running):
    with Caller(running.address) as caller:
        answer = caller.unary(ask(), metadata=[("x-team", "blue"), ("team", "red")])
        seen = metadata(answer)
        assert seen["x-team"] == ["blue"] and "team" not in seen
    for kind in ["application/proto", "application/grpc-web+proto"]:
        message = ask().SerializeToString()
        body = message if kind == "application/proto" else b"\0" + len(message).to_bytes(4, "big") + message
        assert post(running.address, "http1", f"/{SERVICE}/Unary", {"content-type": kind, "team": "red"}, body)[0] == 200


@pytest.mark.parametrize("version", ["http1", "http2"])
def test_parameters_that_are_dropped_are_not_bound(running, version):
    status, _, body = post(running.address, version, "/v1/books/7?utm_source=a&shel%66=b", {}, b"", "GET")
    assert status == 200 and json.loads(body)
    assert post(running.address, version, "/v1/books/7?other=b", {}, b"", "GET")[0] == 400
