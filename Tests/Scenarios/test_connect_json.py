"""Connect with JSON, and its calls by GET, before a cluster that has a schema."""

import base64
import gzip
import json
import socket
from urllib.parse import quote, urlencode

import pytest

from harness import h2raw
from harness.gateway import Gateway
from harness.library import NAME, Served, configuration_before, gateway_before, kinds
from harness.web import CODES, frame, frames, post

HEAD = {"content-type": "application/json", "connect-protocol-version": "1"}
STREAM = {"content-type": "application/connect+json", "connect-protocol-version": "1"}
VERSIONS = ["http1", "http2"]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Served() as server, gateway_before(server.address, tmp_path_factory.mktemp("connect")) as gateway:
        yield gateway


def call(gateway, method, ask, head={}, version="http1"):
    body = ask if isinstance(ask, bytes) else json.dumps(ask).encode()
    return post(gateway.address, version, f"/{NAME}/{method}", {**HEAD, **head}, body)


def stream(gateway, method, *asks, head={}, version="http1"):
    body = b"".join(ask if isinstance(ask, bytes) else frame(json.dumps(ask).encode()) for ask in asks)
    status, head, body = post(gateway.address, version, f"/{NAME}/{method}", {**STREAM, **head}, body)
    assert status == 200 and head["content-type"] == "application/connect+json", (status, head, body)
    *messages, (flag, end) = frames(body)
    assert flag == 2
    return [json.loads(gzip.decompress(message) if flag else message) for flag, message in messages], json.loads(end), head


def get(gateway, method, version="http1", **query):
    return post(gateway.address, version, f"/{NAME}/{method}?" + urlencode(query, quote_via=quote), {}, None, "GET")


@pytest.mark.parametrize("version", VERSIONS)
def test_metadata_is_in_the_head_and_that_of_the_end_has_its_prefix(running, version):
    status, head, body = call(running, "GetBook", {"name": "shelves/1", "readMask": "title,pages"}, version=version)
    assert (status, json.loads(body)) == (200, {"name": "shelves/1", "title": "title,pages"})
    assert head["content-type"] == "application/json" and (head["x-shelf"], head["trailer-x-last"]) == ("7", "yes")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_timeout_alone_says_that_it_is_connect(running, version):
    head = {"content-type": "application/json", "connect-timeout-ms": "50000"}
    _, told, _ = post(running.address, version, f"/{NAME}/GetBook", head, b"{}")
    assert 30 < int(told["trailer-x-left"]) <= 50
    status, _, body = post(running.address, version, f"/{NAME}/GetBook", {**head, "connect-timeout-ms": "x"}, b"{}")
    assert (status, json.loads(body)["code"]) == (400, "invalid_argument")


@pytest.mark.parametrize("head", [{"connect-protocol-version": "1"}, {"connect-timeout-ms": "300"}, {"connect-protocol-version": "9"}])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", ["/v1/shelves/1/books/2:burn", "/v1/books:import"])
def test_a_path_that_the_schema_binds_is_rest_whatever_connect_headers_say(running, version, head, path):
    plain = post(running.address, version, path, {"content-type": "application/json"}, b"{}")
    status, told, body = post(running.address, version, path, {"content-type": "application/json", **head}, b"{}")
    assert (status, told["content-type"], body) == (plain[0], plain[1]["content-type"], plain[2]) and status == 200
    for other in ("/nowhere/at/all", "/v1/shelves", path + "/", "/v1/shelves/1/books/2"):
        status, _, body = post(running.address, version, other, {"content-type": "application/json", **head}, b"{}")
        assert (status, json.loads(body)["code"]) == (501, "unimplemented"), other


@pytest.mark.parametrize("version", VERSIONS)
def test_a_path_that_is_bound_does_not_hide_a_method(tmp_path, version):
    with Served() as server:
        whole = configuration_before(server.address, tmp_path, methods={"BurnBook": {"deny": {"address": ["0.0.0.0/0"]}}})
        whole["routes"].append({"cluster": "books", "allow": "anyone"})
        with Gateway(tmp_path, whole) as gateway:
            for head in ({}, HEAD):
                head = {"content-type": "application/json", **head}
                assert post(gateway.address, version, "/v1/shelves/1/books/2:burn", head, b"{}")[0] == 403
                assert post(gateway.address, version, "/v1/books:import", head, b"{}")[0] == 200
            assert post(gateway.address, version, f"/{NAME}/BurnBook", HEAD, b"{}")[0] == 403
            for path in (f"/{NAME}/BurnBook/", f"/{NAME}/BurnBook;x", f"/{NAME}%2FBurnBook", f"/{NAME}/BurnBook/x", f"/x/{NAME}/BurnBook",
                         "/v1/shelves/1/books/2:burn/", "/v1/shelves/1/books/2;x:burn"):
                assert post(gateway.address, version, path, HEAD, b"{}")[0] in (400, 403, 501), path


@pytest.mark.parametrize("version", VERSIONS)
def test_what_may_stand_once_is_refused_twice(running, version):
    def send(path, *fields):
        if version == "http1":
            return raw_post(running.address, path, fields)
        with h2raw.Client(running.address) as client:
            stream = client.h2.get_next_available_stream_id()
            client.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"), *fields])
            client.data(stream, b"{}", True)
            answer = client.answer(stream)
            return answer.status, answer.body

    head = list(HEAD.items())
    for first, second in (("50000", "1"), ("1", "50000"), ("50000", "50000"), ("50000", "")):
        status, body = send(f"/{NAME}/GetBook", *head, ("connect-timeout-ms", first), ("connect-timeout-ms", second))
        assert (status, json.loads(body)["code"]) == (400, "invalid_argument")
    for more in (("content-type", "application/json"), ("content-type", "application/grpc")):
        status, body = send(f"/{NAME}/GetBook", *head, more)
        assert (status, json.loads(body)["code"]) == (400, "invalid_argument")
        status, body = send("/v1/books:import", ("content-type", "application/json"), more)
        assert (status, json.loads(body)["code"]) == (400, 3)
    for more in ("identity", "gzip"):
        status, body = send(f"/{NAME}/GetBook", *head, ("content-encoding", "gzip"), ("content-encoding", more))
        assert (status, json.loads(body)["code"]) == (415, "unimplemented")
    assert send(f"/{NAME}/GetBook", *head, ("connect-protocol-version", "1"))[0] == 200
    assert send(f"/{NAME}/GetBook", *head, ("connect-protocol-version", "2"))[0] == 400


def raw_post(address, path, fields):
    host, port = address.split(":")
    lines = [f"POST {path} HTTP/1.1", "host: localhost", "content-length: 2", "connection: close", *(f"{name}: {value}" for name, value in fields)]
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", "{}"]).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


def test_two_timeouts_of_grpc_are_refused(running):
    with h2raw.Client(running.address) as client:
        for first, second in (("1S", "9S"), ("9S", "9S")):
            stream = client.h2.get_next_available_stream_id()
            client.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", f"/{NAME}/GetBook"), (":authority", "localhost"),
                                    ("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", first), ("grpc-timeout", second)])
            client.data(stream, frame(b""), True)
            assert client.answer(stream).grpc_status == 3


@pytest.mark.parametrize("code", range(1, 17))
@pytest.mark.parametrize("version", VERSIONS)
def test_every_status_as_connect_says_it(running, code, version):
    name = {1: "CANCELLED"}.get(code, CODES[code].upper())
    status, head, body = call(running, "GetBook", {"name": f"x/{name}/none"}, version=version)
    assert json.loads(body) == {"code": CODES[code], "message": "no such book"} and head["content-type"] == "application/json"
    assert status == {1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 13: 500,
                      14: 503, 15: 500, 16: 401}[code]


@pytest.mark.parametrize("body, words", [
    (b'{"nam":"x"}', "nam"), (b'{"name":7}', "name"), (b'{"name":', "ends too early"), (b'{} {}', "after"), (b'\xff', ""),
])
def test_what_is_no_such_message_is_told_by_field(running, body, words):
    status, _, body = call(running, "GetBook", body)
    error = json.loads(body)
    assert (status, error["code"]) == (400, "invalid_argument") and words in error["message"]
    assert any(detail["type"] == "google.rpc.BadRequest" for detail in error["details"])


def test_methods_that_are_not_there_or_of_another_kind(running):
    status, _, body = call(running, "Nothing", {})
    assert (status, json.loads(body)["code"]) == (501, "unimplemented")
    status, _, body = call(running, "WatchBooks", {})
    assert (status, json.loads(body)["code"]) == (415, "unimplemented")


def test_deadlines(running, tmp_path, silent):
    head = call(running, "GetBook", {}, {"connect-timeout-ms": "50000"})[1]
    assert 30 < int(head["trailer-x-left"]) <= 50
    assert call(running, "GetBook", {}, {"connect-timeout-ms": "soon"})[0] == 400
    with gateway_before(silent.address, tmp_path) as gateway:
        status, _, body = call(gateway, "GetBook", {}, {"connect-timeout-ms": "100"})
        assert (status, json.loads(body)["code"]) == (504, "deadline_exceeded")
        messages, end, _ = stream(gateway, "WatchBooks", {}, head={"connect-timeout-ms": "100"})
        assert messages == [] and end["error"]["code"] == "deadline_exceeded"


@pytest.mark.parametrize("version", VERSIONS)
def test_streams_end_in_an_envelope(running, version):
    assert stream(running, "WatchBooks", {"pageSize": 2}, version=version)[:2] == ([{}, {"pages": 1}], {"metadata": {"x-count": ["2"]}})
    messages, end, _ = stream(running, "WatchBooks", {"pageSize": 1, "tags": ["t"]}, version=version)
    assert messages == [{}] and end["error"] == {"code": "data_loss", "message": "torn"}
    assert stream(running, "WatchBooks", {}, version=version)[:2] == ([], {"error": {"code": "not_found", "message": "nothing to watch"}})
    assert stream(running, "ImportBooks", {"pages": 1}, {"pages": 2}, version=version)[0] == [{"books": [{"pages": 1}, {"pages": 2}]}]
    assert stream(running, "ImportBooks", version=version)[0] == [{}]
    assert stream(running, "ExchangeBooks", {"title": "a"}, {"title": "b"}, version=version)[0] == [{"title": "a"}, {"title": "b"}]


@pytest.mark.parametrize("broken, words", [
    (frame(b'{"titel":1}'), "titel"), (frame(b"{}")[:-1], "envelope"), (b"\0\0\0", "envelope"), (frame(b"{}", 4), "flags"),
    (frame(b"{}", 1), "connect-content-encoding"), (b"\0\xff\xff\xff\xff", "too large"),
])
def test_a_broken_stream_of_requests(running, broken, words):
    _, end, _ = stream(running, "ImportBooks", {"pages": 1}, broken)
    assert end["error"]["code"] == ("resource_exhausted" if words == "too large" else "invalid_argument")
    assert words in end["error"]["message"]


def test_messages_of_a_stream_are_compressed_one_by_one_where_it_is_worth_it(running):
    head = {"connect-content-encoding": "gzip", "connect-accept-encoding": "gzip"}
    books = [{"title": "a"}, {"title": "b" * 3000}]
    asks = [frame(json.dumps(book).encode()) if "a" in book["title"] else frame(gzip.compress(json.dumps(book).encode()), 1) for book in books]
    messages, _, answer = stream(running, "ExchangeBooks", *asks, head=head)
    assert messages == books and answer["connect-content-encoding"] == "gzip"
    assert "connect-content-encoding" not in stream(running, "ExchangeBooks", *asks, head={"connect-content-encoding": "gzip"})[2]


# Calls by GET

BOOK = kinds.GetBookRequest(name="shelves/1")


@pytest.mark.parametrize("query", [
    {"encoding": "json", "message": '{"name":"shelves/1"}', "connect": "v1"},
    {"message": '{"name": "shelves/1"}', "encoding": "json", "other": "x"},
    {"encoding": "json", "base64": "1", "message": base64.urlsafe_b64encode(b'{"name":"shelves/1"}').decode().rstrip("=")},
    {"encoding": "json", "base64": "1", "message": base64.urlsafe_b64encode(b'{"name":"shelves/1"}').decode()},
    {"encoding": "json", "base64": "1", "compression": "gzip",
     "message": base64.urlsafe_b64encode(gzip.compress(b'{"name":"shelves/1"}')).decode().rstrip("=")},
    {"encoding": "proto", "base64": "1", "message": base64.urlsafe_b64encode(BOOK.SerializeToString()).decode()},
    {"encoding": "proto", "message": BOOK.SerializeToString()},
    {"encoding": "proto", "base64": "1", "compression": "gzip", "message": base64.urlsafe_b64encode(gzip.compress(BOOK.SerializeToString())).decode()},
])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_by_get(running, query, version):
    status, head, body = get(running, "GetBook", version, **query)
    assert status == 200 and head["content-type"] == "application/" + query["encoding"], body
    assert (kinds.Book.FromString(body) if query["encoding"] == "proto" else kinds.Book(**json.loads(body))) == kinds.Book(name="shelves/1")
    assert head["trailer-x-last"] == "yes"


@pytest.mark.parametrize("method, query, status, code", [
    ("GetBook", {"encoding": "json", "message": '{"name":"x/NOT_FOUND/none"}'}, 404, "not_found"),
    ("GetBook", {"encoding": "json", "message": '{"nam":1}'}, 400, "invalid_argument"),
    ("GetBook", {"encoding": "json", "base64": "1", "message": "!"}, 400, "invalid_argument"),
    ("GetBook", {"encoding": "json", "compression": "gzip", "message": "{}"}, 400, "invalid_argument"),
    ("GetBook", {"encoding": "json", "compression": "br", "message": "{}"}, 415, "unimplemented"),
    ("GetBook", {"encoding": "xml", "message": "{}"}, 415, "unimplemented"),
])
def test_a_call_by_get_that_goes_wrong(running, method, query, status, code):
    seen, _, body = get(running, method, **query)
    assert (seen, json.loads(body)["code"]) == (status, code)


def test_only_methods_without_side_effects_are_called_by_get(running):
    status, head, body = get(running, "ReplaceBook", encoding="json", message="{}")
    assert (status, head["allow"], json.loads(body)["code"]) == (405, "POST", "unimplemented")


def test_a_get_becomes_a_post_without_its_query(tmp_path, own):
    seen = {}

    def script(peer, number):
        def respond(stream, head):
            seen.update(head)
            peer.answer(stream, BOOK.SerializeToString())
        peer.serve(respond)
    server = own(h2raw.Server(script))
    with gateway_before(server.address, tmp_path) as gateway:
        assert get(gateway, "GetBook", encoding="json", message="{}")[0] == 200
    assert (seen[":method"], seen[":path"], seen["content-type"]) == ("POST", f"/{NAME}/GetBook", "application/grpc+proto")


@pytest.mark.parametrize("place", ["listeners", "routes"])
def test_a_call_by_get_is_connect_also_where_callers_may_speak_nothing_else(tmp_path, place):
    with Served() as server:
        whole = configuration_before(server.address, tmp_path)
        whole[place][0]["protocols"] = ["connect"]
        with Gateway(tmp_path, whole) as gateway:
            assert get(gateway, "GetBook", encoding="json", message='{"name":"x"}')[0] == 200
            assert call(gateway, "GetBook", {"name": "x"})[0] == 200
            assert post(gateway.address, "http1", "/v1/shelves/1/books/2", {}, None, "GET")[0] == 404
            assert get(gateway, "ReplaceBook", encoding="json", message="{}")[0] in (405, 415)
