"""Every protocol a caller may speak, times every kind of call, with and without gzip, before grpcio's server."""

import base64
import gzip
import json

import grpc
import pytest
from google.protobuf import json_format

from harness.library import NAME, Served, gateway_before, kinds, kinds_grpc
from harness.web import frame, frames, post

# Long enough that compressing them is worth it.
BOOKS = [kinds.Book(title=f"{number} " + "swift " * 200, pages=number) for number in range(1, 4)]
# Method, what goes in, and what comes out.
KINDS = {
    "unary": ("ReplaceBook", BOOKS[:1], BOOKS[:1]),
    "server": ("WatchBooks", [kinds.ListBooksRequest(parent="shelves/1", page_size=3)], [kinds.Book(pages=number) for number in range(3)]),
    "client": ("ImportBooks", BOOKS, [kinds.ListBooksResponse(books=BOOKS)]),
    "bidi": ("ExchangeBooks", BOOKS, BOOKS),
}


class Native:
    """grpcio's own client."""

    def call(self, address, version, kind, method, asks, packed):
        with grpc.insecure_channel(address, compression=grpc.Compression.Gzip if packed else None) as channel:
            stub = getattr(kinds_grpc.LibraryStub(channel), method)
            asked = iter(asks) if kind in ("client", "bidi") else asks[0]
            answer = stub(asked, timeout=30)
            return list(answer) if kind in ("server", "bidi") else [answer], packed


class Framed:
    """gRPC-Web in both forms, and Connect's streams in both codecs: messages in frames."""

    def __init__(self, name, prefix="", text=False, codec="proto"):
        self.name, self.prefix, self.text, self.codec = name, prefix, text, codec

    def write(self, message):
        return message.SerializeToString() if self.codec == "proto" else json_format.MessageToJson(message).encode()

    def read(self, flag, payload, message):
        payload = gzip.decompress(payload) if flag & 1 else payload
        return message.FromString(payload) if self.codec == "proto" else json_format.Parse(payload, message())

    def call(self, address, version, kind, method, asks, packed):
        head = {"content-type": self.name, "connect-protocol-version" if self.prefix == "connect-content-" else "x-grpc-web": "1"}
        if packed:
            head[self.prefix + "encoding"] = "gzip"
            head["grpc-accept-encoding" if self.prefix == "grpc-" else "connect-accept-encoding"] = "br, gzip"
        body = b"".join(frame(gzip.compress(self.write(ask)) if packed else self.write(ask), int(packed)) for ask in asks)
        status, head, body = post(address, version, f"/{NAME}/{method}", head, base64.b64encode(body) if self.text else body)
        assert status == 200 and head["content-type"].startswith(self.name), (status, head, body)
        if self.text:
            body = b"".join(base64.b64decode(body[start:start + 4], validate=True) for start in range(0, len(body), 4))
        *messages, (flag, end) = frames(body)
        assert flag in (0x80, 2) and (b"grpc-status: 0" in end if flag == 0x80 else "error" not in json.loads(end)), end
        return [self.read(*message, answer_type(method)) for message in messages], all(flag == 1 for flag, _ in messages)


class ConnectUnary(Framed):
    """A bare message each way; other kinds are streams."""

    def call(self, address, version, kind, method, asks, packed):
        if kind != "unary":
            return Framed(f"application/connect+{self.codec}", "connect-content-", codec=self.codec).call(
                address, version, kind, method, asks, packed)
        head = {"content-type": self.name, "connect-protocol-version": "1", "accept-encoding": "gzip" if packed else "identity"}
        if packed:
            head["content-encoding"] = "gzip"
        body = gzip.compress(self.write(asks[0])) if packed else self.write(asks[0])
        status, head, body = post(address, version, f"/{NAME}/{method}", head, body)
        assert status == 200 and head["content-type"] == self.name, (status, head, body)
        is_packed = head.get("content-encoding") == "gzip"
        return [self.read(int(is_packed), body, answer_type(method))], is_packed


class Rest:
    """HTTP and JSON by the methods' own paths; streams are lines."""

    def call(self, address, version, kind, method, asks, packed):
        head = {"content-type": "application/json", "accept": "application/x-ndjson"}
        body = b"\n".join(json.dumps(json_format.MessageToDict(ask)).encode() for ask in asks)
        if packed:
            head |= {"content-encoding": "gzip", "accept-encoding": "deflate, gzip"}
            body = gzip.compress(body)
        status, head, body = post(address, version, f"/{NAME}/{method}", head, body)
        assert status == 200, (status, head, body)
        is_packed = head.get("content-encoding") == "gzip"
        assert head["vary"] == "accept-encoding"
        body = gzip.decompress(body) if is_packed else body
        if kind in ("server", "bidi"):
            assert head["content-type"] == "application/x-ndjson"
        return [json_format.Parse(line, answer_type(method)()) for line in body.splitlines()], is_packed


CALLERS = {
    "grpc": Native(),
    "web": Framed("application/grpc-web+proto", "grpc-"),
    "web-text": Framed("application/grpc-web-text+proto", "grpc-", text=True),
    "connect-proto": ConnectUnary("application/proto"),
    "connect-json": ConnectUnary("application/json", codec="json"),
    "rest": Rest(),
}


def answer_type(method):
    return kinds.ListBooksResponse if method == "ImportBooks" else kinds.Book


@pytest.fixture(scope="module", params=["identity", "gzip"])
def packed(request):
    return request.param == "gzip"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The backend compresses for whoever can read it: the gateway always can."""
    with Served(grpc.Compression.Gzip) as server, gateway_before(server.address, tmp_path_factory.mktemp("product")) as gateway:
        yield gateway


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("caller, version", [(name, version) for name in CALLERS for version in ("http1", "http2") if (name, version) != ("grpc", "http1")])
def test_every_caller_reaches_every_kind_of_method(running, caller, version, kind, packed):
    method, asks, wanted = KINDS[kind]
    answers, is_packed = CALLERS[caller].call(running.address, version, kind, method, asks, packed)
    assert answers == wanted
    # Messages of a few bytes are not worth it.
    if kind != "server":
        assert is_packed == packed
