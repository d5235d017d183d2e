"""Endpoints by name: what DNS says counts as soon as it says so, and no call is lost over it."""

import json
import threading
import time

import grpc
import pytest

from harness import gateway as commands
from harness.backend import Backend, ask
from harness.caller import Caller
from harness.dns import A, AAAA, NameServer
from harness.gateway import cluster, configuration
from harness.waiting import eventually

NAME = "orders.test"
SERVICE = "_grpc._tcp.orders.test"


@pytest.fixture
def names(own):
    return own(NameServer())


@pytest.fixture
def pair(own):
    """Two backends at one port, so that a name with that port can stand for either."""
    first = own(Backend("a"))
    port = first.address.rsplit(":", 1)[1]
    return first, own(Backend("b", address=f"127.0.0.2:{port}")), port


def serving(names, *endpoints, search=(), timeout="500ms", tls=None, **more):
    resolver = {"servers": [names.address], "search": list(search), "timeout": timeout, "attempts": 2}
    clusters = {"kinds": cluster(*endpoints, load_balancing="round_robin", **({"tls": tls} if tls else {}))}
    return configuration(clusters=clusters, resolver=resolver, workers=1, **more)


def endpoints(running):
    """As the admin address shows them: address, weight and priority."""
    clusters = json.loads(running.admin("/clusters")[1])["clusters"]
    return sorted((entry["address"], entry["weight"], entry["priority"]) for entry in clusters[0]["endpoints"])


def reaches(caller, backend):
    """Whether a call is answered there."""
    try:
        return caller.unary(ask()).backend == backend
    except grpc.RpcError:
        return False


def asked_again(names, name=NAME, times=4):
    """The gateway has asked, and acted upon answers, since this was called: two questions for each lookup of a host."""
    before = names.count(name)
    eventually(lambda: names.count(name) >= before + 2 * times, "further questions")


class Load:
    """Calls without pause, one after the other."""

    def __init__(self, address):
        self._address = address
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._call)
        self.answered, self.failed = [], []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _call(self):
        with Caller(self._address) as caller:
            while not self._over.is_set():
                try:
                    self.answered.append(caller.unary(ask()).backend)
                except grpc.RpcError as error:
                    self.failed.append(error)

    def reached(self, *backends):
        """The next calls go to these and no others."""
        def look():
            recent = self.answered[-20:]
            return len(recent) == 20 and set(recent) == set(backends)
        eventually(look, f"calls on {backends} only")


def test_another_address_takes_the_calls_and_none_is_lost(gateway, names, pair):
    first, second, port = pair
    names.hosts(NAME, "127.0.0.1")
    running = gateway(serving(names, f"{NAME}:{port}"))
    with Load(running.address) as load, Caller(running.address) as caller:
        load.reached("a")
        held = caller.unary_call(ask(tag="held", hold=True))
        first.wait_for_call("held")
        names.hosts(NAME, "127.0.0.1", "127.0.0.2")
        load.reached("a", "b")
        names.hosts(NAME, "127.0.0.2")
        load.reached("b")
        first.release("held")
        assert held.result(timeout=30).backend == "a", "a call that runs ends where it began"
    assert load.failed == []


def test_the_last_good_answer_stays_while_nobody_answers(gateway, names, pair):
    _, _, port = pair
    names.hosts(NAME, "127.0.0.1")
    running = gateway(serving(names, f"{NAME}:{port}", timeout="200ms"))
    with Caller(running.address) as caller:
        eventually(lambda: reaches(caller, "a"), "an answer")
        for attribute, trouble in (("silent", True), ("code", 2), ("code", 3)):
            setattr(names, attribute, trouble)
            asked_again(names)
            assert caller.unary(ask()).backend == "a"
            setattr(names, attribute, None)
        names.hosts(NAME, "127.0.0.2")
        eventually(lambda: caller.unary(ask()).backend == "b", "the new address once there are answers again")


def test_what_does_not_fit_into_a_packet_is_asked_for_over_tcp(gateway, names, pair):
    _, _, port = pair
    names.truncating = True
    names.hosts(NAME, "127.0.0.1")
    running = gateway(serving(names, f"{NAME}:{port}"))
    with Caller(running.address) as caller:
        assert caller.unary(ask()).backend == "a"
    assert names.count(NAME, "tcp") >= 2


@pytest.mark.parametrize("silent", [A, AAAA])
def test_a_family_that_is_not_answered_holds_nobody_up(gateway, names, own, silent):
    backend = own(Backend("a", address="127.0.0.1:0" if silent == AAAA else "[::1]:0"))
    port = backend.address.rsplit(":", 1)[1]
    names.hosts(NAME, "127.0.0.1", "::1")
    names.silent_types = {silent}
    begun = time.monotonic()
    running = gateway(serving(names, f"{NAME}:{port}", timeout="30s"))
    with Caller(running.address) as caller:
        assert caller.unary(ask()).backend == "a"
    assert time.monotonic() - begun < 30, "no time of a name server passed"


@pytest.mark.parametrize("trouble", [2, 5, None], ids=["SERVFAIL", "REFUSED", "silence"])
def test_a_broken_search_domain_does_not_hide_the_name(gateway, names, pair, trouble):
    _, _, port = pair
    names.hosts("orders.good.test", "127.0.0.1")
    names.hosts("single", "127.0.0.2")
    if trouble is None:
        names.silent_domains = {".bad.test"}
    else:
        names.codes_by_domain = {".bad.test": trouble}
    running = gateway(serving(names, f"orders:{port}", f"single:{port}", search=["bad.test.", "good.test"]))
    with Caller(running.address) as caller:
        assert {caller.unary(ask()).backend for _ in range(8)} == {"a", "b"}
    for name in ("orders", "single"):
        expected = f"name {name}: found, but no name server has an answer for {name}.bad.test"
        running.process.wait_for(lambda line: expected in line, "what is said of the name")
        assert sum(expected in line for line in running.process.lines) == 1


def test_a_dot_at_the_end_makes_a_name_absolute(gateway, names, pair):
    _, _, port = pair
    names.hosts("orders", "127.0.0.1")
    names.hosts("orders.good.test", "127.0.0.2")
    names.services("_grpc._tcp.other", ("orders", int(port), 0, 0))
    running = gateway(
        serving(names, f"orders.:{port}", {"srv": "_grpc._tcp.other."}, search=["good.test"]))
    with Caller(running.address) as caller:
        assert {caller.unary(ask()).backend for _ in range(4)} == {"a"}
    assert names.count("orders.good.test") == 0 and names.count("_grpc._tcp.other.good.test") == 0


def test_certificates_are_asked_for_without_the_dot_at_the_end(gateway, names, own, pki):
    backend = own(Backend("tls", identity=pki.issue("dotted", [NAME])))
    port = backend.address.rsplit(":", 1)[1]
    names.hosts(NAME, "127.0.0.1")
    running = gateway(serving(names, f"{NAME}.:{port}", tls={"ca": str(pki.file)}))
    with Caller(running.address) as caller:
        assert caller.unary(ask()).backend == "tls"


def test_an_alias_and_an_address_of_the_sixth_version(gateway, names, own):
    backend = own(Backend("six", address="[::1]:0"))
    port = backend.address.rsplit(":", 1)[1]
    names.alias(NAME, "real.test")
    names.hosts("real.test", "::1")
    running = gateway(serving(names, f"{NAME}:{port}"))
    with Caller(running.address) as caller:
        assert caller.unary(ask()).backend == "six"
    assert endpoints(running) == [(f"[::1]:{port}", 1, 0)]


def test_a_name_that_comes_later_is_served_from_then_on(gateway, names, pair):
    _, _, port = pair
    running = gateway(serving(names, f"{NAME}:{port}"))
    with Caller(running.address) as caller:
        with pytest.raises(grpc.RpcError) as refused:
            caller.unary(ask())
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        names.hosts(NAME, "127.0.0.1")
        eventually(lambda: reaches(caller, "a"), "an answer")


def test_a_name_that_is_not_found_is_said_once_and_shown(gateway, names, pair):
    _, _, port = pair
    running = gateway(serving(names, f"{NAME}:{port}"))
    lost = f"name {NAME}: no such name; it stands for nothing yet"
    running.process.wait_for(lambda line: lost in line, "what is said of the name")
    asked_again(names)

    def shown():
        return json.loads(running.admin("/clusters")[1])["clusters"][0]["names"]
    assert shown() == [{"name": NAME, "trouble": "no such name"}]
    assert running.metrics().sum("martlet_name_unresolved", cluster="kinds") == 1
    names.hosts(NAME, "127.0.0.1")
    running.process.wait_for(lambda line: f"name {NAME}: found" in line, "that the name is found")
    assert shown() == [{"name": NAME}]
    assert running.metrics().sum("martlet_name_unresolved", cluster="kinds") == 0
    assert sum(lost in line for line in running.process.lines) == 1


def test_another_name_by_reload_loses_no_call(gateway, names, pair):
    _, _, port = pair
    names.hosts(NAME, "127.0.0.1")
    names.hosts("others.test", "127.0.0.2")
    running = gateway(serving(names, f"{NAME}:{port}"))
    with Load(running.address) as load:
        load.reached("a")
        running.reload(serving(names, f"others.test:{port}"))
        load.reached("b")
    assert load.failed == []


def test_a_service_has_the_hosts_ports_weights_and_priorities_of_its_records(gateway, names, own):
    backends = [own(Backend("a")), own(Backend("b"))]
    ports = [int(backend.address.rsplit(":", 1)[1]) for backend in backends]
    names.hosts("a.test", "127.0.0.1")
    names.hosts("b.test", "127.0.0.1")
    names.services(SERVICE, ("a.test", ports[0], 10, 5), ("b.test", ports[1], 20, 0))
    running = gateway(serving(names, {"srv": SERVICE}))
    assert endpoints(running) == sorted([(f"127.0.0.1:{ports[0]}", 5, 0), (f"127.0.0.1:{ports[1]}", 1, 1)])
    with Load(running.address) as load:
        load.reached("a")
        names.services(SERVICE, ("b.test", ports[1], 20, 7))
        load.reached("b")
        assert endpoints(running) == [(f"127.0.0.1:{ports[1]}", 7, 0)]
        # Hosts that nobody knows take no calls from those that are known.
        before = names.count("nowhere.test")
        names.services(SERVICE, ("nowhere.test", 1, 0, 0))
        eventually(lambda: names.count("nowhere.test") >= before + 2, "questions for the new host")
        load.reached("b")
        names.services(SERVICE, ("a.test", ports[0], 1, 3), ("b.test", ports[1], 1, 3))
        load.reached("a", "b")
    assert load.failed == []


def test_a_logical_name_is_one_address_until_its_connection_breaks(gateway, names, pair):
    backends, port = {"a": pair[0], "b": pair[1]}, pair[2]
    places = {"a": "127.0.0.1", "b": "127.0.0.2"}
    names.hosts(NAME, *places.values())
    running = gateway(serving(names, {"address": f"{NAME}:{port}", "dns": "logical"}))
    with Caller(running.address) as caller:
        used = {caller.unary(ask()).backend for _ in range(6)}
        assert len(used) == 1
        one, = used
        other, = set(places) - used
        names.hosts(NAME, places[other])
        asked_again(names)
        assert {caller.unary(ask()).backend for _ in range(6)} == {one}, "kept, though DNS no longer names it"
        assert endpoints(running) == [(f"{places[one]}:{port}", 1, 0)], "shown as long as it is in use"
        assert running.metrics().sum("martlet_endpoint_healthy", endpoint=f"{places[one]}:{port}") == 1
        backends[one].process.kill()
        eventually(lambda: reaches(caller, other), "calls on the other one")


def test_localhost_and_digits_are_never_asked_for(gateway, names, own):
    backend = own(Backend("a"))
    port = backend.address.rsplit(":", 1)[1]
    running = gateway(serving(names, f"localhost:{port}", f"127.0.0.1:{port}"))
    with Caller(running.address) as caller:
        eventually(lambda: reaches(caller, "a"), "an answer")
    assert names.count() == 0


def test_mistakes_are_found_by_check(tmp_path):
    file = tmp_path / "martlet.yaml"
    file.write_text("""\
listeners: [{ address: "127.0.0.1:0" }]
resolver: { servers: [dns.test], timeout: 0s, attempts: 9, serach: [a] }
clusters:
  a: { endpoints: [{ srv: orders.internal }, { srv: _a._tcp.b, weight: 2 }, { address: "10.0.0.1:1", dns: logical }] }
  b: { endpoints: [{ address: "b.test:1", dns: logicla }] }
routes: [{ path: /*, cluster: a, allow: anyone }]
""")
    report = commands.run("check", file)
    assert report.returncode != 0
    for expected in (
            'resolver.servers[0]: found "dns.test", expected an address in digits',
            'resolver.timeout: found "0s"', 'resolver.attempts: found "9"', 'resolver.serach: unknown key; did you mean "search"?',
            'clusters.a.endpoints[0].srv: found "orders.internal", expected a service such as _grpc._tcp.orders.internal',
            'clusters.a.endpoints[1].weight: found beside "srv"', 'clusters.a.endpoints[2].dns: found beside an address that is no name',
            'clusters.b.endpoints[0].dns: found "logicla", expected strict or logical; did you mean "logical"?'):
        assert expected in report.stdout + report.stderr


def test_a_health_check_needs_to_know_the_addresses(tmp_path):
    file = tmp_path / "martlet.yaml"
    file.write_text("""\
listeners: [{ address: "127.0.0.1:0" }]
clusters: { a: { endpoints: [{ address: "b.test:1", dns: logical }], health_check: grpc } }
routes: [{ path: /*, cluster: a, allow: anyone }]
""")
    report = commands.run("check", file)
    assert report.returncode != 0
    assert "found dns: logical in a cluster with a health check" in report.stdout + report.stderr
