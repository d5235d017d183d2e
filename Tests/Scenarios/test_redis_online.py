"""`martlet check --online`: what keeps a store from counting is told in words, and so it is at the start."""

import json

import pytest

from harness.gateway import configuration, run
from harness.limiters import USER
from harness.shapes import Cluster, Replicated


@pytest.fixture(params=["gateway", "ratelimit"])
def check(request, backend, tmp_path):
    """Checks a configuration with this store; its exit status, and what it says of the store."""
    def checked(store, *, status):
        sections = {"stores": {"main": store}, "rate_limits": {"store": "main"}}
        if request.param == "gateway":
            whole = configuration(backend, **sections)
        else:
            whole = {"listeners": [{"name": "rls", "address": "127.0.0.1:0"}], "domains": [{"domain": "shop"}], **sections}
        file = tmp_path / "martlet.yaml"
        file.write_text(json.dumps(whole))
        result = run("check", "--online", file)
        assert result.returncode == status, result.stdout
        lines = [line for line in result.stdout.splitlines() if ": stores.main: " in line]
        return [line.partition(": stores.main: ")[2] for line in lines]
    checked.user = USER
    return checked


def test_one_server_that_serves(check, redis):
    store = redis(users=[f"martlet {check.user} +cluster|slots"])
    assert check({"redis": store.address, "user": "martlet", "password": "geheim"}, status=0) == []


def test_servers_that_are_not_there(check, closed_port):
    assert check({"redis": closed_port, "mode": "single"}, status=1) == [f"{closed_port} cannot be reached: Connection refused"]


def test_a_wrong_password(check, redis):
    store = redis(password="geheim")
    found = check({"redis": store.address, "mode": "single", "password": "falsch"}, status=1)
    assert found == [f"{store.address} it does not let us in: WRONGPASS invalid username-password pair or user is disabled."]


def test_permissions_that_are_missing(check, redis):
    store = redis(users=["martlet on >geheim resetkeys ~martlet:* resetchannels -@all +ping"])
    found = check({"redis": store.address, "mode": "single", "user": "martlet", "password": "geheim"}, status=1)
    assert any("answers NOPERM" in line and line.endswith("command") for line in found)
    assert any(line.startswith(f"warning: {store.address} cannot be looked at: NOPERM") for line in found)


def test_a_replica_in_place_of_a_primary(check, own, tmp_path):
    servers = own(Replicated(tmp_path))
    found = check({"redis": servers.replica.address, "mode": "single"}, status=1)
    assert f"{servers.replica.address} is a replica, expected a primary" in found
    found = check({"redis": servers.addresses[0]}, status=1)
    assert f"{servers.addresses[0]} is a Sentinel, expected sentinel: {{ master: NAME }} for the store" in found
    found = check({"redis": servers.addresses, "sentinel": {"master": "other"}}, status=1)
    assert found == [f"{servers.addresses[0]} knows no primary named other"]
    found = check({"redis": servers.primary.address, "sentinel": {"master": "mymaster"}}, status=1)
    assert len(found) == 1 and "ERR unknown command" in found[0] and found[0].endswith("expected a Sentinel")
    found = check({"redis": servers.addresses, "sentinel": {"master": "mymaster"}}, status=0)
    assert found == [f"warning: {servers.primary.address} has replicas, but min-replicas-to-write or min-replicas-max-lag is 0: "
                     "one that a partition has cut off goes on counting"]


def test_a_cluster_in_place_of_one_server(check, own, tmp_path):
    servers = own(Cluster(tmp_path, replicas=False))
    assert check({"redis": servers.addresses}, status=0) == []
    assert check({"redis": servers.addresses, "mode": "cluster"}, status=0) == []
    first = servers.primaries[0]
    found = check({"redis": first.address, "mode": "single"}, status=1)
    assert f"{first.address} is of a cluster, expected mode: cluster for the store" in found
    found = check({"redis": first.address, "database": 2}, status=1)
    assert any("is of a cluster, which has only database 0: found 2" in line or "does not let us in" in line for line in found)
    first.command("CLUSTER", "DELSLOTS", 5)
    assert f"{first.address} is of a cluster in which not all slots have a server" in check({"redis": first.address}, status=1)


def test_one_server_in_place_of_a_cluster(check, redis):
    store = redis()
    found = check({"redis": store.address, "mode": "cluster"}, status=1)
    assert found == [f"{store.address} answers ERR This instance has cluster support disabled: expected a server of a cluster"]


def test_a_server_that_evicts_counters(check, counting, redis):
    store = redis(settings=["maxmemory", "64mb", "maxmemory-policy", "allkeys-lru"])
    words = f"{store.address} has maxmemory-policy allkeys-lru: counters are lost once 67108864 bytes are used, expected noeviction"
    assert check({"redis": store.address}, status=0) == [f"warning: {words}"]
    counter = counting({"redis": store.address})
    counter.process.wait_for(lambda line: f"warning: store main: {words}" in line, "notice at the start")
    assert counter.counts()
