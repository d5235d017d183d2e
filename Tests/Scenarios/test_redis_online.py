"""`martlet check --online`: what keeps a store from counting is told in words, and so it is at the start."""

import json

import pytest

from harness.gateway import configuration, open_route, run
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


def test_one_of_several_sentinels_that_is_away_is_only_a_warning(check, own, tmp_path, closed_port):
    servers = own(Replicated(tmp_path))
    found = check({"redis": [closed_port, *servers.addresses], "sentinel": {"master": "mymaster"}}, status=0)
    assert f"warning: {closed_port} cannot be reached: Connection refused" in found


def test_a_replica_beside_its_primary_is_only_a_warning(check, own, tmp_path):
    servers = own(Replicated(tmp_path))
    found = check({"redis": [servers.replica.address, servers.primary.address]}, status=0)
    assert f"warning: {servers.replica.address} is a replica, which counts nothing: another of the addresses has to be its primary" in found
    assert not [line for line in found if not line.startswith("warning: ")]


@pytest.mark.parametrize("mode", ["auto", "cluster"])
@pytest.mark.parametrize("info", ["+info", "-info"])
def test_a_user_who_may_not_see_the_slots_of_a_cluster(check, own, tmp_path, mode, info):
    servers = own(Cluster(tmp_path, replicas=False))
    for server in servers.primaries:
        server.command("ACL", "SETUSER", "martlet", *check.user.split(), info)
    first = servers.primaries[0]
    found = check({"redis": first.address, "mode": mode, "user": "martlet", "password": "geheim"}, status=1)
    assert [line for line in found if line.startswith(first.address) and line.endswith("expected the permission +cluster|slots for this user")]
    assert not [line for line in found if "MOVED" in line]


def test_tls_and_cleartext_that_meet(check, redis, pki, server_identity, tmp_path):
    plain, secure = redis(), redis(identity=server_identity, authority=pki)
    found = check({"redis": plain.address, "mode": "single", "tls": {"ca": str(pki.file)}}, status=1)
    assert len(found) == 1 and found[0].startswith(f"{plain.address} TLS: "), found
    assert found[0].endswith("(the server may not speak TLS on this port)"), found
    found = check({"redis": secure.address, "mode": "single"}, status=1)
    assert found == [f"{secure.address} closes the connection without an answer: it may speak TLS on this port"]


def test_a_unix_socket_that_is_not_there(check, tmp_path):
    path = tmp_path / "none.sock"
    assert check({"redis": f"unix:{path}"}, status=1) == [f"unix:{path} cannot be reached: No such file or directory"]


@pytest.mark.parametrize("limit, warns", [("10/day", True), ("10/month sliding", True), ("10/h", False), ("10/day token_bucket", False)])
def test_a_server_that_keeps_no_files_beneath_limits_of_days(backend, redis, tmp_path, limit, warns):
    store = redis()
    file = tmp_path / "martlet.yaml"
    file.write_text(json.dumps(configuration(
        backend, routes=[open_route(limits=[limit])], stores={"main": {"redis": store.address}}, rate_limits={"store": "main"})))
    result = run("check", "--online", file)
    assert result.returncode == 0
    assert ("has appendonly no: what limits of a day and longer have counted is lost" in result.stdout) == warns
