"""Flow control end to end: who reads slowly slows its own sender, and nobody else."""

import threading

import h2.events
import h2.settings
import pytest

from harness import h2raw
from harness.backend import ask
from harness.caller import Caller
from harness.gateway import SERVICE, cluster, configuration
from harness.waiting import settled

SPREAD = f"/{SERVICE}/Spread"
COLLECT = f"/{SERVICE}/Collect"
MEBIBYTE = 1 << 20


def spread(client, tag, answers, answer_bytes):
    """Begins a server stream through a raw client, which takes nothing it does not acknowledge."""
    message = ask(tag=tag, answers=answers, answer_bytes=answer_bytes).SerializeToString()
    return client.request(SPREAD, h2raw.grpc_message(message))


def test_a_reader_who_stops_holds_up_its_own_sender_only(gateway, backend, tag):
    # All calls of one worker share one upstream connection here.
    gateway = gateway(configuration(workers=1, clusters={"kinds": cluster(backend, connections={"maximum": 1})}))
    with h2raw.Client(gateway.address, acknowledge=False) as lazy, Caller(gateway.address) as busy:
        spread(lazy, tag, answers=200, answer_bytes=MEBIBYTE)
        lazy.wait_kind(h2.events.DataReceived)
        # The sender is stopped long before its 200 MiB.
        stopped_at = settled(lambda: backend.seen(tag).calls[0].sent)
        assert stopped_at < 100, "somebody stored what nobody reads"
        for number in range(200):
            assert busy.unary(ask(str(number), answer_bytes=10_000)).text == str(number)
        assert busy.unary(ask(payload=bytes(4 * MEBIBYTE), answer_bytes=4 * MEBIBYTE)).received_bytes == 4 * MEBIBYTE
        assert backend.seen(tag).calls[0].state == "running"


def test_many_readers_who_stopped_starve_nobody(gateway, backend, tag):
    gateway = gateway(configuration(workers=1, clusters={"kinds": cluster(backend, connections={"maximum": 1})}))
    with h2raw.Client(gateway.address, acknowledge=False,
                      settings={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 16_384}) as lazy:
        for number in range(50):
            spread(lazy, f"{tag}-{number}", answers=50, answer_bytes=MEBIBYTE)
        lazy.wait(lambda event: isinstance(event, h2.events.ResponseReceived), "an answer")
        with Caller(gateway.address) as busy:
            assert len(list(busy.spread(ask(answers=100, answer_bytes=100_000)))) == 100


def test_a_backend_that_stops_reading_holds_up_its_own_caller_only(gateway, backend, own):
    """A raw backend opens no stream window; its caller is stopped, and the memory stays where it was."""
    reached = threading.Event()

    def script(peer, _):
        while not peer.closed:
            if any(isinstance(event, h2.events.DataReceived) for event in peer.events):
                reached.set()
            peer.read_more(1)
    stuck = own(h2raw.Server(script, acknowledge=False))
    gateway = gateway(configuration(
        workers=1, clusters={"stuck": cluster(stuck), "kinds": cluster(backend)},
        routes=[{"service": SERVICE, "headers": {"x-to": "stuck"}, "cluster": "stuck", "allow": "anyone"},
                {"service": SERVICE, "cluster": "kinds", "allow": "anyone"}]))
    with h2raw.Client(gateway.address) as pusher, Caller(gateway.address) as other:
        assert other.unary(ask("warm")).text == "warm"
        before = gateway.process.resident_bytes()
        stream = pusher.request(COLLECT, end=False, fields=[("x-to", "stuck")])
        pushed = _push_until_stopped(pusher, stream, limit=64 * MEBIBYTE)
        assert reached.wait(20)
        assert pushed < 8 * MEBIBYTE
        assert gateway.process.resident_bytes() - before < 16 * MEBIBYTE
        assert other.unary(ask("x")).text == "x"


def test_a_reader_that_was_slow_gets_everything_in_the_end(gateway, backend, tag):
    gateway = gateway(backend)
    with h2raw.Client(gateway.address, acknowledge=False) as client:
        stream = spread(client, tag, answers=64, answer_bytes=100_000)
        taken = 0
        while taken < 64 * 100_000:
            event = client.wait(lambda event: isinstance(event, h2.events.DataReceived) and not hasattr(event, "taken"), "data")
            event.taken = True
            taken += len(event.data)
            # One frame at a time, both windows.
            if event.flow_controlled_length:
                client.h2.acknowledge_received_data(event.flow_controlled_length, stream)
                client.flush()
        answer = client.answer(stream)
        assert answer.grpc_status == 0 and len(h2raw.grpc_messages(answer.body)) == 64


@pytest.mark.parametrize("window", [1, 17, 1000])
def test_tiny_windows_work(gateway, backend, window):
    settings = {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window}
    with h2raw.Client(gateway(backend).address, settings=settings) as client:
        message = ask(answer_bytes=300).SerializeToString()
        answer = client.call(f"/{SERVICE}/Unary", h2raw.grpc_message(message))
        assert answer.grpc_status == 0 and len(h2raw.grpc_messages(answer.body)[0]) > 300


def test_a_window_that_shrinks_below_zero_and_opens_again(gateway, backend, tag):
    with h2raw.Client(gateway(backend).address, acknowledge=False) as client:
        stream = spread(client, tag, answers=8, answer_bytes=100_000)
        client.wait_kind(h2.events.DataReceived, stream)
        client.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
        client.flush()
        client.wait_kind(h2.events.SettingsAcknowledged)
        client.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20})
        client.h2.increment_flow_control_window(1 << 20)
        client.flush()
        assert client.answer(stream).grpc_status == 0


def test_a_stalled_reader_is_reset(gateway, backend, tag):
    from harness.gateway import listener
    gateway = gateway(backend, listeners=[listener(limits={"stall": "500ms"})])
    with h2raw.Client(gateway.address, acknowledge=False) as client:
        stream = spread(client, tag, answers=100, answer_bytes=MEBIBYTE)
        assert client.answer(stream).reset is not None
        backend.wait_for_call(tag, "cancelled")


def _push_until_stopped(client, stream, limit):
    """Sends until no window came for half a second of reading; how much went out."""
    sent = 0
    while sent < limit:
        room = min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size)
        if room > 0:
            client.h2.send_data(stream, bytes(room))
            client.flush()
            sent += room
        elif client.read_more(0.5) is None:
            return sent
    return sent
