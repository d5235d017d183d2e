"""A store behind Sentinels: the primary is found, left when it is one no longer, and followed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.limiters import GatewayCounts
from harness.shapes import Replicated, wait_until_replicated
from harness.waiting import eventually


def allowed_until_refused(counter):
    """How many calls are allowed before one is refused; none may go undecided."""
    count = 0
    while True:
        verdict = counter.counts()
        assert verdict is not False
        if verdict is None:
            return count
        count += 1


def test_a_killed_primary_is_followed_and_the_count_goes_on(counting, own, tmp_path):
    servers = own(Replicated(tmp_path))
    counter = counting({"redis": servers.addresses, "sentinel": {"master": "mymaster"}}, count=12)
    assert all(counter.counts() for _ in range(5))
    wait_until_replicated(servers.primary, servers.replica)
    servers.primary.stop()
    eventually(lambda: servers.sentinels[0].primary() == servers.replica.port, "the failover")
    eventually(counter.counts, "a call that the new primary decides")
    assert allowed_until_refused(counter) == 6
    counter.process.wait_for(lambda line: "limit store available again: it decides store=main" in line, "notice")


@pytest.mark.parametrize("lease", ["1s", "off"])
def test_what_a_failover_loses_lets_no_call_pass_beyond_the_limit(gateway, backend, own, closed_port, tmp_path, lease):
    servers = own(Replicated(tmp_path))
    store = {"redis": servers.addresses, "sentinel": {"master": "mymaster"}}
    counters = [GatewayCounts(gateway, backend, store, limits=["900/day"], lease=lease) for _ in range(2)]
    assert all(counter.counts() for counter in counters)
    wait_until_replicated(servers.primary, servers.replica)
    # From here on it receives nothing, and Sentinel takes it nevertheless.
    servers.replica.command("REPLICAOF", "127.0.0.1", closed_port.rpartition(":")[2])
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda number: counters[number % 2].counts(), range(500)))
    servers.primary.process.kill()
    eventually(lambda: servers.sentinels[0].primary() == servers.replica.port, "the failover")
    for counter in counters:
        eventually(lambda: counter.counts() is not False, "a call that the new primary decides")
    allowed = 2 + 500 + 2 + sum(allowed_until_refused(counter) for counter in counters)

    def rest():
        nonlocal allowed
        # What is leased and not used comes back.
        allowed += sum(allowed_until_refused(counter) for counter in counters)
        return allowed == 900
    eventually(rest, "the rest of the limit")
    assert all(counter.counts() is None for counter in counters)


def test_a_primary_that_is_made_a_replica_is_left_at_once(counting, own, tmp_path):
    servers = own(Replicated(tmp_path))
    counter = counting({"redis": servers.addresses, "mode": "sentinel", "sentinel": {"master": "mymaster"}}, count=12)
    assert all(counter.counts() for _ in range(5))
    servers.sentinels[0].failover()
    eventually(lambda: servers.sentinels[0].primary() == servers.replica.port, "the failover")
    eventually(counter.counts, "a call that the new primary decides")
    assert allowed_until_refused(counter) == 6


def test_the_next_sentinel_is_asked_where_the_first_is_away(counting, own, closed_port, tmp_path):
    servers = own(Replicated(tmp_path, password="geheim", sentinel_password="wache"))
    counter = counting(
        {"redis": [closed_port, *servers.addresses], "password": "geheim", "sentinel": {"master": "mymaster", "password": "wache"}})
    assert eventually(counter.counts, "a call that is decided")
    assert all(counter.counts() for _ in range(5))


def test_a_name_that_no_sentinel_knows_is_said(counting, own, tmp_path):
    servers = own(Replicated(tmp_path))
    counter = counting({"redis": servers.addresses, "sentinel": {"master": "other"}})
    counter.process.wait_for(
        lambda line: "limit store unavailable" in line and "it answers that no primary is named other" in line, "notice")
    assert counter.counts() is False


def test_a_sentinel_that_is_behind_is_not_believed(counting, own, tmp_path):
    servers = own(Replicated(tmp_path))
    servers.primary.command("REPLICAOF", "127.0.0.1", servers.replica.port)
    counter = counting({"redis": servers.addresses, "sentinel": {"master": "mymaster"}})
    counter.process.wait_for(
        lambda line: "limit store unavailable" in line and "it answers the role slave, expected master" in line, "notice")
