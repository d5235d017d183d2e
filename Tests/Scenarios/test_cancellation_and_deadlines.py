"""Who gives up, and who is told: cancellation in both directions, and the deadline on its way."""

import queue
import threading
import time

import grpc
import h2.events
import pytest

from harness import h2raw
from harness.backend import ask
from harness.caller import Caller, refusal
from harness.gateway import SERVICE, configuration, open_route

UNARY = f"/{SERVICE}/Unary"


@pytest.fixture
def caller(gateway, backend):
    with Caller(gateway(backend).address) as caller:
        yield caller


def test_a_cancelled_unary_call_is_cancelled_at_the_backend(caller, backend, tag):
    call = caller.unary_call(ask(tag=tag, hold=True))
    backend.wait_for_call(tag, "running")
    call.cancel()
    backend.wait_for_call(tag, "cancelled")


def test_a_cancelled_stream_is_cancelled_at_the_backend_mid_way(caller, backend, tag):
    call = caller.spread(ask(tag=tag, answers=1_000_000, answer_bytes=1000))
    for _ in range(10):
        next(call)
    call.cancel()
    backend.wait_for_call(tag, "cancelled")


def test_a_caller_whose_connection_breaks_is_cancelled_at_the_backend(gateway, backend, tag):
    gateway = gateway(backend)
    with h2raw.Client(gateway.address) as client:
        client.request(UNARY, h2raw.grpc_message(ask(tag=tag, hold=True).SerializeToString()))
        backend.wait_for_call(tag, "running")
        client.abort()
        backend.wait_for_call(tag, "cancelled")


def test_a_cancellation_disturbs_no_other_call_on_the_connection(caller, backend, tag):
    held = caller.unary_call(ask(tag=f"{tag}-held", hold=True))
    for number in range(20):
        call = caller.unary_call(ask(tag=f"{tag}-{number}", hold=True))
        backend.wait_for_call(f"{tag}-{number}", "running")
        call.cancel()
    backend.wait_for_call(f"{tag}-19", "cancelled")
    backend.release(f"{tag}-held")
    assert held.result().backend == "shared"


@pytest.mark.parametrize("code, expected", [
    (8, grpc.StatusCode.CANCELLED), (7, grpc.StatusCode.UNAVAILABLE), (2, grpc.StatusCode.INTERNAL),
    (11, grpc.StatusCode.RESOURCE_EXHAUSTED)], ids=["CANCEL", "REFUSED_STREAM", "INTERNAL_ERROR", "ENHANCE_YOUR_CALM"])
def test_a_backend_that_resets_a_call_is_heard_as_its_status(gateway, own, code, expected):
    server = own(h2raw.Server(lambda peer, _: peer.serve(lambda stream, fields: peer.reset(stream, code))))
    with Caller(gateway(server).address) as caller:
        assert caller.refusal(ask()).code == expected


def test_a_reset_after_the_answer_began_reaches_the_caller(gateway, own):
    began = threading.Event()

    def respond(peer, stream):
        peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        # A message of ten bytes of which five come: no message boundary, so no status can follow.
        peer.data(stream, h2raw.grpc_message(bytes(10))[:10])
        began.wait(20)
        peer.reset(stream, 2)
    server = own(h2raw.Server(lambda peer, _: peer.serve(lambda stream, fields: respond(peer, stream))))
    with h2raw.Client(gateway(server).address) as client:
        stream = client.request(UNARY, h2raw.grpc_message(b""))
        client.wait_kind(h2.events.DataReceived, stream)
        began.set()
        answer = client.answer(stream)
        assert answer.status == 200 and answer.reset is not None


class TestDeadlines:
    def test_the_deadline_is_sent_on_reduced(self, caller):
        remaining = caller.unary(ask(), timeout=60).time_remaining_ms
        # grpcio rounds up what it says, to a tenth of a second here.
        assert 30_000 < remaining <= 60_100

    def test_without_a_deadline_none_is_invented(self, caller):
        assert caller.unary(ask(), timeout=None).time_remaining_ms == -1

    def test_a_routes_timeout_caps_it(self, gateway, backend):
        with Caller(gateway(backend, routes=[open_route(timeout="20s")]).address) as caller:
            assert 0 < caller.unary(ask(), timeout=3600).time_remaining_ms <= 20_000
            assert 0 < caller.unary(ask(), timeout=None).time_remaining_ms <= 20_000
            assert 0 < caller.unary(ask(), timeout=15).time_remaining_ms <= 15_500

    def test_a_methods_timeout_replaces_its_routes(self, gateway, backend):
        routes = [open_route(timeout="5s", methods={"Erase": {"timeout": "60s"}})]
        with Caller(gateway(backend, routes=routes).address) as caller:
            assert caller.unary(ask(), timeout=None, method="Erase").time_remaining_ms > 10_000

    def test_a_passed_deadline_is_answered_by_us_and_the_backend_is_told(self, gateway, own):
        told = queue.SimpleQueue()

        def script(peer, _):
            # The first call makes the connection; the second is never answered.
            stream, _ = peer.next_request()
            peer.answer(stream, b"")
            stream, _ = peer.next_request()
            told.put(int(peer.wait_kind(h2.events.StreamReset, stream).error_code))
        gateway = gateway(configuration(own(h2raw.Server(script)), routes=[open_route(timeout="2s")], workers=1))
        with Caller(gateway.address) as caller:
            caller.unary(ask(), timeout=None)
            began = time.monotonic()
            seen = caller.refusal(ask(), timeout=None)
            assert seen.code == grpc.StatusCode.DEADLINE_EXCEEDED
            assert time.monotonic() - began > 1.9
            assert seen.reason, "our own refusals carry an ErrorInfo"
            assert told.get(timeout=20) == 8, "CANCEL"

    def test_the_callers_own_deadline_ends_it_at_the_backend_too(self, caller, backend, tag):
        assert caller.unary(ask("connected")).text == "connected"
        seen = caller.refusal(ask(tag=tag, hold=True), timeout=2)
        assert seen.code == grpc.StatusCode.DEADLINE_EXCEEDED
        backend.wait_for_call(tag, "cancelled")

    def test_a_running_stream_ends_with_the_deadline_in_its_trailers(self, gateway, backend, tag):
        gateway = gateway(backend, routes=[open_route(timeout="4s")])
        with Caller(gateway.address) as caller:
            call = caller.converse(_two_then_held(tag), timeout=None)
            assert next(call).text == "first"
            with pytest.raises(grpc.RpcError) as error:
                next(call)
            assert refusal(error.value).code == grpc.StatusCode.DEADLINE_EXCEEDED

    @pytest.mark.parametrize("text", ["", "5", "S", "123456789S", "-1S", "1.5S", "5s", "1 S", "+5S"])
    def test_a_malformed_deadline_is_the_callers_mistake(self, gateway, backend, text):
        with h2raw.Client(gateway(backend).address) as client:
            answer = client.call(UNARY, fields=[("grpc-timeout", text)])
            assert answer.grpc_status == 3 or answer.grpc_status == 13, answer
            assert client.call(UNARY).grpc_status == 0

    def test_no_time_at_all_is_up_at_once(self, gateway, backend):
        with h2raw.Client(gateway(backend).address) as client:
            assert client.call(UNARY, fields=[("grpc-timeout", "0S")]).grpc_status == 4

    @pytest.mark.parametrize("text", ["1H", "99999999H", "10M", "90000m", "90000000u", "9000000n"])
    def test_every_unit_is_understood(self, gateway, own, text):
        seen = []

        def script(peer, _):
            def respond(stream, fields):
                seen.append(dict(fields).get("grpc-timeout"))
                peer.answer(stream, b"")
            peer.serve(respond)
        server = own(h2raw.Server(script))
        with h2raw.Client(gateway(server).address) as client:
            assert client.call(UNARY, fields=[("grpc-timeout", text)]).grpc_status in (0, 4)
        if seen:
            assert nanoseconds(seen[0]) <= nanoseconds(text), "reduced, never more"
            assert len(seen[0]) <= 9


def nanoseconds(text):
    return int(text[:-1]) * {"H": 3600 * 10**9, "M": 60 * 10**9, "S": 10**9, "m": 10**6, "u": 1000, "n": 1}[text[-1]]


def _two_then_held(tag):
    yield ask("first")
    yield ask("never", tag=tag, hold=True)
