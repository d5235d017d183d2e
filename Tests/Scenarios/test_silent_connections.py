"""Upstream connections whose peer has gone without a word while TCP goes on to acknowledge: a stopped process, a middlebox."""

import queue
import signal
import threading

import grpc
import h2.events

from harness import h2raw
from harness.backend import Backend, ask
from harness.caller import Caller
from harness.gateway import SERVICE, cluster, configuration, open_route
from harness.waiting import PATIENCE, eventually

UNARY = f"/{SERVICE}/Unary"
SHORT, LONG = [("grpc-timeout", "500m")], [("grpc-timeout", "20S")]


def call(client, fields=LONG):
    return client.call(UNARY, fields=fields).grpc_status


def ping_timeouts(running):
    return running.metrics().sum("martlet_upstream_events_total", event="ping_timeout")


def test_a_peer_that_has_stopped_reading_is_left_after_one_call(gateway, own):
    over = threading.Event()

    def script(peer, number):
        if number > 0:
            return peer.serve(lambda stream, fields: peer.answer(stream, b""))
        stream, _ = peer.next_request()
        peer.answer(stream, b"")
        over.wait(60)
    server = own(h2raw.Server(script))
    running = gateway(configuration(server, workers=1))
    try:
        with h2raw.Client(running.address) as client:
            assert call(client) == 0
            assert call(client, SHORT) == 4
            # Those that waited for the silent connection would end as UNAVAILABLE.
            assert [call(client) for _ in range(20)] == [0] * 20 and len(server.peers) == 2
            eventually(lambda: ping_timeouts(running) == 1, "the end of the silent connection")
            assert call(client) == 0 and len(server.peers) == 2
    finally:
        over.set()


def test_a_slow_method_does_not_cost_the_connection(gateway, own):
    """Its peer answers PINGs: two of them, and then SETTINGS, until there has been an answer."""
    asked = queue.SimpleQueue()

    def script(peer, number):
        seen = 0
        while not peer.closed:
            peer.read_more(PATIENCE)
            while seen < len(peer.events):
                event = peer.events[seen]
                seen += 1
                if isinstance(event, h2.events.RequestReceived) and ("x-slow", "1") not in event.headers:
                    peer.answer(event.stream_id, b"")
                elif isinstance(event, (h2.events.PingReceived, h2.events.RemoteSettingsChanged)):
                    # It has been answered; with this round trip the gateway has read that.
                    peer.ping()
                    asked.put(type(event))
    server = own(h2raw.Server(script))
    with h2raw.Client(gateway(configuration(server, workers=1)).address) as client:
        def slow(fields=SHORT):
            assert call(client, [*fields, ("x-slow", "1")]) == 4
            return asked.get(timeout=PATIENCE)
        assert call(client) == 0
        ping, settings = h2.events.PingReceived, h2.events.RemoteSettingsChanged
        assert asked.get(timeout=PATIENCE) == settings, "those of the beginning"
        assert [slow() for _ in range(6)] == [ping] * 2 + [settings] * 4
        assert call(client) == 0
        assert slow() == ping
        # The time to answer a PING passes within this one.
        slow([("grpc-timeout", "3500m")])
        assert call(client) == 0
        assert len(server.peers) == 1 and not server.peers[0].closed


def test_calls_that_were_on_it_end_as_unavailable_or_are_tried_again(gateway, own):
    over = threading.Event()

    def script(peer, number):
        if number > 0:
            return peer.serve(lambda stream, fields: peer.answer(stream, b""))
        stream, _ = peer.next_request()
        peer.answer(stream, b"")
        for _ in range(3):
            peer.next_request()
        over.wait(60)
    for retry, expected in ((None, 14), ({"on": ["unavailable"]}, 0)):
        server = own(h2raw.Server(script))
        route = open_route(**({"idempotent": True, "retry": retry} if retry else {}))
        clusters = {"kinds": cluster(server, timeouts={"ping": "500ms"})}
        running = gateway(configuration(clusters=clusters, routes=[route], workers=1))
        try:
            with h2raw.Client(running.address) as client:
                assert call(client) == 0
                others = [client.request(UNARY, h2raw.grpc_message(b"")) for _ in range(2)]
                assert call(client, SHORT) == 4
                assert [client.answer(stream).grpc_status for stream in others] == [expected] * 2
        finally:
            over.set()
            over = threading.Event()


def test_a_stopped_backend_is_given_up_and_comes_back(gateway, own):
    backend, other = own(Backend("stopped")), own(Backend("other"))
    clusters = {"kinds": cluster(backend, other, timeouts={"ping": "500ms", "connect": "500ms"})}
    running = gateway(configuration(clusters=clusters, workers=1))
    with Caller(running.address) as caller:
        # Without a connection to it from before, its calls would fail to connect and be resent.
        eventually(lambda: {caller.unary(ask()).backend for _ in range(4)} == {"stopped", "other"}, "both serve")
        backend.process.send(signal.SIGSTOP)
        try:
            lost = 0
            for _ in range(10):
                try:
                    caller.unary(ask(), timeout=3)
                except grpc.RpcError:
                    lost += 1
            assert 1 <= lost <= 2, "one that found out, and perhaps one more that was on its way"
        finally:
            backend.process.send(signal.SIGCONT)
        eventually(lambda: {caller.unary(ask(), timeout=5).backend for _ in range(4)} == {"stopped", "other"}, "both serve again")


def test_a_keepalive_ends_a_stream_whose_peer_is_gone(gateway, own):
    over = threading.Event()

    def script(peer, number):
        stream, _ = peer.next_request()
        peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        peer.data(stream, h2raw.grpc_message(b""))
        if number == 0:
            over.wait(60)
        else:
            peer.serve(lambda stream, fields: None)
    server = own(h2raw.Server(script))
    clusters = {"kinds": cluster(server, timeouts={"keepalive": "10s", "ping": "1s"})}
    running = gateway(configuration(clusters=clusters, workers=1))
    try:
        with h2raw.Client(running.address) as client:
            stream = client.request(UNARY, h2raw.grpc_message(b""))
            assert client.answer(stream).grpc_status == 14
            assert ping_timeouts(running) == 1
    finally:
        over.set()
