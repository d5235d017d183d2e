"""Heads and trailers that are larger than one side takes, and calls at window zero: one call's affair, told in the log."""

import socket

import h2.events
import h2.settings
import pytest

from harness import h2raw
from harness.gateway import SERVICE, configuration, open_route
from harness.waiting import eventually

UNARY = f"/{SERVICE}/Unary"
DETAILS = ("grpc-status-details-bin", "d" * (60 << 10))


@pytest.fixture
def scripted(gateway, own):
    """A gateway before a raw backend that answers each call as `respond(peer, stream)` does; paths with /fine get OK."""
    def build(respond, settings=None, **route):
        def script(peer, _):
            def answer(stream, fields):
                return peer.answer(stream, b"x") if dict(fields)[":path"].endswith("/fine") else respond(peer, stream)
            peer.serve(answer)
        backend = own(h2raw.Server(script, settings=settings))
        return gateway(configuration(backend, routes=[open_route(**route)], workers=1)), backend
    return build


def fine(client):
    assert client.call(f"/{SERVICE}/fine").grpc_status == 0


@pytest.mark.parametrize("trailing", [
    [("grpc-message", "not%20yet"), DETAILS], [DETAILS, ("grpc-message", "not%20yet")],
    [(f"x-{n}", "v") for n in range(101)] + [("grpc-message", "not%20yet")],
])
def test_large_trailers_leave_status_and_message(scripted, trailing):
    gateway, backend = scripted(lambda peer, stream: peer.answer(stream, status=9, trailing=trailing))
    with h2raw.Client(gateway.address) as client:
        answer = client.call(UNARY)
        assert answer.grpc_status == 9 and answer.field("grpc-message") == "not%20yet"
        assert answer.field("grpc-status-details-bin") is None
        fine(client)
    assert len(backend.peers) == 1


@pytest.mark.parametrize("content_type", ["application/grpc-web+proto", "application/connect+proto", "application/proto"])
def test_large_trailers_for_those_who_do_not_speak_grpc(scripted, content_type):
    gateway, backend = scripted(lambda peer, stream: peer.answer(stream, status=9, trailing=[DETAILS, ("grpc-message", "not%20yet")]))
    with h2raw.Client(gateway.address) as client:
        answer = client.call(UNARY, h2raw.grpc_message(b""), fields=[("content-type", content_type)])
        assert b"not" in answer.body and b"yet" in answer.body
        fine(client)
    assert len(backend.peers) == 1


def test_a_trailer_beyond_64_kib_ends_the_connection_and_ejects_nobody(scripted):
    gateway, backend = scripted(lambda peer, stream: peer.answer(stream, status=9, trailing=[("x", "~" * 100_000)]))
    with h2raw.Client(gateway.address) as client:
        assert client.call(UNARY).grpc_status == 14
        fine(client)
    reading = gateway.metrics()
    assert 'martlet_connections_ended_total{side="upstream",reason="header_compression"} 1' in reading.text
    gateway.process.wait_for(lambda line: "reason=header_compression" in line, "notice")


def test_a_backend_that_takes_little(scripted):
    gateway, backend = scripted(
        lambda peer, stream: peer.answer(stream, b"x"), {h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 8192})
    with h2raw.Client(gateway.address) as client:
        refused = client.call(UNARY, fields=[("x-large", "v" * 20_000)])
        assert refused.grpc_status == 8 and refused.field("grpc-message").endswith("bytes, at most 8192")
        assert client.call(UNARY).grpc_status == 0
        plain = client.call(UNARY, fields=[("x-large", "v" * 20_000), ("content-type", "application/proto")])
        assert plain.status == 431 and b"8192" in plain.body
    assert len(backend.peers) == 1


def test_a_caller_that_takes_little(scripted):
    gateway, _ = scripted(lambda peer, stream: peer.answer(
        stream, status=9, trailing=[("grpc-message", "short"), ("grpc-status-details-bin", "d" * 9000)]))
    with h2raw.Client(gateway.address, settings={h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 8192}) as client:
        answer = client.call(UNARY)
        assert answer.grpc_status == 9 and answer.field("grpc-message") == "short"
        assert answer.field("grpc-status-details-bin") is None
        fine(client)


def test_a_large_head_costs_its_call_over_http1(scripted):
    gateway, _ = scripted(lambda peer, stream: peer.answer(stream, b"x"))
    host, port = gateway.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for length in (70_000, 200_000):
            connection.sendall(
                f"POST {UNARY} HTTP/1.1\r\nhost: a\r\nx: {'v' * length}\r\ncontent-type: application/proto\r\ncontent-length: 0\r\n\r\n".encode())
            answer = connection.recv(65536)
            assert b" 431 " in answer.split(b"\r\n")[0] and b"61440 bytes" in answer
        try:
            connection.sendall(f"POST {UNARY} HTTP/1.1\r\nhost: a\r\nx: {'v' * 300_000}\r\n\r\n".encode())
        except ConnectionError:
            pass  # Not all of it is read.
        assert b" 431 " in connection.recv(65536).split(b"\r\n")[0]
    eventually(lambda: 'martlet_connections_ended_total{side="downstream",reason="header_section_too_large"} 1' in gateway.metrics().text,
               "the count")


def test_a_call_at_window_zero_gets_its_trailers(scripted):
    gateway, _ = scripted(lambda peer, stream: peer.answer(stream, b"x" * 95))
    settings = {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 100}
    with h2raw.Client(gateway.address, acknowledge=False, settings=settings) as client:
        answer = client.call(UNARY)
        assert answer.grpc_status == 0 and len(answer.body) == 100


@pytest.mark.parametrize("route, fields, detail", [
    ({}, [("grpc-timeout", "1500m")], "grpc_timeout_stream"), ({"timeout": "1500ms"}, [], "duration_timeout"),
])
def test_a_deadline_ends_a_call_that_has_data_left(scripted, route, fields, detail):
    gateway, _ = scripted(lambda peer, stream: peer.answer(stream, b"x" * 96), **route)
    settings = {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 100}
    with h2raw.Client(gateway.address, acknowledge=False, settings=settings) as client:
        fine(client)
        answer = client.call(UNARY, fields=fields)
        assert answer.reset == 8 and len(answer.body) == 100
    entry = gateway.wait_for_log(lambda line: line.get("path") == UNARY)
    assert entry["response_flags"] == "DT" and entry["detail"] == detail and entry["grpc_status"] == 4
