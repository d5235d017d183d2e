"""SIGHUP and changed certificates: the new one serves, running calls stay, a bad one changes nothing."""

import signal

import grpc
import pytest
from cryptography import x509

from harness.backend import Backend, ask
from harness.caller import Caller
from harness.gateway import SERVICE, configuration, listener, open_route
from harness.waiting import eventually


def test_a_new_configuration_serves_new_calls_and_running_ones_finish_on_the_old(gateway, backend, own, tag):
    other = own(Backend("other"))
    running = gateway(configuration(backend))
    with Caller(running.address) as caller:
        call = caller.unary_call(ask("held", tag=tag, hold=True))
        backend.wait_for_call(tag, "running")
        running.reload(configuration(other))
        eventually(lambda: caller.unary(ask()).backend == "other", "the new configuration")
        backend.release(tag)
        assert call.result().backend == "shared"


def test_routes_and_rules_change_on_a_living_connection(gateway, backend):
    running = gateway(configuration(backend))
    with Caller(running.address) as caller:
        assert caller.unary(ask("x")).text == "x"
        running.reload(configuration(backend, routes=[open_route(deny={"header": {"x-legacy": "*"}})]))

        def denied():
            try:
                caller.unary(ask(), metadata=[("x-legacy", "1")])
                return False
            except grpc.RpcError as error:
                return error.code() == grpc.StatusCode.PERMISSION_DENIED
        eventually(denied, "the new rule")
        assert caller.unary(ask("x")).text == "x"


@pytest.mark.parametrize("change", [
    lambda whole: whole | {"routes": [{"service": SERVICE, "cluster": "nowhere", "allow": "anyone"}]},
    lambda whole: whole | {"lisseners": []}, lambda whole: "listeners: [\n", lambda whole: "",
    lambda whole: whole | {"listeners": [listener(tls={"certificate": "/no/such.pem", "private_key": "/no/such.key"})]}],
    ids=["unknown-cluster", "unknown-key", "syntax", "empty", "no-certificate"])
def test_a_bad_configuration_changes_nothing_and_says_why(gateway, backend, change):
    whole = configuration(backend)
    running = gateway(whole)
    with Caller(running.address) as caller:
        assert caller.unary(ask("x")).text == "x"
        running.reload(change(whole), expect="martlet.yaml:")
        assert caller.unary(ask("x")).text == "x"
    with Caller(running.address) as caller:
        assert caller.unary(ask("x")).text == "x"
    # And a good one is taken after it.
    running.reload(whole)


def test_no_call_is_lost_over_many_reloads(gateway, backend):
    whole = configuration(backend, workers=2)
    running = gateway(whole)
    with Caller(running.address) as caller:
        for number in range(20):
            calls = [caller.unary_call(ask(str(number))) for _ in range(50)]
            running.reload(whole | {"routes": [open_route(name=f"generation-{number}")]})
            assert {call.result().text for call in calls} == {str(number)}


def test_limits_keep_their_counts_over_a_reload(gateway, backend):
    whole = configuration(backend, routes=[open_route(limits=["5/day"])])
    running = gateway(whole)
    with Caller(running.address) as caller:
        for _ in range(4):
            caller.unary(ask())
        running.reload(whole)
        caller.unary(ask())
        assert caller.refusal(ask()).code == grpc.StatusCode.RESOURCE_EXHAUSTED


class TestCertificates:
    def serial_served(self, address, pki):
        from test_tls import connect
        with connect(address, pki.client_context()) as connection:
            return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True)).serial_number

    def test_a_changed_file_is_served_without_a_word(self, gateway, backend, pki, tag):
        first = pki.issue("changing", ["localhost"])
        running = gateway(configuration(backend, identity=first))
        with Caller(running.address, ca=pki) as caller:
            call = caller.unary_call(ask("held", tag=tag, hold=True))
            backend.wait_for_call(tag, "running")
            assert self.serial_served(running.address, pki) == first.serial
            second = pki.issue("changing", ["localhost"])
            eventually(lambda: self.serial_served(running.address, pki) == second.serial, "the new certificate")
            backend.release(tag)
            assert call.result().text == "held"

    @pytest.mark.parametrize("damage", ["rubbish", "other-key", "gone"])
    def test_a_broken_file_changes_nothing(self, gateway, backend, pki, damage):
        identity = pki.issue(f"breaking-{damage}", ["localhost"])
        running = gateway(configuration(backend, identity=identity))
        before = len(running.process.lines)
        if damage == "rubbish":
            identity.certificate.write_text("-----BEGIN CERTIFICATE-----\nrubbish\n")
        elif damage == "other-key":
            stranger = pki.issue("stranger", ["localhost"])
            identity.private_key.write_bytes(stranger.private_key.read_bytes())
        else:
            identity.certificate.unlink()
        if damage != "gone":
            running.process.wait_for(lambda line: "breaking-" in line, "a word about the file", start=before)
        else:
            running.process.send(signal.SIGHUP)
            running.process.wait_for(lambda line: "breaking-" in line, "a word about the file", start=before)
        assert self.serial_served(running.address, pki) == identity.serial


def test_a_listener_may_come_and_go(gateway, backend):
    whole = configuration(backend)
    running = gateway(whole)
    added = listener(name="extra")
    line = running.reload(whole | {"listeners": whole["listeners"] + [added]}, expect="listening name=extra")
    extra = dict(pair.split("=", 1) for pair in line.split()[1:])["address"]
    with Caller(extra) as caller, Caller(running.address) as old:
        assert caller.unary(ask("x")).text == "x" and old.unary(ask("y")).text == "y"
        running.reload(whole)
        assert old.unary(ask("y")).text == "y"
    with Caller(extra) as caller:
        eventually(lambda: caller.refusal(ask(), timeout=2).code == grpc.StatusCode.UNAVAILABLE, "the listener's end")
