"""Leaving: running calls finish, new ones go elsewhere, nothing is lost."""

import signal

import grpc
import h2.events

from harness import h2raw
from harness.backend import Backend, ask
from harness.caller import Caller
from harness.gateway import SERVICE, configuration
from harness.waiting import eventually

UNARY = f"/{SERVICE}/Unary"


def held(client, tag):
    return client.request(UNARY, h2raw.grpc_message(ask("held", tag=tag, hold=True).SerializeToString()))


def goaways(client):
    return [event for event in client.events if isinstance(event, h2.events.ConnectionTerminated)]


def test_sigterm_finishes_running_calls_and_ends_with_status_zero(gateway, backend, tag):
    running = gateway(configuration(backend, drain={"timeout": "20s"}))
    with Caller(running.address) as caller:
        call = caller.unary_call(ask("held", tag=tag, hold=True))
        backend.wait_for_call(tag, "running")
        running.process.send(signal.SIGTERM)
        eventually(lambda: running.admin("/ready")[0] == 503, "/ready to fail")
        assert running.admin("/live")[0] == 200 and running.process.running()
        backend.release(tag)
        assert call.result().text == "held"
    assert running.process.exit_status() == 0


def test_goaway_comes_in_two_steps_and_a_call_between_them_is_served(gateway, backend, tag):
    running = gateway(configuration(backend, drain={"timeout": "20s"}))
    # h2 answers every PING at once: the first answer is held back, so that we stand between the steps.
    with h2raw.Client(running.address) as client:
        stream = held(client, tag)
        backend.wait_for_call(tag, "running")
        running.process.send(signal.SIGTERM)
        first = client.wait_kind(h2.events.ConnectionTerminated)
        assert first.last_stream_id == 2**31 - 1 and first.error_code == 0
        backend.release(tag)
        body = _answer_after_goaway(client, stream)
        assert b"held" in body
    assert running.process.exit_status() == 0


def test_idle_connections_are_told_and_closed(gateway, backend):
    running = gateway(configuration(backend, drain={"timeout": "300s"}))
    with h2raw.Client(running.address) as client:
        assert client.call(UNARY).grpc_status == 0
        running.process.send(signal.SIGTERM)
        client.wait_kind(h2.events.ConnectionTerminated)
        client.wait_end()
        assert running.process.exit_status() == 0, "long before the timeout"


def test_the_timeout_ends_what_does_not_end(gateway, backend, tag):
    running = gateway(configuration(backend, drain={"timeout": "500ms"}))
    with Caller(running.address) as caller:
        call = caller.unary_call(ask(tag=tag, hold=True))
        backend.wait_for_call(tag, "running")
        running.process.send(signal.SIGTERM)
        assert call.code() == grpc.StatusCode.UNAVAILABLE
        assert "shutting down" in call.details()
    running.process.stop()
    line = running.log()[-1]
    assert line["grpc_status"] == 14 and line["response_flags"] == "LR"
    backend.wait_for_call(tag, "cancelled")


def test_a_second_sigterm_ends_now(gateway, backend, tag):
    running = gateway(configuration(backend, drain={"timeout": "300s"}))
    with Caller(running.address) as caller:
        call = caller.unary_call(ask(tag=tag, hold=True))
        backend.wait_for_call(tag, "running")
        running.process.send(signal.SIGTERM)
        eventually(lambda: running.admin("/ready")[0] == 503, "/ready to fail")
        running.process.send(signal.SIGTERM)
        running.process.exit_status()
        assert call.code() == grpc.StatusCode.UNAVAILABLE


def test_with_a_delay_ready_fails_while_new_calls_are_still_served(gateway, backend):
    running = gateway(configuration(backend, drain={"delay": "60s", "timeout": "5s"}))
    running.process.send(signal.SIGTERM)
    eventually(lambda: running.admin("/ready")[0] == 503, "/ready to fail")
    with Caller(running.address) as caller:
        assert caller.unary(ask("still")).text == "still"
    assert running.process.running()


def test_after_the_delay_it_leaves(gateway, backend):
    running = gateway(configuration(backend, drain={"delay": "1s", "timeout": "60s"}))
    running.process.send(signal.SIGTERM)
    assert running.process.exit_status() == 0


def test_a_load_of_new_calls_over_a_drain_loses_none_that_was_accepted(gateway, own):
    """Callers with retries off see only UNAVAILABLE, and only for calls that the gateway never began."""
    backend = own(Backend("counting"))
    running = gateway(configuration(backend, drain={"timeout": "60s"}))
    outcomes = []
    with Caller(running.address) as caller:
        calls = [caller.unary_call(ask(str(number))) for number in range(200)]
        running.process.send(signal.SIGTERM)
        for call in calls:
            outcomes.append(call.code())
    assert set(outcomes) <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    assert running.process.exit_status() == 0
    assert backend.seen().started == outcomes.count(grpc.StatusCode.OK)


def _answer_after_goaway(client, stream):
    """`h2` takes no more frames after GOAWAY: the frames of the answer are read by hand."""
    from hyperframe.frame import DataFrame, Frame
    client.socket.settimeout(20)
    data, body = b"", b""
    while True:
        while len(data) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(data[:9]))
            if len(data) < 9 + length:
                break
            frame.parse_body(memoryview(data[9:9 + length]))
            data = data[9 + length:]
            if frame.stream_id == stream and isinstance(frame, DataFrame):
                body += frame.data
            if frame.stream_id == stream and "END_STREAM" in frame.flags:
                return body
        piece = client.socket.recv(65536)
        assert piece, "the connection ended before the answer did"
        data += piece
