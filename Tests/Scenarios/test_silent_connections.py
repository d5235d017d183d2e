"""Upstream connections whose peer has gone without a word while TCP goes on to acknowledge: a stopped process, a middlebox."""

import signal
import threading
import time

import grpc
import h2.events

from harness import h2raw
from harness.backend import Backend, ask
from harness.caller import Caller
from harness.gateway import SERVICE, cluster, configuration, open_route
from harness.waiting import eventually

UNARY = f"/{SERVICE}/Unary"
SHORT = [("grpc-timeout", "500m")]


def call(client, fields=SHORT):
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
            assert call(client) == 4
            began = time.monotonic()
            assert [call(client) for _ in range(20)] == [0] * 20
            assert time.monotonic() - began < 2 and len(server.peers) == 2
            eventually(lambda: ping_timeouts(running) == 1, "the end of the silent connection")
            assert call(client) == 0 and len(server.peers) == 2
    finally:
        over.set()


def test_a_slow_method_does_not_cost_the_connection(gateway, own):
    """Its peer answers PINGs: two of them, and then SETTINGS, until there has been an answer."""
    def script(peer, number):
        peer.serve(lambda stream, fields: None if ("x-slow", "1") in fields else peer.answer(stream, b""))
    server = own(h2raw.Server(script))
    with h2raw.Client(gateway(configuration(server, workers=1)).address) as client:
        assert call(client) == 0
        for _ in range(6):
            assert call(client, [*SHORT, ("x-slow", "1")]) == 4
        pings = [event for event in server.peers[0].events if isinstance(event, h2.events.PingReceived)]
        settings = [event for event in server.peers[0].events if isinstance(event, h2.events.RemoteSettingsChanged)]
        assert len(pings) == 2 and len(settings) >= 2
        assert call(client) == 0
        assert call(client, [*SHORT, ("x-slow", "1")]) == 4
        time.sleep(3.5)
        assert call(client) == 0
        assert not server.peers[0].closed


def test_calls_that_were_on_it_end_as_unavailable_or_are_tried_again(gateway, own):
    over = threading.Event()

    def script(peer, number):
        if number > 0:
            return peer.serve(lambda stream, fields: peer.answer(stream, b""))
        for _ in range(3):
            peer.next_request()
        over.wait(60)
    for retry, expected in ((None, 14), ({"on": ["unavailable"]}, 0)):
        server = own(h2raw.Server(script))
        route = open_route(**({"retry": retry} if retry else {}))
        clusters = {"kinds": cluster(server, timeouts={"ping": "500ms"})}
        running = gateway(configuration(clusters=clusters, routes=[route], workers=1))
        try:
            with h2raw.Client(running.address) as client:
                others = [client.request(UNARY, h2raw.grpc_message(b"")) for _ in range(2)]
                assert call(client) == 4
                assert [client.answer(stream).grpc_status for stream in others] == [expected] * 2
        finally:
            over.set()
            over = threading.Event()


def test_a_stopped_backend_is_given_up_and_comes_back(gateway, own):
    backend, other = own(Backend("stopped")), own(Backend("other"))
    clusters = {"kinds": cluster(backend, other, timeouts={"ping": "500ms", "connect": "500ms"})}
    running = gateway(configuration(clusters=clusters, workers=1))
    with Caller(running.address) as caller:
        for _ in range(4):
            caller.unary(ask(), timeout=5)
        backend.process.send(signal.SIGSTOP)
        try:
            lost = 0
            for _ in range(10):
                try:
                    caller.unary(ask(), timeout=1)
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
            began = time.monotonic()
            assert client.answer(stream, within=30).grpc_status == 14
            assert 10 <= time.monotonic() - began < 13
    finally:
        over.set()
