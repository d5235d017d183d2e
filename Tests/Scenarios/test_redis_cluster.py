"""A store that is a cluster: slots, limits over several of them, resharding and failover."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.limiters import GatewayCounts, ServiceCounts
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
    assert int(cluster.get(key).split()[0]) == 1 + 240 + 2
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
