"""Backends that leave, refuse, misbehave: what is safe is tried again, and what is not is said."""

import threading

import grpc
import h2.events
import h2.settings
import pytest

from harness import h2raw
from harness.backend import Backend, ask
from harness.caller import Caller
from harness.gateway import SERVICE, cluster, configuration, open_route

UNARY = f"/{SERVICE}/Unary"


def started(own, script, **options):
    return own(h2raw.Server(script, **options))


class TestGoaway:
    def test_calls_above_the_last_id_are_tried_again_on_a_new_connection(self, gateway, own):
        """The first connection takes one call, says GOAWAY below the others, and never answers those."""
        served = []

        def script(peer, number):
            def respond(stream, fields):
                served.append((number, stream))
                if number > 0:
                    peer.answer(stream, b"second")
                elif stream == 1:
                    # Now others may come; they are above the last id.
                    peer.goaway_raw(last=1)
                    peer.answer(stream, b"first")
            peer.serve(respond)
        with h2raw.Client(gateway(configuration(started(own, script), workers=1)).address) as client:
            streams = [client.request(UNARY, h2raw.grpc_message(b"")) for _ in range(10)]
            answers = [client.answer(stream) for stream in streams]
        assert [answer.grpc_status for answer in answers] == [0] * 10
        assert {number for number, _ in served} == {0, 1}

    def test_a_call_at_or_below_the_last_id_is_finished_not_repeated(self, gateway, own):
        counted = []

        def script(peer, number):
            def respond(stream, fields):
                counted.append(number)
                peer.goaway_raw(last=stream)
                peer.answer(stream, b"done")
            peer.serve(respond)
        with h2raw.Client(gateway(configuration(started(own, script), workers=1)).address) as client:
            for _ in range(5):
                assert client.call(UNARY).grpc_status == 0
        assert counted == [0, 1, 2, 3, 4], "a connection that said GOAWAY gets nothing new"

    def test_a_connection_that_dies_with_a_call_in_flight_does_not_repeat_it(self, gateway, own):
        counted = []

        def script(peer, number):
            def respond(stream, fields):
                counted.append(number)
                peer.abort()
            peer.serve(respond)
        with h2raw.Client(gateway(configuration(started(own, script), workers=1)).address) as client:
            assert client.call(UNARY).grpc_status == 14
        assert counted == [0], "it may have been carried out"

    def test_a_grpcio_backend_that_ages_its_connections_loses_no_call(self, gateway, own):
        backend = own(Backend("aging", connection_age_ms=200))
        with Caller(gateway(backend).address) as caller:
            for number in range(1500):
                assert caller.unary(ask(str(number))).text == str(number)


class TestRefusedStream:
    def test_is_tried_again_once(self, gateway, own):
        seen = []

        def script(peer, _):
            def respond(stream, fields):
                seen.append(stream)
                if len(seen) == 1:
                    peer.reset(stream, 7)
                else:
                    peer.answer(stream, peer.whole_body(stream)[5:])
            peer.serve(respond)
        with h2raw.Client(gateway(configuration(started(own, script), workers=1)).address) as client:
            answer = client.call(UNARY, h2raw.grpc_message(b"kept"))
            assert answer.grpc_status == 0 and h2raw.grpc_messages(answer.body) == [b"kept"]
        assert len(seen) == 2

    def test_and_when_it_goes_on_the_caller_hears_unavailable(self, gateway, own):
        seen = []

        def script(peer, _):
            def respond(stream, fields):
                seen.append(stream)
                peer.reset(stream, 7)
            peer.serve(respond)
        running = gateway(configuration(started(own, script), workers=1))
        with h2raw.Client(running.address) as client:
            assert client.call(UNARY).grpc_status == 14
        assert len(seen) == 2
        events = {event: running.metrics().sum("martlet_upstream_events_total", event=event) for event in ("attempt", "resent", "reset")}
        assert events == {"attempt": 2, "resent": 1, "reset": 1}


class TestConnecting:
    def test_a_dead_endpoint_beside_a_living_one_costs_no_call(self, gateway, backend, closed_port):
        with Caller(gateway(configuration(closed_port, backend)).address) as caller:
            for number in range(100):
                assert caller.unary(ask(str(number))).text == str(number)

    def test_nobody_there(self, gateway, closed_port):
        with Caller(gateway(configuration(closed_port)).address) as caller:
            seen = caller.refusal(ask())
            assert seen.code == grpc.StatusCode.UNAVAILABLE and seen.reason

    def test_an_endpoint_that_accepts_and_says_nothing_does_not_hang_the_gateway(self, gateway, own):
        import socket
        silent = socket.create_server(("127.0.0.1", 0))
        try:
            running = gateway(configuration(
                clusters={"kinds": cluster("127.0.0.1:%d" % silent.getsockname()[1])}, routes=[open_route(timeout="500ms")]))
            with Caller(running.address) as caller:
                assert caller.refusal(ask()).code in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
        finally:
            silent.close()


class TestStreamLimit:
    def test_another_connection_is_opened_at_the_peers_limit(self, gateway, own, tag):
        backend = own(Backend("narrow", streams=5))
        with Caller(gateway(configuration(backend, workers=1)).address) as caller:
            calls = [caller.unary_call(ask(tag=f"{tag}-{n}", hold=True)) for n in range(20)]
            for number in range(20):
                backend.wait_for_call(f"{tag}-{number}", "running")
            for number in range(20):
                backend.release(f"{tag}-{number}")
            assert len({call.result().peer for call in calls}) == 4

    def test_beyond_all_connections_calls_wait_for_their_turn(self, gateway, own):
        """Exact about the streams that are open: grpcio refuses one that comes before it has forgotten another's end."""
        connections, at_once = [], []

        def script(peer, number):
            connections.append(number)
            running = []

            def respond(stream, fields):
                peer.whole_body(stream)
                running.append(stream)
                at_once.append(len(running))
                # The third call begins only once the first has been answered.
                while len(running) > 1 or (running and len(at_once) == 6):
                    peer.answer(running.pop(0), b"served")
            peer.serve(respond)
        server = started(own, script, settings={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 2})
        clusters = {"kinds": cluster(server, connections={"maximum": 1})}
        with h2raw.Client(gateway(configuration(clusters=clusters, workers=1)).address) as client:
            streams = [client.request(UNARY, h2raw.grpc_message(b"")) for _ in range(6)]
            assert [client.answer(stream).grpc_status for stream in streams] == [0] * 6
        assert connections == [0] and at_once == [1, 2, 2, 2, 2, 2]
        assert server.failures == []

    def test_many_streams_share_few_connections(self, gateway, backend):
        with Caller(gateway(configuration(backend, workers=1)).address) as caller:
            calls = [caller.unary_call(ask(str(n))) for n in range(90)]
            assert len({call.result().peer for call in calls}) <= 2


class TestBrokenAnswers:
    """What a backend may do wrong, and the status that the caller sees."""

    HEAD = [(":status", "200"), ("content-type", "application/grpc")]

    @pytest.mark.parametrize("head, status", [
        ([(":status", "503"), ("content-type", "text/html")], 14), ([(":status", "502")], 14), ([(":status", "504")], 14),
        ([(":status", "429")], 14), ([(":status", "401")], 16), ([(":status", "403")], 7), ([(":status", "404")], 12),
        ([(":status", "400")], 13), ([(":status", "500")], 2), ([(":status", "418")], 2)], ids=lambda value: str(value)[:24])
    def test_http_without_grpc_status_is_mapped(self, gateway, own, head, status):
        def script(peer, _):
            peer.serve(lambda stream, fields: (peer.headers(stream, head), peer.data(stream, b"<html>", end=True)))
        with h2raw.Client(gateway(started(own, script)).address) as client:
            assert client.call(UNARY).grpc_status == status

    def test_an_answer_without_trailers(self, gateway, own):
        def script(peer, _):
            peer.serve(lambda stream, fields: (
                peer.headers(stream, self.HEAD), peer.data(stream, h2raw.grpc_message(b"x"), end=True)))
        with h2raw.Client(gateway(started(own, script)).address) as client:
            assert client.call(UNARY).grpc_status == 2

    @pytest.mark.parametrize("garbage", [
        b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 100, b"SSH-2.0-x\r\n",
        h2raw.frame("HEADERS", 4, 1, b"\x88"), h2raw.frame("SETTINGS", payload=b"\x00"), h2raw.frame("DATA", 0, 0, b"x"),
        h2raw.frame("SETTINGS") + h2raw.frame("PUSH_PROMISE", 4, 1, b"\x00\x00\x00\x02\x88"),
        h2raw.frame("SETTINGS") + h2raw.frame("HEADERS", 4, 1, b"\xff\xff\xff\xff\xff\xff")],
        ids=["http1", "zeros", "ssh", "no-settings", "bad-settings", "data-on-0", "push", "bad-hpack"])
    def test_a_backend_that_speaks_something_else(self, gateway, backend, own, garbage):
        import socket

        listener = socket.create_server(("127.0.0.1", 0))

        def talk():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.recv(65536)
                connection.sendall(garbage)
        threading.Thread(target=talk, daemon=True).start()
        try:
            routes = [{"service": SERVICE, "headers": {"x-to": "odd"}, "cluster": "odd", "allow": "anyone"}, open_route()]
            clusters = {"odd": cluster("127.0.0.1:%d" % listener.getsockname()[1]), "kinds": cluster(backend)}
            with Caller(gateway(configuration(clusters=clusters, routes=routes)).address) as caller:
                seen = caller.refusal(ask(), metadata=[("x-to", "odd")], timeout=20)
                assert seen.code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
                assert caller.unary(ask("x")).text == "x"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


class TestTrailers:
    def test_that_are_too_large_keep_their_status_alone(self, gateway, own):
        def script(peer, _):
            peer.serve(lambda stream, fields: peer.answer(
                stream, b"1", trailing=[(f"x-{index}", "v") for index in range(100)]))
        with h2raw.Client(gateway(configuration(started(own, script), workers=1)).address) as client:
            answer = client.call(UNARY)
            assert answer.grpc_status == 0 and answer.reset is None
            assert [name for name, _ in answer.trailers if name.startswith("x-")] == []

    def test_of_a_request_that_are_too_large_are_refused(self, gateway, silent):
        with h2raw.Client(gateway(configuration(silent, workers=1)).address) as client:
            stream = client.request(UNARY, h2raw.grpc_message(b""), end=False)
            client.headers(stream, [(f"x-{index}", "v") for index in range(101)], end=True)
            assert client.answer(stream).grpc_status == 8

    def test_of_a_request_cannot_say_what_only_a_head_may(self, gateway, own):
        seen = []

        def script(peer, _):
            def respond(stream, fields):
                peer.whole_body(stream)
                seen.extend(name for event in peer.events if isinstance(event, h2.events.TrailersReceived)
                            for name, _ in event.headers)
                peer.answer(stream, b"1")
            peer.serve(respond)
        with h2raw.Client(gateway(configuration(started(own, script), workers=1)).address) as client:
            stream = client.request(UNARY, h2raw.grpc_message(b""), end=False)
            client.headers(stream, [("authorization", "Bearer x"), ("x-forwarded-for", "1.2.3.4"), ("x-sum", "1")], end=True)
            assert client.answer(stream).grpc_status == 0
        assert seen == ["x-sum"]
