"""Answers that end within a message, between two, or before the first: every caller is told, in its protocol."""

import base64
import http.client
import json
import threading

import h2.events
import pytest

from harness import h2raw, probe
from harness.gateway import cluster, configuration
from harness.h2raw import grpc_message
from harness.library import NAME, gateway_before, kinds
from harness.waiting import PATIENCE
from harness.web import CODES, frame, frames, post

BOOK = kinds.Book(title="t").SerializeToString()
WHOLE = grpc_message(BOOK)
PATH = f"/{NAME}/WatchBooks"
TYPES = {
    "web": "application/grpc-web+proto", "text": "application/grpc-web-text+proto", "connect": "application/connect+proto",
    "connect json": "application/connect+json",
}
#: What comes of the body before the end: whole messages, and a piece of another.
BODIES = {"none": (0, b""), "first": (0, WHOLE[:-1]), "header": (0, WHOLE[:3]), "later": (2, WHOLE[:-1]), "between": (2, b"")}
#: How it ends, and the code that the caller then gets; with a pair, the second where it ends within a message.
ENDS = {"ok": (0, 13), "not found": (5, 5), "no trailers": (2, 13), "internal": (13, 13), "cancel": (1, 1), "lost": (14, 14)}


#: By their names, what calls wait for before they end.
GATES = {}


def cut(peer, number):
    def respond(stream, fields):
        fields = dict(fields)
        count, piece = BODIES[fields["x-body"].replace("-", " ")]
        end = fields["x-end"].replace("-", " ")
        body = WHOLE * count + piece
        peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        if body:
            peer.data(stream, body)
        if gate := GATES.get(fields.get("x-gate")):
            gate.wait(PATIENCE)
        match end:
            case "ok": peer.headers(stream, [("grpc-status", "0")], end=True)
            case "not found": peer.headers(stream, [("grpc-status", "5"), ("grpc-message", "gone")], end=True)
            case "no trailers": peer.data(stream, b"", end=True)
            case "internal": peer.reset(stream, 2)
            case "cancel": peer.reset(stream, 8)
            case "lost": peer.abort()
    peer.serve(respond)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with h2raw.Server(cut) as server, gateway_before(server.address, tmp_path_factory.mktemp("cut")) as gateway:
        yield gateway


def plain(name, body):
    """A body without its base64, of which each piece is padded by itself."""
    if name != "text":
        return body
    pieces, rest = [], body
    while rest:
        end = rest.find(b"=")
        end = len(rest) if end < 0 else end + (2 if rest[end:end + 2] == b"==" else 1)
        pieces.append(base64.b64decode(rest[:end]))
        rest = rest[end:]
    return b"".join(pieces)


def ended(name, body):
    """How many messages came, and the code in the last frame."""
    body = plain(name, body)
    *messages, (flag, last) = frames(body)
    assert all(kind == 0 for kind, _ in messages)
    if name in ("web", "text"):
        assert flag == 0x80
        return len(messages), int(last.split(b"grpc-status:")[1].split(b"\r\n")[0])
    assert flag == 2
    return len(messages), CODES.index(json.loads(last).get("error", {"code": "ok"})["code"])


def has_come(name, body, count):
    """Whether so many messages are there. A piece of a message, or of its base64, is none."""
    try:
        return len(frames(plain(name, body))) >= count
    except (AssertionError, ValueError):
        return False


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "apart"])
@pytest.mark.parametrize("version", ["http1", "http2"])
@pytest.mark.parametrize("name", TYPES)
def test_streams_end_in_words(running, name, version, apart):
    ask = frame(b"{}" if name == "connect json" else b"")
    for body, (count, piece) in BODIES.items():
        for end, (between, within) in ENDS.items():
            headers = {"content-type": TYPES[name], "x-body": body, "x-end": end.replace(" ", "-")}
            if name == "text":
                headers["accept"] = TYPES[name]
            gate, see = threading.Event(), None
            if apart and count > 0:
                # The end comes when the messages before it have come to the caller.
                headers["x-gate"] = key = f"{name} {version} {body} {end}"
                GATES[key] = gate

                def see(came):
                    if has_come(name, came, count):
                        gate.set()
            sent = base64.b64encode(ask) if name == "text" else ask
            status, _, answer = post(running.address, version, PATH, headers, sent, see=see)
            assert see is None or gate.is_set(), "the messages came before the end"
            # A stream that is lost takes what had not left the codec with it.
            seen, code = ended(name, answer)
            assert (status, code) == (200, within if piece else between), (body, end)
            assert seen == count or (not apart and end in ("internal", "cancel", "lost")), (body, end)


@pytest.mark.parametrize("version", ["http1", "http2"])
def test_unary_connect_ends_in_words(running, version):
    for body in ("none", "first", "header"):
        for end, (between, within) in ENDS.items():
            headers = {"content-type": "application/proto", "connect-protocol-version": "1", "x-body": body,
                       "x-end": end.replace(" ", "-")}
            status, _, answer = post(running.address, version, f"/{NAME}/GetBook", headers, b"")
            # No message is no answer, whatever the status says.
            expected = within if body != "none" else 13 if end == "ok" else between
            assert CODES.index(json.loads(answer)["code"]) == expected and status >= 400, (body, end)


@pytest.mark.parametrize("version", ["http1", "http2"])
def test_rest_ends_in_words(running, version):
    for body, (count, piece) in BODIES.items():
        for end, (between, within) in ENDS.items():
            headers = {"accept": "application/x-ndjson", "x-body": body, "x-end": end.replace(" ", "-")}
            status, _, answer = post(running.address, version, "/v1/shelves/1/books:watch", headers, None, "GET")
            lines = [json.loads(line) for line in answer.splitlines()]
            expected = within if piece else between
            codes = [line["code"] for line in lines if "code" in line]
            assert codes == ([expected] if expected else []), (body, end, answer)


def test_native_callers_get_a_status_or_a_reset(running):
    for body, (count, piece) in BODIES.items():
        for end, (between, within) in ENDS.items():
            with h2raw.Client(running.address) as client:
                answer = client.call(PATH, fields=[("x-body", body), ("x-end", end.replace(" ", "-"))])
                if piece and end in ("internal", "cancel", "lost"):
                    # A head that had not left is withdrawn, and the call refused.
                    assert answer.reset is not None or answer.grpc_status == between, (body, end)
                else:
                    # What the messages are, native callers see for themselves.
                    assert answer.grpc_status == between, (body, end)


@pytest.mark.parametrize("protocol", probe.PLAIN)
def test_a_reset_by_the_backend_is_not_the_callers_fault(gateway, own, protocol):
    server = own(h2raw.Server(lambda peer, number: peer.serve(lambda stream, fields: peer.reset(stream, 8))))
    running = gateway(configuration(
        clusters={"web": cluster(server)}, routes=[{"cluster": "web", "allow": "anyone"}], access_log="stdout", workers=1))
    assert probe.send(running.address, "GET", "/a", protocol=protocol, authority="a").status == 502
    assert running.wait_for_log(lambda line: line.get("path") == "/a")["status"] == 502
    # What gRPC calls it, its callers are told.
    assert probe.send(running.address, "POST", "/a.S/Call", protocol="grpc", authority="a").code == 1


def broken_at_once(peer, number):
    """Head, a piece of a body and the end are one write, and so one read."""
    def respond(stream, fields):
        native = dict(fields).get("content-type") == "application/grpc"
        peer.h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc" if native else "text/plain")])
        peer.h2.send_data(stream, grpc_message(b"x" * 50)[:40] if native else b"x" * 2000)
        peer.h2.reset_stream(stream, 2)
        peer.flush()
    peer.serve(respond)


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("protocol", probe.PLAIN)
def test_an_answer_that_breaks_before_it_has_left_is_refused(gateway, own, protocol, gzip):
    server = own(h2raw.Server(broken_at_once))
    route = {"cluster": "web", "allow": "anyone"} | ({"gzip": "on"} if gzip else {})
    running = gateway(configuration(clusters={"web": cluster(server)}, routes=[route], access_log="stdout", workers=1))
    for _ in range(3):
        answer = probe.send(running.address, "GET", "/a", protocol=protocol, authority="a",
                            headers={"accept-encoding": "gzip"} if gzip else {})
        assert answer.status == 502 and "content-encoding" not in answer.headers and json.loads(answer.body)["code"] == 13
    line = running.wait_for_log(lambda line: line.get("path") == "/a")
    assert (line["status"], line["response_flags"]) == (502, "UR")
    # A message that had begun is no end: the caller is told one.
    with h2raw.Client(running.address) as client:
        answer = client.call("/a.S/Call")
        assert (answer.reset, answer.grpc_status, answer.body) == (None, 13, b"")


def test_a_message_that_had_begun_to_leave_can_only_be_cut_off(tmp_path, own):
    begun = threading.Event()

    def script(peer, number):
        def respond(stream, fields):
            peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
            peer.data(stream, grpc_message(b"x" * 200_000)[:150_000])
            begun.wait(PATIENCE)
            peer.headers(stream, [("grpc-status", "0")], end=True)
        peer.serve(respond)
    with gateway_before(own(h2raw.Server(script)).address, tmp_path) as gateway:
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            post(gateway.address, "http1", PATH, {"content-type": TYPES["web"]}, frame(b""), see=lambda came: begun.set())
        begun.clear()
        with h2raw.Client(gateway.address) as client:
            stream = client.request(PATH, frame(b""), fields=[("content-type", TYPES["web"])])
            client.wait_kind(h2.events.DataReceived, stream)
            begun.set()
            assert client.answer(stream).reset is not None
