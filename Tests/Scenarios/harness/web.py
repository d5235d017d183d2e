"""gRPC-Web and Connect by hand: requests made of bytes, answers taken apart."""

import base64
import gzip
import http.client
import json

from . import h2raw


def frame(payload, flag=0):
    return bytes([flag]) + len(payload).to_bytes(4, "big") + payload


def frames(data):
    """Flag and payload of each frame; the last must be whole."""
    found = []
    while data:
        length = int.from_bytes(data[1:5], "big")
        assert len(data) >= 5 + length, f"cut off: {data[:60]!r}"
        found.append((data[0], data[5:5 + length]))
        data = data[5 + length:]
    return found


def post(address, version, path, headers, body, method="POST", see=None):
    """Status, fields (lower-case names, last value wins) and body of the answer.

    `see` is called with what has come of the body whenever more has.
    """
    if version == "http1":
        host, port = address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            came = b""
            while see and (piece := answer.read1()):
                came += piece
                see(came)
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, came + answer.read()
        finally:
            connection.close()
    with h2raw.Client(address) as client:
        stream = client.h2.get_next_available_stream_id()
        named = [(":method", method), (":scheme", "http"), (":path", path), (":authority", headers.get("host", "localhost"))]
        client.headers(stream, named + [field for field in headers.items() if field[0] != "host"], end=not body)
        if body:
            client.data(stream, body, True)
        over = (h2raw.h2.events.StreamEnded, h2raw.h2.events.StreamReset)
        while see and not client.closed and not any(isinstance(event, over) for event in client.events):
            client.read_more(20)
            if came := client.body(stream):
                see(came)
        answer = client.answer(stream)
        assert answer.reset is None and not answer.trailers, answer
        return answer.status, dict(answer.head), bytes(answer.body)


class Result:
    """What a call came to: messages, code as gRPC's number, message, details and metadata."""

    def __init__(self, status, head):
        self.status, self.head = status, head
        self.messages, self.code, self.text, self.details, self.trailers = [], None, "", [], {}


CODES = ["ok", "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists", "permission_denied",
         "resource_exhausted", "failed_precondition", "aborted", "out_of_range", "unimplemented", "internal", "unavailable",
         "data_loss", "unauthenticated"]


def _plain(flag, payload):
    return gzip.decompress(payload) if flag & 1 else payload


class Web:
    """gRPC-Web, binary or text."""

    def __init__(self, text):
        self.text = text
        self.name = "application/grpc-web-text+proto" if text else "application/grpc-web+proto"

    def request(self, messages, *, compressed=False, timeout=None, unary=False):
        head = {"content-type": self.name, "x-grpc-web": "1", "accept": self.name}
        if compressed:
            head["grpc-encoding"] = "gzip"
        if timeout:
            head["grpc-timeout"] = f"{timeout}m"
        parts = [frame(gzip.compress(message) if compressed else message, 1 if compressed else 0) for message in messages]
        # Each by itself, with padding in the middle, as browsers send it.
        return head, b"".join(base64.b64encode(part) for part in parts) if self.text else b"".join(parts)

    def read(self, status, head, body):
        result = Result(status, head)
        assert status == 200 and head["content-type"] == self.name, (status, head, body)
        if self.text:
            body = b"".join(base64.b64decode(body[start:start + 4], validate=True) for start in range(0, len(body), 4))
        *messages, (flag, last) = frames(body)
        assert flag == 0x80
        result.messages = [_plain(*message) for message in messages]
        lines = last.decode().split("\r\n")
        assert lines.pop() == ""
        for line in lines:
            name, _, value = line.partition(": ")
            result.trailers[name] = value
        result.code = int(result.trailers.pop("grpc-status"))
        result.text = result.trailers.pop("grpc-message", "")
        result.details = result.trailers.pop("grpc-status-details-bin", None)
        return result


class Connect:
    """Connect with binary messages: a unary call, or a stream."""

    def __init__(self, unary):
        self.unary = unary
        self.name = "application/proto" if unary else "application/connect+proto"

    def request(self, messages, *, compressed=False, timeout=None, unary=False):
        head = {"content-type": self.name, "connect-protocol-version": "1"}
        if compressed:
            head["content-encoding" if self.unary else "connect-content-encoding"] = "gzip"
        if timeout:
            head["connect-timeout-ms"] = str(timeout)
        if self.unary:
            head["accept-encoding"] = "gzip;q=1, br"
            message, = messages
            return head, gzip.compress(message) if compressed else message
        head["connect-accept-encoding"] = "gzip"
        return head, b"".join(frame(gzip.compress(message) if compressed else message, 1 if compressed else 0) for message in messages)

    def read(self, status, head, body):
        result = Result(status, head)
        if self.unary:
            result.trailers = {name[8:]: value for name, value in head.items() if name.startswith("trailer-")}
            if status == 200:
                assert head["content-type"] == self.name, head
                result.code = 0
                result.messages = [gzip.decompress(body) if head.get("content-encoding") == "gzip" else body]
                return result
            assert head["content-type"] == "application/json", (status, head, body)
            error = json.loads(body)
        else:
            assert status == 200 and head["content-type"] == self.name, (status, head, body)
            *messages, (flag, last) = frames(body)
            assert flag == 2
            result.messages = [_plain(*message) for message in messages]
            end = json.loads(last)
            assert end.keys() <= {"error", "metadata"}
            result.trailers = {name: values[-1] for name, values in end.get("metadata", {}).items()}
            error = end.get("error", {"code": "ok"})
        result.code = CODES.index(error["code"])
        result.text = error.get("message", "")
        result.details = error.get("details", [])
        return result
