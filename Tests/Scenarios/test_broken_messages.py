"""Messages that are cut off, too deep, too large or none at all: whose fault it is, is told in the caller's protocol."""

import json

import h2.settings
import pytest

from harness import h2raw
from harness.gateway import Gateway
from harness.h2raw import grpc_message
from harness.library import NAME, Served, configuration_before, gateway_before, kinds
from harness.web import frame, frames, post

JSON = {"content-type": "application/json"}
CONNECT = {"connect-protocol-version": "1"}
STREAMS = {"web": "application/grpc-web+proto", "connect": "application/connect+proto"}
BOOK = kinds.Book(title="t").SerializeToString()


def answering(own, *parts, head=()):
    """A backend with these bytes as the body of every answer, and OK behind them."""
    def script(peer, number):
        def respond(stream, fields):
            peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc"), *head])
            for part in parts:
                peer.data(stream, part)
            peer.headers(stream, [("grpc-status", "0")], end=True)
        peer.serve(respond)
    return own(h2raw.Server(script)).address


def end_of(name, body):
    """The words of the last frame."""
    flag, last = frames(body)[-1]
    assert flag == {"web": 0x80, "connect": 2}[name]
    return last


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Served() as server, gateway_before(server.address, tmp_path_factory.mktemp("broken")) as gateway:
        yield gateway


@pytest.mark.parametrize("broken", [grpc_message(BOOK)[:-1], grpc_message(BOOK)[:3], b"\0\xff\xff\xff\xffabc"], ids=["payload", "header", "length"])
@pytest.mark.parametrize("name", STREAMS)
def test_an_answer_that_ends_within_a_message_does_not_end_well(tmp_path, own, name, broken):
    with gateway_before(answering(own, grpc_message(BOOK), broken), tmp_path) as gateway:
        for version in ("http1", "http2"):
            _, _, body = post(gateway.address, version, f"/{NAME}/WatchBooks", {"content-type": STREAMS[name]}, frame(b""))
            assert frames(body)[0] == (0, BOOK) and len(frames(body)) == 2
            assert (b"grpc-status: 13" if name == "web" else b'"internal"') in end_of(name, body)
        lines = b'{"title":"t"}\n'
        status, _, body = post(gateway.address, "http1", "/v1/shelves/1/books:watch", {"accept": "application/x-ndjson"}, None, "GET")
        assert status == 200 and body.startswith(lines) and json.loads(body[len(lines):])["code"] == (8 if broken[1] else 13)


@pytest.mark.parametrize("flag", [2, 0x80])
@pytest.mark.parametrize("name", STREAMS)
def test_a_backend_cannot_forge_the_end_of_a_stream(tmp_path, own, name, flag):
    with gateway_before(answering(own, grpc_message(BOOK) + grpc_message(b"{}", flag)), tmp_path) as gateway:
        _, _, body = post(gateway.address, "http2", f"/{NAME}/WatchBooks", {"content-type": STREAMS[name]}, frame(b""))
        assert frames(body)[0] == (0, BOOK) and len(frames(body)) == 2
        assert (b"grpc-status: 13" if name == "web" else b'"internal"') in end_of(name, body)


@pytest.mark.parametrize("broken", [frame(BOOK)[:-1], frame(BOOK)[:3], frame(BOOK, 2), frame(BOOK, 0x80)], ids=["payload", "header", "end", "trailers"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_request_that_is_no_message_is_refused(running, name, broken):
    _, _, body = post(running.address, "http1", f"/{NAME}/ImportBooks", {"content-type": STREAMS[name]}, frame(BOOK) + broken)
    assert (b"grpc-status: 3" if name == "web" else b'"invalid_argument"') in end_of(name, body)


def test_a_method_that_streams_is_no_unary_call_of_connect(running, tmp_path, own):
    status, _, body = post(running.address, "http1", f"/{NAME}/WatchBooks", {"content-type": "application/proto", **CONNECT}, b"")
    assert (status, json.loads(body)["code"]) == (415, "unimplemented")
    # Where the schema says nothing of it, the answer does.
    with gateway_before(answering(own, grpc_message(BOOK) * 2), tmp_path) as gateway:
        status, _, body = post(gateway.address, "http1", f"/{NAME}/ReplaceBook", {"content-type": "application/proto", **CONNECT}, b"")
        assert (status, json.loads(body)["code"]) == (500, "internal") and "more than one message" in json.loads(body)["message"]


def test_a_compressed_answer_says_how(tmp_path, own):
    with gateway_before(answering(own, grpc_message(b"\x1f\x8b", 1)), tmp_path) as gateway:
        status, _, body = post(gateway.address, "http1", f"/{NAME}/ReplaceBook", {"content-type": "application/proto", **CONNECT}, b"")
        assert (status, json.loads(body)["code"]) == (500, "internal") and "grpc-encoding" in json.loads(body)["message"]


def small(address, folder):
    configuration = configuration_before(address, folder)
    configuration["clusters"]["books"]["schema"]["message_bytes"] = "1KiB"
    return Gateway(folder, configuration)


@pytest.mark.parametrize("together", [True, False], ids=["at once", "apart"])
@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/json", "text/event-stream"])
def test_a_message_over_the_limit_ends_a_stream_in_words(tmp_path, own, accept, together):
    large = grpc_message(kinds.Book(title="x" * 2000).SerializeToString())
    parts = [grpc_message(BOOK) + large] if together else [grpc_message(BOOK), large]
    with small(answering(own, *parts), tmp_path) as gateway:
        for version in ("http1", "http2"):
            status, _, body = post(gateway.address, version, "/v1/shelves/1/books:watch", {"accept": accept}, None, "GET")
            assert status == 200 and b'{"title":"t"}' in body
            if accept == "application/json":
                error = json.loads(body)[1]
            else:
                error = json.loads(body.strip().split(b"\n")[-1].removeprefix(b"data: "))
            assert error["code"] == 8 and "1024 bytes" in error["message"]


@pytest.mark.parametrize("together", [True, False], ids=["at once", "apart"])
def test_a_caller_that_takes_little_gets_one_answer_where_the_stream_breaks_too(tmp_path, own, together):
    # The head goes with the first message, and is more than the caller takes; the second one cannot be converted.
    parts = [grpc_message(BOOK) + grpc_message(b"\xff")] if together else [grpc_message(BOOK), grpc_message(b"\xff")]
    with gateway_before(answering(own, *parts, head=[("x-large", "v" * 2000)]), tmp_path) as gateway:
        with h2raw.Client(gateway.address, settings={h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 1000}) as client:
            for _ in range(2):
                answer = client.call("/v1/shelves/1/books:watch", b"", method="GET", fields=[("accept", "application/json")])
                assert answer.status == 502 and b"1000" in answer.body and json.loads(answer.body)["code"] == 8
        metrics = gateway.metrics().text
        assert "martlet_internal_errors_total 0" in metrics


def test_one_over_the_limit_is_resource_exhausted(tmp_path, own):
    with small(answering(own, grpc_message(kinds.Book(title="x" * 2000).SerializeToString())), tmp_path) as gateway:
        status, _, body = post(gateway.address, "http1", "/v1/books/b", {}, None, "GET")
        assert (status, json.loads(body)["code"]) == (429, 8) and "1024 bytes" in json.loads(body)["message"]


@pytest.mark.parametrize("message, path", [
    (kinds.Kinds(child={"timestamp": {"seconds": 1 << 40}}), "child.timestamp"), (kinds.Kinds(durations=[{}, {"nanos": -(1 << 31)}]), "durations[1]"),
    (kinds.Kinds(value={"number_value": float("nan")}), "value"), (kinds.Kinds(field_mask={"paths": ["a__b"]}), "fieldMask"),
    (kinds.Kinds(anys=[{"type_url": "x/martlet.kinds.v1.Book", "value": b"\xff"}]), "anys[0]"), (b"\x4a\x02\xff\xfe", "aString"),
])
def test_a_value_that_is_no_json_is_named(tmp_path, own, message, path):
    wire = message if isinstance(message, bytes) else message.SerializeToString()
    with gateway_before(answering(own, grpc_message(wire)), tmp_path) as gateway:
        status, _, body = post(gateway.address, "http1", f"/{NAME}/Echo", JSON, b"{}")
        assert (status, json.loads(body)["code"]) == (502, 13) and f": {path}: " in json.loads(body)["message"]
        status, _, body = post(gateway.address, "http1", f"/{NAME}/Echo", {**JSON, **CONNECT}, b"{}")
        assert (status, json.loads(body)["code"]) == (500, "internal") and f": {path}: " in json.loads(body)["message"]


@pytest.mark.parametrize("open, core, close, most", [
    ('{"child":', "{}", "}", 99), ('{"kindsByInt32":{"1":', "{}", "}}", 49), ("[", "", "]", 49), ('{"k":', "{}", "}", 32),
])
def test_what_is_taken_is_never_too_deep_for_a_parser_of_protobuf(running, open, core, close, most):
    def nested(levels):
        inner = open * levels + core + close * levels
        field = {"[": "value", '{"k":': "structure"}.get(open)
        return (f'{{"{field}":{inner}}}' if field else inner).encode()
    status, _, body = post(running.address, "http1", f"/{NAME}/Echo", JSON, nested(most))
    assert status == 200, body
    status, _, body = post(running.address, "http1", f"/{NAME}/Echo", JSON, nested(most + 1))
    told = json.loads(body)
    assert (status, told["code"]) == (400, 3)
    assert "deeper" in told["message"] or "deeper" in json.dumps(told["details"]) or len(told["message"]) >= 250


def test_an_old_caller_who_names_no_host_is_served(running):
    import socket
    host, port = running.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"GET /v1/books/b HTTP/1.0\r\n\r\n")
        came = b""
        while piece := connection.recv(65536):
            came += piece
    assert came.startswith(b"HTTP/1.1 200 ") and b'"name":"b"' in came
