"""Requests by HTTP that mean no call, or none that may be made: what is told, to whom, and that no backend hears of them."""

import http.client
import json
import threading
from concurrent import futures

import grpc
import pytest
from google.api import httpbody_pb2
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from harness import h2raw
from harness.gateway import Gateway, authentication, configuration
from harness.h2raw import grpc_message
from harness.library import NAME, Library, Served, descriptors, kinds_grpc
from harness.waiting import PATIENCE
from harness.web import frames, post

VERSIONS = ["http1", "http2"]
JSON = {"content-type": "application/json"}


class Failing(Library):
    """Says of every book why it cannot be had."""

    def GetBook(self, ask, context):
        if not ask.name.endswith(("/why", "/twice")):
            return super().GetBook(ask, context)
        detail = any_pb2.Any()
        detail.Pack(error_details_pb2.ErrorInfo(reason="BURNT", domain="library", metadata={"shelf": "7"}))
        status = status_pb2.Status(code=9, message="burnt", details=[detail])
        times = 2 if ask.name.endswith("/twice") else 1
        context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())] * times)
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "burnt")

    #: The bytes before it have come to the caller.
    begun = threading.Event()

    def Download(self, ask, context):
        yield httpbody_pb2.HttpBody(content_type="image/png", data=b"the beginning")
        self.begun.wait(PATIENCE)
        context.abort(grpc.StatusCode.DATA_LOSS, "torn")


def before(address, folder, **more):
    """A configuration whose one route takes everything."""
    descriptors(folder / "library.binpb")
    books = {"endpoints": [address], "schema": {"descriptors": [str(folder / "library.binpb")]}, "outlier_detection": {}}
    route = {"cluster": "books", "allow": "anyone", **more.pop("route", {})}
    return configuration(clusters={"books": books}, routes=[route], workers=1, **more)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refusals")
    with Served() as server, Gateway(folder, before(server.address, folder)) as gateway:
        yield gateway


def ask(gateway, method, path, body=b"", headers=JSON, version="http1"):
    return post(gateway.address, version, path, headers, body, method)


@pytest.mark.parametrize("method, path, headers", [
    ("GET", "/favicon.ico", {}), ("GET", "/", {}), ("OPTIONS", "/robots.txt", {}), ("POST", f"/{NAME}/NoSuch", JSON),
    ("POST", "/shop.v1.Shop/NoSuch", JSON), ("POST", "/shop.v1.Shop/NoSuch", {}), ("POST", "/login", {"content-type": "text/html"}),
])
@pytest.mark.parametrize("version", VERSIONS)
def test_what_means_no_method_is_not_there_and_the_backend_is_not_asked(running, method, path, headers, version):
    before = running.metrics().sum("martlet_upstream_events_total", event="attempt")
    for _ in range(7):
        status, head, body = ask(running, method, path, b"{}" if method == "POST" else b"", headers, version)
        assert (status, head["content-type"], json.loads(body)["code"]) == (404, "application/json", 12)
    assert running.metrics().sum("martlet_upstream_events_total", event="attempt") == before
    assert ask(running, "GET", "/v1/books/a", headers={})[0] == 200


def test_a_schema_that_is_not_known_yet_is_not_the_callers_mistake(tmp_path, own):
    import socket
    place = own(socket.socket())
    place.bind(("127.0.0.1", 0))
    books = {"endpoints": [f"127.0.0.1:{place.getsockname()[1]}"], "schema": "reflection"}
    for service in ({}, {"service": NAME}):
        routes = [{"cluster": "books", "allow": "anyone", **service}]
        with Gateway(tmp_path, configuration(clusters={"books": books}, routes=routes, workers=1)) as gateway:
            status, head, body = ask(gateway, "POST", f"/{NAME}/GetBook", b"{}")
            assert (status, head["retry-after"], json.loads(body)["code"]) == (503, "1", 14)
            status, _, body = ask(gateway, "POST", f"/{NAME}/GetBook", b"{}", {**JSON, "connect-protocol-version": "1"})
            assert (status, json.loads(body)["code"]) == (503, "unavailable")


WRONG = [
    ("GET", "/v1/books/a?nosuch=1", b"", {}, 400), ("POST", "/v1/shelves/1/books", b"{}", {**JSON, "content-encoding": "br"}, 415),
    ("POST", "/v1/shelves/1/books", b"{}", {"content-type": "text/plain"}, 415), ("POST", "/v1/shelves/1/books", b"{", JSON, 400),
    ("POST", f"/{NAME}/GetBook", b"{}", {**JSON, "connect-protocol-version": "1", "content-encoding": "br"}, 415),
    ("POST", f"/{NAME}/NoSuch", b"{}", {**JSON, "connect-protocol-version": "1"}, 501),
    ("GET", f"/{NAME}/GetBook?encoding=json&message=nonsense", b"", {}, 400),
]


@pytest.mark.parametrize("method, path, body, headers, wrong", WRONG)
@pytest.mark.parametrize("version", VERSIONS)
def test_only_who_may_call_learns_what_is_wrong_with_a_call(tmp_path, signing_key, method, path, body, headers, wrong, version):
    route = {"allow": {"scopes": ["read"]}, "limits": ["1/day"]}
    with Served() as server, Gateway(tmp_path, before(server.address, tmp_path, route=route, authentication=authentication(signing_key))) as gateway:
        def status(**claims):
            token = {"authorization": f"Bearer {signing_key.token(**claims)}"} if claims else {}
            return ask(gateway, method, path, body, {**headers, **token}, version)[0]
        assert (status(), status(scope="write")) == (401, 403)
        # A mistake counts like any other call.
        assert (status(scope="read"), status(scope="read")) == (wrong, 429)


@pytest.mark.parametrize("kind, status", [
    ("application/json", 200), ("Application/JSON; charset=UTF-8", 200), ('application/json;charset="utf-8"', 200),
    ("application/vnd.acme.v1+json", 200), ("application/x-ndjson", 200), ("application/json; charset=latin1", 415), ("text/plain", 415),
    ("application/x-www-form-urlencoded", 415), ("multipart/form-data; boundary=x", 415), ("text/json", 415), ("application/+json", 415),
    ("application/jsonx", 415), ("application/grpcx", 415), ("application/grpc-webx", 415), (None, 415),
])
def test_a_body_is_json_where_it_says_so(running, kind, status):
    """What a page of another origin can send unasked is not taken."""
    seen, _, body = ask(running, "POST", "/v1/shelves/1/books", b'{"title":"t"}', {"content-type": kind} if kind else {})
    assert seen == status, body
    if status == 415:
        assert "application/json" in json.loads(body)["message"]


@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_body_there_is_no_need_of_a_type(running, version):
    assert ask(running, "POST", "/v1/shelves/1/books", b"", {}, version)[0] == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_what_has_get_has_head(running, version):
    status, head, body = ask(running, "GET", "/v1/books/a", headers={}, version=version)
    seen = ask(running, "HEAD", "/v1/books/a", headers={}, version=version)
    assert (seen[0], seen[1]["content-length"], seen[1]["content-type"], seen[2]) == (200, str(len(body)), head["content-type"], b"")
    for path, wanted in [("/v1/books/x%2FNOT_FOUND%2Fnone", 404), ("/v1/books/a?nosuch=1", 400), ("/v1/shelves/1/books:watch?pageSize=3", 200),
                         ("/nowhere", 404), ("/v1/books:import", 405)]:
        status, _, body = ask(running, "HEAD", path, headers={}, version=version)
        assert (status, body) == (wanted, b""), path
    # HTTP/1.1's connections are still in step afterwards.
    if version == "http1":
        connection = http.client.HTTPConnection(*running.address.rsplit(":", 1), timeout=20)
        for method in ["HEAD", "GET", "HEAD", "GET"]:
            connection.request(method, "/v1/books/a")
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (200, method == "GET")
        connection.close()


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("failing")
    server = grpc.server(futures.ThreadPoolExecutor(2))
    kinds_grpc.add_LibraryServicer_to_server(Failing(), server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        with Gateway(folder, before(address, folder)) as gateway:
            yield gateway
    finally:
        server.stop(None)


def test_details_that_are_given_twice_are_readable_in_connect(failing):
    head = {**JSON, "connect-protocol-version": "1"}
    status, _, body = ask(failing, "POST", f"/{NAME}/GetBook", b'{"name":"x/twice"}', head)
    assert status == 400 and [detail["type"] for detail in json.loads(body)["details"]] == ["google.rpc.ErrorInfo"]


@pytest.mark.parametrize("name", ["why", "twice"])
def test_details_that_no_method_mentions_are_readable(failing, name):
    status, _, body = ask(failing, "GET", f"/v1/books/x%2F{name}", headers={})
    told = json.loads(body)
    assert (status, told["code"]) == (400, 9)
    assert told["details"] == [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "BURNT", "domain": "library",
                                "metadata": {"shelf": "7"}}]


def test_raw_bytes_that_end_too_early_do_not_look_complete(failing):
    Failing.begun.clear()
    with pytest.raises((http.client.HTTPException, OSError)):
        post(failing.address, "http1", "/v1/files/a", {}, b"", "GET", see=lambda came: Failing.begun.set())
    assert Failing.begun.is_set()


@pytest.mark.parametrize("version", VERSIONS)
def test_an_error_behind_raw_bytes_that_have_not_left_is_told_in_their_place(tmp_path, version):
    def torn_at_once(peer, number):
        """Head, bytes and the error are one write, and so one read."""
        def respond(stream, fields):
            peer.h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
            peer.h2.send_data(stream, grpc_message(httpbody_pb2.HttpBody(content_type="image/png", data=b"x" * 500).SerializeToString()))
            peer.h2.send_headers(stream, [("grpc-status", "15"), ("grpc-message", "torn")], end_stream=True)
            peer.flush()
        peer.serve(respond)
    with h2raw.Server(torn_at_once) as server, Gateway(tmp_path, before(server.address, tmp_path, access_log="stdout")) as gateway:
        for _ in range(3):
            status, head, body = post(gateway.address, version, "/v1/files/a", {}, b"", "GET")
            assert (status, head["content-type"]) == (500, "application/json")
            told = json.loads(body)
            assert (told["code"], told["message"]) == (15, "torn")
        line = gateway.wait_for_log(lambda line: line.get("path") == "/v1/files/a")
        assert (line["status"], line["grpc_status"]) == (500, 15)
        assert gateway.metrics().sum("martlet_internal_errors_total") == 0


@pytest.mark.parametrize("kind", ["application/json", "application/proto", "application/connect+json", "application/connect+proto"])
def test_another_version_of_connect_is_refused_in_this_one(running, kind):
    status, _, body = ask(running, "POST", f"/{NAME}/GetBook", b"", {"content-type": kind, "connect-protocol-version": "2"})
    error = json.loads(frames(body)[-1][1])["error"] if "connect+" in kind else json.loads(body)
    assert error["code"] == "invalid_argument" and "connect-protocol-version" in error["message"]
    assert status == (200 if "connect+" in kind else 400)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_body_that_is_malformed_while_the_call_is_held_up_is_refused_and_not_cut_short(tmp_path, version):
    held_up = {"fault": {"delay": {"duration": "200ms"}}}
    with Served() as server, Gateway(tmp_path, before(server.address, tmp_path, route=held_up)) as gateway:
        status, _, body = ask(gateway, "POST", f"/{NAME}/GetBook", b'{"name": ', version=version)
        assert status == 400 and json.loads(body)["code"] == 3
        assert gateway.metrics().sum("martlet_upstream_events_total", event="attempt") == 0


def test_a_head_request_that_cannot_be_read_is_refused_without_a_body(running):
    status, head, body = ask(running, "HEAD", "/a/%zz", headers={}, version="http2")
    assert status == 400 and not body
