"""gzip on both sides: what is read and written, what is refused, and what passes as it is."""

import gzip
import http.client
import json
import random
import zlib

import pytest

from harness import h2raw
from harness.h2raw import grpc_message
from harness.library import NAME, Served, gateway_before, kinds
from harness.web import frame, frames, post

JSON = {"content-type": "application/json"}
LONG = {"title": "swift " * 500}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Served() as server, gateway_before(server.address, tmp_path_factory.mktemp("gzip")) as gateway:
        yield gateway


def ask(gateway, body, head={}, path="/v1/shelves/1/books", version="http1", method="POST"):
    return post(gateway.address, version, path, {**JSON, **head}, body, method)


@pytest.mark.parametrize("accept, packed", [("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0", False), ("br", False), (None, False)])
def test_an_answer_is_compressed_for_who_reads_that(running, accept, packed):
    status, head, body = ask(running, json.dumps(LONG).encode(), {"accept-encoding": accept} if accept else {"accept-encoding": "identity"})
    assert status == 200 and head["vary"] == "accept-encoding"
    assert (head.get("content-encoding") == "gzip") == packed
    assert json.loads(gzip.decompress(body) if packed else body) == LONG


def test_a_short_answer_stays_as_it_is(running):
    status, head, body = ask(running, b'{"title":"t"}', {"accept-encoding": "gzip"})
    assert "content-encoding" not in head and json.loads(body) == {"title": "t"}


def test_an_error_is_compressed_too(running):
    status, head, body = ask(running, b"", {"accept-encoding": "gzip"}, "/v1/books/x%2FNOT_FOUND%2Fnone", method="GET")
    assert status == 404 and json.loads(gzip.decompress(body) if "content-encoding" in head else body)["code"] == 5


def test_raw_bodies_are_their_owners_affair(running):
    status, head, body = ask(running, b"abc" * 500, {"content-type": "text/plain", "accept-encoding": "gzip"}, "/v1/files/a")
    assert status == 200 and "content-encoding" not in head and body == b"cba" * 500


@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/json", "text/event-stream"])
@pytest.mark.parametrize("version", ["http1", "http2"])
def test_streams_are_compressed_as_a_whole_with_their_errors(running, accept, version):
    head = {"accept": accept, "accept-encoding": "gzip"}
    for query, last in (("?pageSize=3", b'"pages":2'), ("?pageSize=2&tags=torn", b'"code":15')):
        status, answer, body = ask(running, b"", head, f"/v1/shelves/1/books:watch{query}", version, "GET")
        assert (status, answer["content-encoding"]) == (200, "gzip")
        plain = gzip.decompress(body)
        assert last in plain[-60:]
        if accept == "application/json":
            json.loads(plain)


@pytest.mark.parametrize("lines", [1, 2, 500])
def test_a_compressed_body_is_read(running, lines):
    books = [{"pages": number + 1} for number in range(lines)]
    body = gzip.compress(b"\n".join(json.dumps(book).encode() for book in books))
    status, _, answer = ask(running, body, {"content-encoding": "gzip"}, "/v1/books:import")
    assert (status, json.loads(answer)) == (200, {"books": books})


@pytest.mark.parametrize("packed", [False, True], ids=["identity", "gzip"])
@pytest.mark.parametrize("version", ["http1", "http2"])
@pytest.mark.parametrize("noisy", [False, True], ids=["even", "noisy"])
def test_streams_beyond_every_window_flow(running, version, noisy, packed):
    """Compressed, they are shorter on one side than on the other: neither side may wait for what the other never sends."""
    rng = random.Random(4)
    books = [{"title": rng.randbytes(2500).hex() if noisy else " ".join(rng.choices(["swift", "martin", "swallow"], k=700)), "pages": number + 1} for number in range(400)]
    lines = b"".join(json.dumps(book).encode() + b"\n" for book in books)
    head = {"content-encoding": "gzip", "accept-encoding": "gzip"} if packed else {"accept-encoding": "identity"}
    head["accept"] = "application/x-ndjson"
    status, answer, body = ask(running, gzip.compress(lines) if packed else lines, head, "/v1/books:exchange", version)
    assert status == 200 and (answer.get("content-encoding") == "gzip") == packed
    assert [json.loads(line) for line in (gzip.decompress(body) if packed else body).splitlines()] == books
    head = {"content-type": "application/connect+json", "connect-protocol-version": "1"}
    if packed:
        head |= {"connect-content-encoding": "gzip", "connect-accept-encoding": "gzip"}
    envelopes = b"".join(frame(gzip.compress(line) if packed else line, int(packed)) for line in lines.splitlines())
    status, _, body = post(running.address, version, f"/{NAME}/ExchangeBooks", head, envelopes)
    *messages, _ = frames(body)
    assert [json.loads(gzip.decompress(message) if flag else message) for flag, message in messages] == books


def test_what_compresses_is_given_back_however_a_call_ends(running):
    """There are 1024 readers of bodies and 256 writers: one more call than that, of which some are given up, finds one."""
    host, port = running.address.rsplit(":", 1)
    head = {**JSON, "content-encoding": "gzip", "accept-encoding": "gzip"}
    body = gzip.compress(b'{"pages":1}')
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    for number in range(1025):
        if number % 8 == 0:
            # Half of a body, and good-bye.
            given_up = http.client.HTTPConnection(host, int(port), timeout=20)
            given_up.request("POST", "/v1/books:exchange", body[:9], {**head, "content-length": str(len(body))})
            given_up.close()
        connection.request("POST", "/v1/books:exchange", body, head)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-encoding"]) == (200, "gzip")
        assert gzip.decompress(answer.read()) == b'[{"pages":1}]'
    connection.close()


def test_a_compressed_body_may_be_cut_anywhere(running):
    host, port = running.address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    body = gzip.compress(b'{"pages":1}\n{"pages":2}\n') + gzip.compress(b'{"pages":3}')
    connection.request("POST", "/v1/books:import", (bytes([byte]) for byte in body), {**JSON, "content-encoding": "gzip"}, encode_chunked=True)
    assert json.loads(connection.getresponse().read()) == {"books": [{"pages": 1}, {"pages": 2}, {"pages": 3}]}
    connection.close()


@pytest.mark.parametrize("body, words", [
    (b"{}", "gzip"), (gzip.compress(b'{"title":"t"}')[:-1], "gzip"), (gzip.compress(b"{}") + b"x", "gzip"), (zlib.compress(b"{}"), "gzip"),
    (gzip.compress(b'{"titel":1}'), "titel"),
])
@pytest.mark.parametrize("connect", [{}, {"connect-protocol-version": "1"}], ids=["rest", "connect"])
def test_what_is_no_gzip_is_refused(running, body, words, connect):
    status, _, answer = ask(running, body, {"content-encoding": "gzip", **connect}, f"/{NAME}/ReplaceBook")
    told = json.loads(answer)
    assert status == 400 and told["code"] == ("invalid_argument" if connect else 3) and words in told["message"]


@pytest.mark.parametrize("path, bomb", [
    ("/v1/shelves/1/books", gzip.compress(b'{"title":"' + b"a" * (16 << 20) + b'"}')),
    ("/v1/shelves/1/books", gzip.compress(b" " * (64 << 20) + b"{}")),
    # A stream, of which no message is too large: its ratio tells.
    ("/v1/books:import", gzip.compress(b"{}\n" * (8 << 20))),
])
@pytest.mark.parametrize("version", ["http1", "http2"])
def test_a_bomb_is_refused_before_it_is_unpacked(running, path, bomb, version):
    status, _, answer = ask(running, bomb, {"content-encoding": "gzip"}, path, version)
    assert (status, json.loads(answer)["code"]) == (413, 8) and "100 to 1" in json.loads(answer)["message"]


def test_a_bomb_in_a_stream_of_connect(running):
    bomb = frame(gzip.compress(b'{"title":"' + b"a" * (16 << 20) + b'"}'), 1)
    head = {"content-type": "application/connect+json", "connect-protocol-version": "1", "connect-content-encoding": "gzip"}
    status, _, body = post(running.address, "http1", f"/{NAME}/ExchangeBooks", head, bomb)
    assert status == 200 and json.loads(frames(body)[-1][1])["error"]["code"] == "resource_exhausted"


def test_what_cannot_be_read_is_refused_with_what_can(running):
    status, head, body = ask(running, b"{}", {"content-encoding": "br"})
    assert (status, head["accept-encoding"], json.loads(body)["code"]) == (415, "gzip, identity", 12)
    status, head, body = ask(running, b"{}", {"content-encoding": "br", "connect-protocol-version": "1"}, f"/{NAME}/ReplaceBook")
    assert (status, head["accept-encoding"], json.loads(body)["code"]) == (415, "gzip, identity", "unimplemented")
    status, head, body = ask(running, b"", {"content-type": "application/connect+json", "connect-content-encoding": "br"}, f"/{NAME}/ExchangeBooks")
    assert (status, head["connect-accept-encoding"]) == (200, "gzip, identity") and b"unimplemented" in body


# Backends that compress

def answering(own, *messages, encoding="gzip", seen=None):
    def script(peer, number):
        def respond(stream, head):
            if seen is not None:
                seen.append(dict(head))
            peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc"), ("grpc-encoding", encoding)])
            for message in messages:
                peer.data(stream, message)
            peer.headers(stream, [("grpc-status", "0")], end=True)
        peer.serve(respond)
    return own(h2raw.Server(script)).address


BOOK = kinds.Book(title="from afar")
PACKED = grpc_message(gzip.compress(BOOK.SerializeToString()), 1)
CALLERS = {
    "web": ({"content-type": "application/grpc-web+proto"}, frame(b"")),
    "connect-proto": ({"content-type": "application/proto"}, b""),
    "connect-proto-stream": ({"content-type": "application/connect+proto"}, frame(b"")),
    "connect-json": ({**JSON, "connect-protocol-version": "1"}, b"{}"),
    "connect-json-stream": ({"content-type": "application/connect+json"}, frame(b"{}")),
    "rest": (JSON, b"{}"),
}


def read(caller, head, body):
    assert not any(name in head for name in ("content-encoding", "grpc-encoding", "connect-content-encoding")), head
    if "stream" in caller or caller == "web":
        (flag, body), _ = frames(body)
        assert flag == 0
    return kinds.Book(**json.loads(body)) if "json" in caller or caller == "rest" else kinds.Book.FromString(body)


@pytest.mark.parametrize("caller", CALLERS)
def test_who_reads_no_gzip_gets_none_even_from_a_backend_that_does_not_ask(tmp_path, own, caller):
    seen = []
    with gateway_before(answering(own, PACKED, seen=seen), tmp_path) as gateway:
        head, body = CALLERS[caller]
        status, head, body = post(gateway.address, "http2", f"/{NAME}/ReplaceBook", head, body)
        assert status == 200 and read(caller, head, body) == BOOK
    # What is read here anyway may come compressed.
    assert ("gzip" in seen[0].get("grpc-accept-encoding", "")) == ("json" in caller or caller == "rest")


@pytest.mark.parametrize("message", [
    grpc_message(b"no gzip", 1), grpc_message(gzip.compress(b"\x0a\x01x")[:-2], 1), grpc_message(gzip.compress(bytes(64 << 20)), 1),
], ids=["none", "part", "bomb"])
@pytest.mark.parametrize("caller", CALLERS)
def test_what_a_backend_compressed_badly_is_its_fault(tmp_path, own, caller, message):
    with gateway_before(answering(own, message), tmp_path) as gateway:
        head, body = CALLERS[caller]
        status, head, body = post(gateway.address, "http1", f"/{NAME}/ReplaceBook", head, body)
        if caller == "rest":
            assert (status, json.loads(body)["code"]) == ((429, 8) if len(message) > 100 else (502, 13))
        elif caller == "web":
            assert b"grpc-status: 13" in body or b"grpc-status: 8" in body
        else:
            assert b'"internal"' in body or b'"resource_exhausted"' in body


def test_a_native_call_passes_whatever_its_encoding(tmp_path, own):
    with gateway_before(answering(own, grpc_message(b"rot13", 1), encoding="rot13"), tmp_path) as gateway, h2raw.Client(gateway.address) as client:
        answer = client.call(f"/{NAME}/ReplaceBook", grpc_message(b"ebg13", 1), fields=[("grpc-encoding", "rot13"), ("grpc-accept-encoding", "rot13")])
        assert answer.field("grpc-encoding") == "rot13" and bytes(answer.body) == grpc_message(b"rot13", 1) and answer.grpc_status == 0
