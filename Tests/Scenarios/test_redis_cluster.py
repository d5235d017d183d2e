"""A store that is a cluster: slots, limits over several of them, resharding and failover."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from harness.backend import ask
from harness.caller import Caller
from harness.gateway import SERVICE, authentication, configuration
from harness.limiters import QUOTAS, GatewayCounts, ServiceCounts
from harness.shapes import Cluster, wait_until_replicated
from harness.waiting import eventually


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("cluster"), replicas=False) as servers:
        yield servers


@pytest.fixture
def cluster(shared_cluster):
    shared_cluster.flush()
    return shared_cluster


def by_user_and_team(gateway, backend, cluster, *, users=1000, teams=1000, **more):
    return GatewayCounts(gateway, backend, {"redis": cluster.addresses}, limits=[
        {"count": users, "per": "day", "key": "header x-user", "when_missing": "share", "name": "users"},
        {"count": teams, "per": "day", "key": "header x-team", "when_missing": "share", "name": "teams"}], **more)


def used(cluster, *parts):
    """The hits of the one counter that has these in its name."""
    keys = [key for key in cluster.keys() if all(part.encode() in key for part in parts)]
    return int(cluster.get(keys[0]).split()[0]) if keys else 0


def test_many_keys_are_each_counted_where_they_belong(counting, cluster):
    counter = counting({"redis": cluster.addresses[:1], "mode": "cluster"}, count=3)
    verdicts = [counter.counts() for _ in range(4)]
    assert verdicts == [True, True, True, None]


def test_an_endpoint_of_a_cluster_is_found_to_be_one(counting, cluster):
    counter = counting({"redis": cluster.addresses[-1]}, count=3)
    assert [counter.counts() for _ in range(4)] == [True, True, True, None]


def test_one_server_by_itself_is_found_to_be_one(counting, redis):
    store = redis()
    counter = counting({"redis": store.address}, count=3)
    assert [counter.counts() for _ in range(4)] == [True, True, True, None]


def test_what_is_refused_in_one_slot_is_given_back_in_the_other(gateway, backend, cluster):
    counter = by_user_and_team(gateway, backend, cluster, teams=4)
    allowed = [counter.counts(x_user=f"u{number}", x_team="red") for number in range(8)]
    assert allowed == [True] * 4 + [None] * 4
    assert used(cluster, "teams", "red") == 4
    eventually(lambda: all(used(cluster, "users", f":u{number}") == (1 if number < 4 else 0) for number in range(8)),
               "what was given back")


def test_a_limit_over_two_slots_is_never_exceeded_by_two_gateways(gateway, backend, cluster):
    counters = [by_user_and_team(gateway, backend, cluster, users=40, teams=60) for _ in range(2)]
    # Three users, each of whom has 40, and a team that has 60.
    with ThreadPoolExecutor(32) as pool:
        verdicts = list(pool.map(lambda number: counters[number % 2].counts(x_user=f"u{number % 3}", x_team="blue"), range(240)))
    assert False not in verdicts
    allowed = verdicts.count(True)
    assert 60 - 32 <= allowed <= 60, allowed
    eventually(lambda: used(cluster, "teams", "blue") == allowed, "what was charged is what was allowed")
    eventually(lambda: sum(used(cluster, "users", f":u{number}") for number in range(3)) == allowed, "for the users too")


def test_a_slot_that_is_moved_under_load_loses_no_call(gateway, backend, cluster):
    counter = GatewayCounts(gateway, backend, {"redis": cluster.addresses}, limits=["1000/day"])
    assert counter.counts()
    key = cluster.keys()[0]
    slot = cluster.slot(key)
    source = cluster.owner(slot)
    target = next(node for node in cluster.primaries if node is not source)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(counter.counts) for _ in range(60)]
        cluster.begin_move(slot, source, target)
        calls += [pool.submit(counter.counts) for _ in range(60)]
        cluster.move_keys(slot, source, target)
        # ASK: the key is there already, the slot is not.
        assert counter.counts()
        calls += [pool.submit(counter.counts) for _ in range(60)]
        cluster.end_move(slot, target)
        calls += [pool.submit(counter.counts) for _ in range(60)]
        assert all(call.result() for call in calls)
    assert counter.counts()
    assert cluster.owner(slot) is target
    eventually(lambda: int(cluster.get(key).split()[0]) == 1 + 240 + 2, "every call, and no lease")
    assert not any("limit store" in line for line in counter.process.lines)


def test_the_service_follows_a_slot_that_has_moved(martlet, cluster, tmp_path):
    counter = ServiceCounts(martlet, tmp_path, {"redis": cluster.addresses}, count=4)
    assert counter.counts() and counter.counts()
    key = next(key for key in cluster.keys() if b"trial" not in key)
    slot = cluster.slot(key)
    source = cluster.owner(slot)
    target = next(node for node in cluster.primaries if node is not source)
    cluster.begin_move(slot, source, target)
    cluster.move_keys(slot, source, target)
    assert counter.counts()
    cluster.end_move(slot, target)
    assert [counter.counts() for _ in range(2)] == [True, None]


def test_a_replica_that_takes_over_is_followed(counting, own, tmp_path):
    servers = own(Cluster(tmp_path))
    counter = counting({"redis": servers.addresses}, count=12)
    assert all(counter.counts() for _ in range(5))
    key = next(key for key in servers.keys() if b"trial" not in key)
    primary = servers.owner(servers.slot(key))
    replica = servers.replicas[servers.primaries.index(primary)]
    wait_until_replicated(primary, replica)
    primary.stop()
    replica.command("CLUSTER", "FAILOVER", "TAKEOVER")
    eventually(counter.counts, "a call that the new primary decides")
    assert [counter.counts() for _ in range(7)] == [True] * 6 + [None]


def test_keys_of_one_slot_that_are_in_two_places_wait_until_they_are_in_one(gateway, backend, cluster, signing_key):
    """Two counters of a tenant, of which one has been moved: TRYAGAIN within the timeout, then `when_unavailable`."""
    running = gateway(configuration(
        backend, workers=1, stores={"main": {"redis": cluster.addresses}},
        rate_limits={"store": "main", "timeout": "200ms", "when_unavailable": "deny"},
        authentication={**authentication(signing_key), "tenant": "claim tenant"},
        routes=[{"service": SERVICE, "cluster": "kinds", "limits": ["100/day per tenant", "100/h per tenant"]}]))
    with Caller(running.address, token=signing_key.token(tenant="acme")) as caller:
        caller.unary(ask())
        day, hour = sorted(key for key in cluster.keys() if b"{acme}" in key)
        slot = cluster.slot(day)
        assert cluster.slot(hour) == slot
        source = cluster.owner(slot)
        target = next(node for node in cluster.primaries if node is not source)
        cluster.begin_move(slot, source, target)
        source.command("MIGRATE", "127.0.0.1", target.port, day, 0, 5000)
        assert caller.refusal(ask()).code == grpc.StatusCode.UNAVAILABLE
        running.process.wait_for(
            lambda line: "limit store unavailable" in line and "it answers TRYAGAIN Multiple keys request" in line, "notice")
        cluster.move_keys(slot, source, target)
        caller.unary(ask())
        cluster.end_move(slot, target)
        caller.unary(ask())
        assert cluster.get(day).split()[0] == cluster.get(hour).split()[0] == b"3"


def test_a_cluster_over_tls_asks_no_more_of_its_user_than_the_handbook_says(counting, own, pki, server_identity, tmp_path):
    more = " +cluster|slots +asking +ping"
    # The servers are each other's clients.
    client = pki.issue("redis-client", client=True)
    servers = own(Cluster(
        tmp_path, replicas=False, identity=server_identity, authority=pki, users=[f"martlet {counting.user} {QUOTAS}{more}"],
        lines=[f"tls-client-cert-file {client.certificate}", f"tls-client-key-file {client.private_key}"]))
    counter = counting(
        {"redis": servers.addresses, "tls": {"ca": str(pki.file)}, "user": "martlet", "password": "geheim"}, count=4)
    assert [counter.counts() for _ in range(5)] == [True] * 4 + [None]
    assert all(node.command("ACL", "LOG") == [] for node in servers.nodes)


def test_a_server_that_is_silent_costs_only_its_own_slots(gateway, backend, cluster):
    counter = GatewayCounts(
        gateway, backend, {"redis": cluster.addresses}, timeout="100ms",
        limits=[{"count": 1000, "per": "day", "key": "header x-user", "when_missing": "share", "name": "users"}])
    assert all(counter.counts(x_user=f"u{number}") for number in range(30))
    silent = cluster.primaries[1]
    theirs = {number for number in range(30) if any(key.endswith(f":u{number}".encode()) for key in silent.keys())}
    assert theirs and len(theirs) < 30
    silent.freeze()
    try:
        # Five wait for it in vain; then no call does.
        eventually(lambda: not counter.counts(x_user=f"u{min(theirs)}"), "a call that is not decided")
        verdicts = {number: counter.counts(x_user=f"u{number}") for number in range(30)}
        assert {number for number, verdict in verdicts.items() if verdict is False} == theirs
    finally:
        silent.thaw()
    eventually(lambda: counter.counts(x_user=f"u{min(theirs)}"), "a call that it decides again")


def test_what_a_failover_loses_lets_no_call_pass_beyond_the_limit(gateway, backend, own, tmp_path):
    servers = own(Cluster(tmp_path))
    counters = [GatewayCounts(gateway, backend, {"redis": servers.addresses}, limits=["900/day"]) for _ in range(2)]
    assert all(counter.counts() for counter in counters)
    slot = servers.slot(servers.keys()[0])
    primary = servers.owner(slot)
    replica = servers.replicas[servers.primaries.index(primary)]
    wait_until_replicated(primary, replica)
    # From here on it receives nothing: its primary does not let it in any more.
    replica.command("CONFIG", "SET", "masterauth", "wrong")
    primary.command("CLIENT", "KILL", "TYPE", "replica")
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda number: counters[number % 2].counts(), range(500)))
    primary.process.kill()
    replica.command("CLUSTER", "FAILOVER", "TAKEOVER")
    for counter in counters:
        eventually(lambda: counter.counts() is not False, "a call that the new primary decides")
    allowed = 2 + 500 + 2

    def is_used_up():
        nonlocal allowed
        # What is leased and not used comes back.
        while counters[allowed % 2].counts():
            allowed += 1
        return allowed == 900
    eventually(is_used_up, "the rest of the limit")
    assert all(counter.counts() is None for counter in counters)
