"""Answers of plain HTTP backends, compressed where the route asks for it."""

import gzip
import http.client
import json
import socket
import threading
import zlib

import pytest

from harness import h2raw
from harness.gateway import Gateway, cluster, configuration
from harness.web import post

TEXT = b"a line of text that comes again and again\n" * 200
ACCEPT = {"accept-encoding": "gzip"}


class Backend:
    """HTTP/1.1, a request a connection: `answers` has the bytes of an answer by its path, or what writes it to the socket."""

    def __init__(self):
        self.answers, self.heads = {}, []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()

    def answer(self, path, body=TEXT, status="200 OK", type="text/plain; charset=utf-8", length=True, **fields):
        head = [f"HTTP/1.1 {status}", "connection: close", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
        head += [f"content-type: {type}"] if type else []
        head += [f"content-length: {len(body)}"] if length else []
        self.answers[path] = "\r\n".join(head).encode() + b"\r\n\r\n" + body
        return path

    def _accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := connection.recv(65536)):
                    return
                head += piece
            self.heads.append(head)
            method, path = head.split()[:2]
            answer = self.answers[path.decode()]
            try:
                if callable(answer):
                    answer(connection)
                else:
                    connection.sendall(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == b"HEAD" else answer)
            except OSError:
                pass


@pytest.fixture(scope="module")
def backend():
    with Backend() as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory, backend):
    routes = [
        {"path": "/off/*", "cluster": "web", "gzip": "off", "allow": "anyone"},
        {"path": "/all/*", "cluster": "web", "gzip": {"with_credentials": True, "min_bytes": "1B", "content_types": ["image/*"]}, "allow": "anyone"},
        {"path": "/pages/*", "cluster": "web", "allow": "anyone", "cors": {"origins": ["https://a.dev"]},
         "response_headers": {"set": {"x-size": "%{response.header.content-length|unknown}"}}},
        {"path": "/silent/*", "cluster": "web", "allow": "anyone",
         "response_headers": {"set": {"cache-control": "no-store"}, "remove": ["set-cookie", "content-range"]}},
        {"prefix": "/", "cluster": "web", "allow": "anyone"}]
    with Gateway(tmp_path_factory.mktemp("gzip"), configuration(
            gzip="on", clusters={"web": cluster(backend, protocol="http1")}, routes=routes, workers=1)) as gateway:
        yield gateway


def get(gateway, path, head=ACCEPT, version="http1", method="GET", see=None):
    return post(gateway.address, version, path, head, b"", method, see)


@pytest.mark.parametrize("version", ["http1", "http2"])
@pytest.mark.parametrize("length", [True, False])
def test_text_is_compressed_for_callers_who_take_it(running, backend, version, length):
    path = backend.answer("/text", length=length, etag='"v1"', accept_ranges="bytes", vary="Accept-Language", content_md5="x")
    status, head, body = get(running, path, version=version)
    assert status == 200 and gzip.decompress(body) == TEXT and len(body) < len(TEXT) / 10
    assert head["content-encoding"] == "gzip" and head["vary"] == "Accept-Language, accept-encoding" and head["etag"] == 'W/"v1"'
    # What is whole within one turn of the loop has its length again.
    assert not {"accept-ranges", "content-md5"} & set(head) and head.get("content-length", str(len(body))) == str(len(body))
    assert running.wait_for_log(lambda line: line["path"] == "/text" and line["bytes_sent"] == len(body))
    status, head, body = get(running, path, {"accept-encoding": "identity"}, version)
    assert body == TEXT and "content-encoding" not in head and head["vary"] == "Accept-Language, accept-encoding"
    assert head["etag"] == '"v1"' and head["accept-ranges"] == "bytes" and head["content-md5"] == "x"


@pytest.mark.parametrize("head", [{"cookie": "a=b"}, {"authorization": "Basic eDp5"}, {"accept-encoding": "gzip;q=0"}, {"accept-encoding": "br"}])
def test_an_answer_to_other_callers_says_that_it_differs(running, backend, head):
    _, answer, body = get(running, backend.answer("/others"), {**ACCEPT, **head})
    assert body == TEXT and answer["vary"] == "accept-encoding" and "content-encoding" not in answer


@pytest.mark.parametrize("answer", [
    {"type": "image/png"}, {"type": None}, {"type": "text/event-stream"}, {"body": b"short"}, {"cache_control": "max-age=1, no-transform"},
    {"content_encoding": "br"}, {"status": "206 Partial Content", "content_range": "bytes 0-8399/9000"}, {"status": "206 Partial Content"}])
def test_what_gains_nothing_or_must_not_change_passes_as_it_is(running, backend, answer):
    path = backend.answer("/as-it-is", etag='"v1"', **answer)
    status, head, body = get(running, path)
    assert body == answer.get("body", TEXT) and head["etag"] == '"v1"' and "vary" not in head
    assert head.get("content-encoding") == answer.get("content_encoding")


@pytest.mark.parametrize("fields", [{"cache_control": "no-transform"}, {"set_cookie": "a=b"}, {"content_range": "bytes 0-8399/9000"}])
@pytest.mark.parametrize("version", ["http1", "http2"])
def test_what_the_backend_forbids_counts_though_it_is_not_passed_on(running, backend, fields, version):
    _, head, body = get(running, backend.answer("/silent/text", **fields), version=version)
    assert body == TEXT and "content-encoding" not in head and head["cache-control"] == "no-store" and "set-cookie" not in head
    assert gzip.decompress(get(running, backend.answer("/silent/text"))[2]) == TEXT


def test_a_request_may_forbid_it(running, backend):
    _, head, body = get(running, backend.answer("/asked"), {**ACCEPT, "cache-control": "no-cache, no-transform"})
    assert body == TEXT and "content-encoding" not in head


def test_an_answer_that_sets_a_cookie_is_as_secret_as_its_request(running, backend):
    _, head, body = get(running, backend.answer("/cookie", set_cookie="a=b"))
    assert body == TEXT and "content-encoding" not in head
    _, head, body = get(running, backend.answer("/all/cookie", set_cookie="a=b", type="image/bmp"), {**ACCEPT, "cookie": "a=b"})
    assert gzip.decompress(body) == TEXT
    assert get(running, backend.answer("/all/text"))[2] == TEXT, "the route's own types"


def test_a_route_can_leave_it_off(running, backend):
    _, head, body = get(running, backend.answer("/off/text"))
    assert body == TEXT and "vary" not in head


@pytest.mark.parametrize("version", ["http1", "http2"])
def test_head_is_answered_as_get_would_be(running, backend, version):
    path = backend.answer("/head", etag='"v1"')
    status, head, body = get(running, path, version=version, method="HEAD")
    assert status == 200 and body == b"" and head["content-encoding"] == "gzip" and head["etag"] == 'W/"v1"' and "content-length" not in head


def test_a_304_names_the_tag_that_the_caller_has(running, backend):
    path = backend.answer("/same", b"", "304 Not Modified", None, False, etag='"v1"')
    _, head, _ = get(running, path, {**ACCEPT, "if-none-match": 'W/"v1"'})
    assert head["etag"] == 'W/"v1"' and head["vary"] == "accept-encoding"
    assert get(running, path, {**ACCEPT, "if-none-match": '"v1"'})[1]["etag"] == '"v1"'


def test_pages_of_other_origins_and_changed_fields_keep_theirs(running, backend):
    connection = http.client.HTTPConnection(*running.address.rsplit(":", 1), timeout=20)
    connection.request("GET", backend.answer("/pages/text"), headers={**ACCEPT, "origin": "https://a.dev"})
    answer = connection.getresponse()
    assert gzip.decompress(answer.read()) == TEXT and answer.getheader("x-size") == str(len(TEXT))
    assert sorted(answer.headers.get_all("vary")) == ["accept-encoding", "origin"]
    assert answer.getheader("access-control-allow-origin") == "https://a.dev"
    connection.close()


def test_http_1_0_gets_text_as_it_is(running, backend):
    path = backend.answer("/old")
    with socket.create_connection(running.address.rsplit(":", 1), timeout=20) as old:
        old.sendall(f"GET {path} HTTP/1.0\r\naccept-encoding: gzip\r\n\r\n".encode())
        came = b"".join(iter(lambda: old.recv(65536), b""))
    head, _, body = came.partition(b"\r\n\r\n")
    assert b"vary: accept-encoding" in head and b"content-encoding" not in head and body == TEXT


@pytest.mark.parametrize("version", ["http1", "http2"])
def test_a_slow_stream_is_not_held_back(running, backend, version):
    lines, taken = [b"line %d\n" % number * 3 for number in range(5)], threading.Semaphore(0)

    def slowly(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n")
        for line in lines:
            connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            # The next comes when this one has been read.
            assert taken.acquire(timeout=20)
        connection.sendall(b"0\r\n\r\n")

    backend.answers["/slow"] = slowly
    seen = [0]

    def see(came):
        plain = zlib.decompressobj(31).decompress(came)
        while seen[0] < len(lines) and plain.startswith(b"".join(lines[:seen[0] + 1])):
            seen[0] += 1
            taken.release()

    _, head, body = get(running, "/slow", version=version, see=see)
    assert head["content-encoding"] == "gzip" and gzip.decompress(body) == b"".join(lines)


@pytest.mark.parametrize("ending", [b"", b"zz\r\n"])
def test_an_answer_that_breaks_off_has_no_good_end(running, backend, ending):
    # More than comes with the head: what breaks there is refused as a whole.
    backend.answers["/broken"] = (b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n100000\r\n"
                                  + b"0123456789abcdef" * 0x10000 + b"\r\n" + ending)
    with pytest.raises((http.client.IncompleteRead, ConnectionError, ValueError)):
        get(running, "/broken")
    with h2raw.Client(running.address) as client:
        stream = client.request("/broken", method="GET", replace=["content-type", "te"], fields=[("accept-encoding", "gzip")])
        assert client.answer(stream).reset is not None


def test_trailers_come_behind_a_compressed_body(running, backend):
    backend.answers["/trailers"] = (b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
                                    b"5\r\nhello\r\n0\r\nx-sum: 7\r\ncontent-digest: sha-256=:x:\r\nDigest: x\r\netag: \"v1\"\r\n\r\n")
    with h2raw.Client(running.address) as client:
        stream = client.h2.get_next_available_stream_id()
        client.headers(stream, [(":method", "GET"), (":scheme", "http"), (":path", "/trailers"), (":authority", "a"), ("accept-encoding", "gzip")], end=True)
        answer = client.answer(stream)
        assert gzip.decompress(bytes(answer.body)) == b"hello" and list(answer.trailers) == [("x-sum", "7")]


def test_a_slow_reader_holds_its_backend_up(running, backend):
    """What cannot be compressed, 64 MiB of it: no more than windows and sockets hold is taken of the backend."""
    import random
    noise, sent = random.Random(1).randbytes(1 << 20), [0]

    def pour(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % (64 << 20))
        for _ in range(64):
            connection.sendall(noise)
            sent[0] += 1

    backend.answers["/pour"] = pour
    with socket.create_connection(running.address.rsplit(":", 1), timeout=20) as reader:
        reader.sendall(b"GET /pour HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n")
        assert b"content-encoding: gzip" in reader.recv(65536)
        before = -1
        while before != sent[0]:
            before = sent[0]
            threading.Event().wait(0.5)
        assert sent[0] < 32
        while reader.recv(1 << 20):
            pass
    assert sent[0] == 64
