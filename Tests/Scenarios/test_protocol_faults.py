"""Who broke the protocol, as the access log tells it: `UPE` and `DPE` where the gateway ends a call for what it was sent, `UR` and `DR` where it was ended."""

import socket
import threading

import pytest

from harness import h2raw
from harness.gateway import SERVICE, cluster, configuration, open_route
from harness.h2raw import frame, grpc_message

UNARY = f"/{SERVICE}/Unary"
HEAD = [(":status", "200"), ("content-type", "application/grpc")]
TRAILERS = {
    "pseudo": [(":status", "200"), ("grpc-status", "0")], "connection": [("connection", "close"), ("grpc-status", "0")],
    "upper-case": [("Grpc-Status", "0")], "control": [("grpc-status", "0\x01")], "not-the-end": [("grpc-status", "0")],
}


def raw_trailers(peer, stream, name):
    peer.send_raw(frame(1, 4 if name == "not-the-end" else 5, stream, peer.h2.encoder.encode(TRAILERS[name])))


def line(running, flag, detail):
    found = running.wait_for_log(lambda line: line.get("response_flags"), "the line")
    assert (found["response_flags"], found["detail"]) == (flag, detail)
    return found


@pytest.mark.parametrize("is_whole", [True, False], ids=["between", "within"])
@pytest.mark.parametrize("name", TRAILERS)
def test_malformed_trailers_of_an_endpoint(gateway, own, name, is_whole):
    def script(peer, _):
        def answer(stream, fields):
            peer.headers(stream, HEAD)
            peer.data(stream, grpc_message(b"hello") if is_whole else grpc_message(b"hello")[:-1])
            raw_trailers(peer, stream, name)
        peer.serve(answer)
    running = gateway(configuration(own(h2raw.Server(script)), access_log="stdout", workers=1))
    with h2raw.Client(running.address) as client:
        answer = client.call(UNARY)
    assert answer.grpc_status == 13 if is_whole else answer.reset is not None
    assert line(running, "UPE", "upstream_protocol_error")["grpc_status"] == 13


@pytest.mark.parametrize("code", [1, 2, 8])
def test_a_reset_of_an_endpoint_is_one_whatever_its_code(gateway, own, code):
    def script(peer, _):
        def answer(stream, fields):
            peer.headers(stream, HEAD)
            peer.reset(stream, code)
        peer.serve(answer)
    running = gateway(configuration(own(h2raw.Server(script)), access_log="stdout", workers=1))
    with h2raw.Client(running.address) as client:
        client.call(UNARY)
    line(running, "UR", "upstream_remote_reset")


def test_a_head_that_came_with_its_reset_is_replaced_by_a_status(gateway, own):
    def script(peer, _):
        def answer(stream, fields):
            head = peer.h2.encoder.encode(HEAD)
            peer.send_raw(frame(1, 4, stream, head) + frame(0, 0, stream, grpc_message(b"hello")[:6]) + frame(3, 0, stream, bytes([0, 0, 0, 2])))
        peer.serve(answer)
    running = gateway(configuration(own(h2raw.Server(script)), access_log="stdout", workers=1))
    with h2raw.Client(running.address) as client:
        answer = client.call(UNARY)
    assert answer.reset is None and dict(answer.head)["grpc-status"] == "13" and not answer.body
    assert line(running, "UR", "upstream_remote_reset")["grpc_status"] == 13


@pytest.fixture
def waiting(gateway, own):
    """Before an endpoint that awaits the end of a request."""
    def script(peer, _):
        def answer(stream, fields):
            if ("x-answer", "1") in fields:
                peer.headers(stream, HEAD)
        peer.serve(answer)
    return gateway(configuration(own(h2raw.Server(script)), access_log="stdout", workers=1))


@pytest.mark.parametrize("answered", ["0", "1"])
@pytest.mark.parametrize("name", TRAILERS)
def test_malformed_trailers_of_a_caller(waiting, name, answered):
    with h2raw.Client(waiting.address) as client:
        stream = client.request(UNARY, grpc_message(b""), end=False, fields=[("x-answer", answered)])
        raw_trailers(client, stream, name)
        assert client.answer(stream).reset == 1
    line(waiting, "DPE", "downstream_protocol_error")


@pytest.mark.parametrize("code", [1, 8])
def test_a_reset_of_a_caller_is_one_whatever_its_code(waiting, code):
    with h2raw.Client(waiting.address) as client:
        stream = client.request(UNARY, grpc_message(b""), end=False)
        client.ping()
        client.reset(stream, code)
        client.ping()
    line(waiting, "DR", "downstream_remote_reset")


CHUNKED = "POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture
def plain(gateway, own):
    """Before an endpoint that speaks HTTP/1.1 and answers with what it is told to."""
    answers = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connection.recv(65536)
            if answers:
                connection.sendall(answers.pop())
                connection.close()
    threading.Thread(target=serve, daemon=True).start()
    address = "127.0.0.1:%d" % listening.getsockname()[1]
    yield gateway(configuration(clusters={"web": cluster(address, protocol="http1")}, access_log="stdout", workers=1, routes=[
        {"name": "web", "cluster": "web", "allow": "anyone"}])), answers
    listening.close()


def exchange(address, *pieces):
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece.encode())
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except ConnectionError:
            return b""


@pytest.mark.parametrize("rest, detail", [
    ("5\r\nhello\r\nzz\r\n", "downstream_protocol_error"), ("5\r\nhello!\r\n", "downstream_protocol_error"),
    ("0\r\nx y: 1\r\n\r\n", "downstream_protocol_error"), ("0\r\ncontent-length: 1\r\n\r\n", "downstream_protocol_error"),
    ("0\r\n" + "".join(f"x-{number}: {'y' * 1000}\r\n" for number in range(330)) + "\r\n", "request_headers_too_large"),
    ("0\r\nx: " + "y" * 400_000 + "\r\n\r\n", "request_headers_too_large")],
    ids=["size", "end", "trailer-name", "trailer-forbidden", "many-trailers", "long-trailer"])
def test_a_body_over_http1_that_cannot_be_read(plain, rest, detail):
    running, _ = plain
    exchange(running.address, CHUNKED, "2\r\nab\r\n", rest)
    line(running, "DPE", detail)


def test_an_answer_over_http1_that_cannot_be_read(plain):
    running, answers = plain
    answers.append(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")
    exchange(running.address, "GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    line(running, "UPE", "upstream_protocol_error")
