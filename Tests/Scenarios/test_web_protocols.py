"""gRPC-Web and Connect callers before gRPC backends: every kind of call, over HTTP/1.1 and HTTP/2."""

import base64
import gzip
import threading

import pytest
from google.rpc import error_details_pb2, status_pb2

from harness import h2raw
from harness.backend import ask, metadata, pb
from harness.gateway import SERVICE, Gateway, authentication, cluster, configuration, listener, open_route
from harness.h2raw import grpc_message
from harness.tokens import SigningKey
from harness.waiting import PATIENCE
from harness.web import Connect, Web, frame, frames, post
from harness.web_backend import WebBackend

PROTOCOLS = {"web": Web(False), "web-text": Web(True), "connect": Connect(True), "connect-stream": Connect(False)}
STREAMS = ["web", "web-text", "connect-stream"]
VERSIONS = ["http1", "http2"]


@pytest.fixture(scope="module")
def running(tmp_path_factory, backend):
    with Gateway(tmp_path_factory.mktemp("web"), configuration(backend, workers=1)) as gateway:
        yield gateway


def call(gateway, name, version, method, *asks, headers={}, see=None, **options):
    protocol = PROTOCOLS[name]
    head, body = protocol.request([one.SerializeToString() for one in asks], **options)
    path = method if method.startswith("/") else f"/{SERVICE}/{method}"
    return protocol.read(*post(gateway.address, version, path, {**head, **headers}, body, see=see))


def answers(result):
    return [pb.Answer.FromString(message) for message in result.messages]


@pytest.mark.parametrize("compressed", [False, True], ids=["identity", "gzip"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_unary_call(running, name, version, compressed):
    result = call(running, name, version, "Unary", ask("hello", initial=[("x-first", "1")], trailing=[("x-last", "2"), ("x-bits-bin", b"\0\xff")]),
                  compressed=compressed, headers={"x-mine": "yes"})
    assert result.code == 0 and [answer.text for answer in answers(result)] == ["hello"]
    assert result.head["x-first"] == "1" and result.trailers["x-last"] == "2"
    assert base64.b64decode(result.trailers["x-bits-bin"] + "==") == b"\0\xff"
    seen = metadata(answers(result)[0])
    assert seen["x-mine"] == ["yes"] and not any(key.startswith(("connect-", "x-grpc-web")) for key in seen)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", STREAMS)
def test_the_streaming_kinds(running, name, version):
    many = call(running, name, version, "Spread", ask("s", answers=5))
    assert many.code == 0 and [answer.index for answer in answers(many)] == [0, 1, 2, 3, 4]
    assert call(running, name, version, "Spread", ask("s", answers=0)).messages == []
    one = call(running, name, version, "Collect", *[ask(str(n)) for n in range(7)], compressed=True)
    assert one.code == 0 and answers(one)[0].received == 7
    both = call(running, name, version, "Converse", *[ask(str(n)) for n in range(4)])
    assert both.code == 0 and [answer.text for answer in answers(both)] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PROTOCOLS)
def test_messages_of_any_size_both_ways(running, name, version, size):
    result = call(running, name, version, "Unary", ask("big", payload=b"\x7f" * size, answer_bytes=size))
    answer, = answers(result)
    assert answer.received_bytes == size and answer.payload == bytes(size)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PROTOCOLS)
def test_an_empty_message(running, name, version):
    assert answers(call(running, name, version, "Unary", pb.Ask(), compressed=name == "connect"))[0].received == 1 if name != "connect" \
        else answers(PROTOCOLS[name].read(*post(running.address, version, f"/{SERVICE}/Unary", {"content-type": "application/proto"}, b"")))[0].received == 1


@pytest.mark.parametrize("code", range(1, 17))
@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_status_with_its_message(running, name, code):
    result = call(running, name, "http1", "Unary", ask("x", fail_code=code, fail_message="so, 100 % wröng", trailing=[("x-why", "because")]))
    assert result.code == code and result.messages == [] and result.trailers["x-why"] == "because"
    assert result.text in ("so, 100 % wröng", "so, 100 %25 wr%C3%B6ng")
    expected = {1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 13: 500, 14: 503, 15: 500, 16: 401}
    assert result.status == (expected[code] if name == "connect" else 200)


@pytest.mark.parametrize("name", STREAMS)
def test_a_status_behind_messages(running, name):
    result = call(running, name, "http1", "Spread", ask("x", answers=2, fail_code=10, fail_message="enough"))
    assert (len(result.messages), result.code, result.text) == (2, 10, "enough")


def test_a_unary_error_behind_its_message_is_an_error(gateway, own):
    """The answer waits for the status, so that it has the right HTTP code."""
    def script(peer, number):
        peer.serve(lambda stream, head: peer.answer(stream, b"message", status=9))
    server = own(h2raw.Server(script))
    result = call(gateway(server), "connect", "http1", "Unary", ask("x"))
    assert (result.code, result.status) == (9, 400)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_compressed_answers_pass_with_their_encoding(gateway, own, name):
    seen = {}

    def script(peer, number):
        def respond(stream, head):
            seen.update(head)
            peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc"), ("grpc-encoding", "gzip")])
            peer.data(stream, grpc_message(gzip.compress(b"packed"), 1))
            peer.headers(stream, [("grpc-status", "0")], end=True)
        peer.serve(respond)
    server = own(h2raw.Server(script))
    result = call(gateway(server), name, "http2", "Unary", ask("x"), headers={"grpc-accept-encoding": "gzip"} if name.startswith("web") else {})
    assert result.messages == [b"packed"]
    assert seen["grpc-accept-encoding"] == "gzip" and seen["content-type"].startswith("application/grpc") and seen["te"] == "trailers"


@pytest.mark.parametrize("name", PROTOCOLS)
def test_details_arrive(gateway, own, name):
    status = status_pb2.Status(code=9, message="no")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="R", domain="d"))
    encoded = base64.b64encode(status.SerializeToString()).decode().rstrip("=")

    def script(peer, number):
        peer.serve(lambda stream, head: peer.answer(stream, status=9, trailing=[("grpc-message", "no"), ("grpc-status-details-bin", encoded)]))
    result = call(gateway(own(h2raw.Server(script))), name, "http1", "Unary", ask("x"))
    assert result.code == 9
    if name.startswith("web"):
        assert result.details == encoded
    else:
        assert result.details[0]["type"] == "google.rpc.ErrorInfo"
        info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(result.details[0]["value"] + "=="))
        assert info.reason == "R" and "=" not in result.details[0]["value"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_gateways_own_refusals(gateway, backend, name, version):
    key = SigningKey("ES256")
    running = gateway(backend, authentication=authentication(key), routes=[
        {"name": "closed", "service": SERVICE, "cluster": "kinds", "allow": {"scopes": ["x"]}}])
    result = call(running, name, version, "Unary", ask("x"))
    assert result.code == 16 and "token" in result.text and result.head["www-authenticate"].startswith("Bearer")
    assert result.status == (401 if name == "connect" else 200) and result.details
    nowhere = call(running, name, version, "/no.Such/Thing", ask("x"))
    assert nowhere.code == 12 and nowhere.details


@pytest.mark.parametrize("name", PROTOCOLS)
def test_deadlines(running, name, tag):
    result = call(running, name, "http1", "Unary", ask("x", tag=tag, hold=True), timeout=200)
    assert result.code == 4 and result.status == (504 if name == "connect" else 200)
    assert answers(call(running, name, "http1", "Unary", ask("x"), timeout=50_000))[0].time_remaining_ms > 10_000


@pytest.mark.parametrize("timeout", ["-1", "1x", "12345678901", ""])
def test_a_malformed_connect_timeout(running, timeout):
    result = call(running, "connect", "http1", "Unary", ask("x"), headers={"connect-timeout-ms": timeout})
    assert (result.code, result.status) == (3, 400) and "connect-timeout-ms" in result.text


@pytest.mark.parametrize("body", [b"!!!!", b"AAAAA", b"AAAAAAA", b"AAA=AAAA=AAA"])
def test_text_that_is_no_base64(running, body):
    protocol = PROTOCOLS["web-text"]
    result = protocol.read(*post(running.address, "http1", f"/{SERVICE}/Unary", {"content-type": protocol.name}, body))
    assert result.code == 3


def test_text_cut_anywhere_is_read(running):
    import http.client
    protocol = PROTOCOLS["web-text"]
    head, body = protocol.request([ask(str(number)).SerializeToString() for number in range(3)])
    host, port = running.address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.request("POST", f"/{SERVICE}/Converse", (bytes([byte]) for byte in body), head, encode_chunked=True)
    answer = connection.getresponse()
    result = protocol.read(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    assert [one.text for one in answers(result)] == ["0", "1", "2"]


def test_accept_chooses_the_form_of_a_gRPC_web_answer(running):
    head, body = PROTOCOLS["web"].request([ask("x").SerializeToString()])
    answer = post(running.address, "http1", f"/{SERVICE}/Unary", {**head, "accept": "application/grpc-web-text"}, body)
    assert [one.text for one in answers(PROTOCOLS["web-text"].read(*answer))] == ["x"]


@pytest.mark.parametrize("kind", ["application/json", "application/connect+json", "application/connect+xml"])
def test_what_needs_a_schema_is_refused_with_415_or_in_the_stream(running, kind):
    status, head, body = post(running.address, "http1", f"/{SERVICE}/Unary", {"content-type": kind, "connect-protocol-version": "1"}, b"{}")
    if kind == "application/json":
        assert status == 415
    else:
        assert status == 200 and frames(body)[0][0] == 2 and b"unimplemented" in body


@pytest.mark.parametrize("kind", ["application/grpc-web+json", "application/grpc-web-text+json", "application/grpc-web+thrift"])
def test_grpc_web_with_another_codec_is_refused(running, kind):
    """It would reach the upstream as if it were protobuf."""
    status, head, body = post(running.address, "http1", f"/{SERVICE}/Unary", {"content-type": kind}, frame(b"{}"))
    assert status == 200 and b"grpc-status: 12" in (base64.b64decode(body) if "text" in kind else body)


@pytest.mark.parametrize("name", STREAMS)
def test_messages_arrive_while_the_call_goes_on(running, backend, name, tag):
    import http.client
    protocol = PROTOCOLS[name]
    head, body = protocol.request([ask("first").SerializeToString(), ask("second", tag=tag, hold=True).SerializeToString()])
    host, port = running.address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.request("POST", f"/{SERVICE}/Converse", body, head)
    answer = connection.getresponse()
    early = answer.read1()
    assert b"first" in (base64.b64decode(early) if name == "web-text" else early)
    backend.release(tag)
    result = protocol.read(answer.status, {key.lower(): value for key, value in answer.getheaders()}, early + answer.read())
    assert [one.text for one in answers(result)] == ["first", "second"]


@pytest.mark.parametrize("name", STREAMS)
def test_a_backend_that_dies_ends_the_stream_in_words(gateway, own, name):
    arrived = threading.Event()

    def script(peer, number):
        def respond(stream, head):
            peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
            peer.data(stream, grpc_message(b"one"))
            # A reset right behind a message may take it along.
            arrived.wait(PATIENCE)
            peer.reset(stream, 2)
        peer.serve(respond)
    result = call(gateway(own(h2raw.Server(script))), name, "http1", "Unary", ask("x"), see=lambda came: arrived.set())
    assert result.messages == [b"one"] and result.code == 13


def test_a_caller_who_leaves_is_noticed(running, backend, tag):
    import socket
    head, body = PROTOCOLS["connect-stream"].request([ask("x", tag=tag, hold=True).SerializeToString()])
    host, port = running.address.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as connection:
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        connection.sendall(f"POST /{SERVICE}/Spread HTTP/1.1\r\nhost: a\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body)
        backend.wait_for_call(tag)
    backend.wait_for_call(tag, "cancelled")


def test_one_log_line_with_grpcs_status(running, tag):
    call(running, "connect", "http1", "Unary", ask("x", fail_code=9), headers={"user-agent": tag})
    line = running.wait_for_log(lambda line: line.get("user_agent") == tag)
    assert (line["status"], line["grpc_status"], line["protocol"]) == (400, 9, "HTTP/1.1")


def test_before_an_http_1_cluster_nothing_is_converted(gateway, own):
    rest = own(WebBackend())
    running = gateway(configuration(clusters={"web": cluster(rest, protocol="http1")},
                                    routes=[{"name": "all", "service": SERVICE, "cluster": "web", "allow": "anyone"}]))
    post(running.address, "http1", f"/{SERVICE}/Unary", {"content-type": "application/proto"}, b"\x0a\x01x")
    fields = {name.lower(): value for name, value in rest.requests[0]["fields"]}
    assert fields["content-type"] == "application/proto" and rest.requests[0]["body"] == "\x0a\x01x"
