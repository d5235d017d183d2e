"""A running backend, seen from the scenario."""

import sys
from pathlib import Path

import grpc

from . import stubs
from .processes import Process, parse_pairs
from .waiting import eventually

pb = stubs.module("martlet/scenarios/v1/scenarios_pb2")
pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")

_SCENARIOS = Path(__file__).resolve().parents[1]


class Backend:
    def __init__(self, name="a", *, identity=None, client_ca=None, streams=None, connection_age_ms=None,
                 address="127.0.0.1:0", reflection=None):
        command = [sys.executable, "-m", "harness.backend_server", "--name", name, "--address", address]
        if identity:
            command += ["--certificate", identity.certificate, "--private-key", identity.private_key]
        if client_ca:
            command += ["--client-ca", client_ca]
        if streams:
            command += ["--streams", streams]
        if connection_age_ms:
            command += ["--connection-age-ms", connection_age_ms]
        if reflection:
            command += ["--reflection", reflection]
        self.name = name
        self.process = Process(command, folder=_SCENARIOS, name=f"backend {name}")
        try:
            line = self.process.wait_for(lambda line: line.startswith("listening "), "address")
        except AssertionError:
            self.process.stop()
            raise
        places = parse_pairs(line)[1]
        self.address = places["address"]
        self._channel = grpc.insecure_channel(places["control"])
        self._control = pb_grpc.ControlStub(self._channel)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._channel.close()
        self.process.stop(grace=2)

    def seen(self, tag=""):
        return self._control.Seen(pb.Tag(tag=tag), timeout=10)

    def release(self, tag):
        self._control.Release(pb.Tag(tag=tag), timeout=10)

    def set_health(self, serving):
        self._control.SetHealth(pb.Health(serving=serving), timeout=10)

    def wait_for_call(self, tag, state="running", **at_least):
        """The call with this tag, once it is in `state` and has at least `received=…` or `sent=…` messages."""
        def look():
            for call in self.seen(tag).calls:
                if call.state == state and all(getattr(call, name) >= count for name, count in at_least.items()):
                    return call
            return None
        return eventually(look, f"call {tag} {state} {at_least or ''} at backend {self.name}")


def ask(text="", *, initial=(), trailing=(), **fields):
    """A request message; metadata as pairs, with bytes for `-bin` keys."""
    message = pb.Ask(text=text, **fields)
    for pairs, into in ((initial, message.initial), (trailing, message.trailing)):
        for key, value in pairs:
            into.add(key=key, value=value if isinstance(value, bytes) else value.encode())
    return message


def metadata(answer):
    """What the backend saw, as a dictionary of lists."""
    seen = {}
    for item in answer.metadata:
        seen.setdefault(item.key, []).append(item.value if item.key.endswith("-bin") else item.value.decode())
    return seen
