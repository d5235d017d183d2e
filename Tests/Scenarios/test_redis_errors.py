"""A Redis that answers, but not with a decision: replicas, permissions, cluster mode, TLS. Said at the start, and left behind
where another server may have taken its place."""

import json

import pytest

from harness.certificates import Authority
from harness.gateway import configuration, open_route
from harness.limiters import QUOTAS, USER, ServiceCounts
from harness.waiting import eventually


def said(counter, *parts):
    return counter.process.wait_for(
        lambda line: "limit store unavailable" in line and all(part in line for part in parts), f"notice with {parts}")


def test_a_primary_that_became_a_replica_is_left_once_it_is_one_no_longer(counting, redis):
    other, store = redis(), redis()
    counter = counting(store.url)
    assert counter.counts()
    store.command("REPLICAOF", "127.0.0.1", other.port)
    assert not counter.counts()
    said(counter, "READONLY You can't write against a read only replica")
    first = {line.split()[0] for line in store.command("CLIENT", "LIST").decode().splitlines()}
    eventually(lambda: not first & {line.split()[0] for line in store.command("CLIENT", "LIST").decode().splitlines()
                                    if "name=" in line and "cmd=" in line and "replconf" not in line},
               "the connection to the replica is closed")
    store.command("REPLICAOF", "NO", "ONE")
    counter.process.wait_for(lambda line: "limit store available again" in line, "notice")
    assert all(counter.counts() for _ in range(20))


def test_a_name_that_stands_for_another_server_after_a_failover_is_dialled_again(counting, redis, tmp_path):
    """The way of a failover with a Unix socket for a name: what it leads to changes."""
    old = redis(settings=["unixsocket", tmp_path / "a.sock"])
    new = redis(settings=["unixsocket", tmp_path / "b.sock"])
    name = tmp_path / "redis.sock"
    name.symlink_to("a.sock")
    counter = counting(f"unix://{name}")
    assert counter.counts()
    other = tmp_path / "next.sock"
    other.symlink_to("b.sock")
    other.rename(name)
    old.command("REPLICAOF", "127.0.0.1", new.port)
    eventually(counter.counts, "the new primary counts", within=15)
    assert all(counter.counts() for _ in range(20))
    assert any(key.startswith(b"martlet:") for key in new.keys())


def test_a_replica_without_its_primary_is_left_too(counting, redis):
    store = redis(settings=["replica-serve-stale-data", "no"])
    counter = counting(store.url)
    assert counter.counts()
    store.command("REPLICAOF", "127.0.0.1", 1)
    said_before = len(counter.process.lines)
    assert not counter.counts()
    said(counter, "cause=\"it answers ")
    store.command("REPLICAOF", "NO", "ONE")
    counter.process.wait_for(lambda line: "limit store available again" in line, "notice", start=said_before)
    assert counter.counts()


@pytest.mark.parametrize("settings, parts", [
    (["cluster-enabled", "yes"], ["CLUSTERDOWN"]),
    (["maxmemory", "1"], ["OOM command not allowed"]),
    (["requirepass", "other"], ["does not let us in: "]),
], ids=["cluster", "memory", "password"])
def test_what_stands_against_it_is_said_at_the_start(counting, redis, settings, parts):
    store = redis(settings=settings)
    line = said(counting(store.url), *parts)
    assert "store=redis://" in line


def test_slots_of_a_cluster_are_said_at_the_start(counting, redis):
    store = redis(settings=["cluster-enabled", "yes"])
    store.command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    eventually(lambda: b"cluster_state:ok" in store.command("CLUSTER", "INFO"), "a cluster of one", within=20)
    said(counting(store.url), "CROSSSLOT Keys in request don't hash to the same slot")


def test_a_node_that_has_no_slot_is_said_at_the_start(martlet, redis, tmp_path):
    store = redis(settings=["cluster-enabled", "yes", "cluster-require-full-coverage", "no"])
    store.command("CLUSTER", "ADDSLOTS", 0)
    said(ServiceCounts(martlet, tmp_path, store.url), "CLUSTERDOWN")


@pytest.mark.parametrize("missing", ["evalsha", "eval", "time", "mget", "set"])
def test_each_permission_that_is_needed_is_missed(counting, redis, missing):
    store = redis(users=[f"martlet {USER.replace(f' +{missing}', ' ', 1) if missing != 'eval' else USER.replace(' +eval ', ' ')}"])
    line = said(counting(store.url, user="martlet", password="geheim"), "cause=")
    assert "NOPERM" in line or "can't run this command" in line, line


def test_keys_outside_the_permission_are_said(counting, redis):
    store = redis(users=[f"martlet {counting.user.replace('~martlet:', '~other:')}"])
    said(counting(store.url, user="martlet", password="geheim"), "NOPERM", "keys")


def test_exactly_what_the_readme_says_is_enough(counting, redis):
    store = redis(users=[f"martlet {counting.user} {QUOTAS}"])
    counter = counting(store.url, user="martlet", password="geheim")
    assert all(counter.counts() for _ in range(20))
    used = store.command("INFO", "commandstats").decode()
    assert all(f"cmdstat_{word[1:]}:" in used for word in counting.user.split() if word.startswith("+")), "and no more than is needed"
    assert not any("limit store" in line for line in counter.process.lines)
    log = store.command("ACL", "LOG")
    assert log == [], log


def test_a_database_needs_select_besides(counting, redis):
    store = redis(users=[f"martlet {counting.user}", f"more {counting.user} +select"])
    said(counting(f"{store.url}/3", user="martlet", password="geheim"), "does not let us in: NOPERM", "select")
    counter = counting(f"{store.url}/3", user="more", password="geheim")
    assert counter.counts()


def test_a_wrong_authority_is_said_with_the_reason_of_tls(counting, redis, pki, server_identity, tmp_path):
    store = redis(identity=server_identity, authority=pki)
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", name="Another CA")
    counter = counting(store.url, tls={"ca": str(other.file), "server_name": "localhost"})
    said(counter, "TLS: certificate refused: ", "certificate")
    assert not counter.counts()


def test_another_name_in_the_certificate_is_said(counting, redis, pki, server_identity):
    store = redis(identity=server_identity, authority=pki)
    said(counting(store.url, tls={"ca": str(pki.file), "server_name": "other.example"}), "TLS: certificate refused: hostname mismatch")


def test_a_server_without_tls_is_said(counting, redis, pki):
    store = redis()
    said(counting(f"rediss://{store.address}", tls={"ca": str(pki.file), "server_name": "localhost"}), "TLS: ")


def test_a_server_that_wants_tls_is_said(counting, redis, pki, server_identity):
    store = redis(identity=server_identity, authority=pki)
    # In order, or by a reset: the server has not read all that it was sent.
    line = said(counting(f"redis://{store.address}"), "cannot be reached: ")
    assert "closed by the peer" in line or "Connection reset by peer" in line


def test_why_nothing_is_there_is_said(counting):
    said(counting("redis://127.0.0.1:1"), "cannot be reached: Connection refused")


def test_a_wrong_authority_of_the_rate_limit_service_is_said(gateway, backend, martlet, pki, server_identity, tmp_path):
    file = tmp_path / "limits.yaml"
    file.write_text(json.dumps({
        "listeners": [{"name": "rls", "address": "127.0.0.1:0", "tls": {
            "certificate": str(server_identity.certificate), "private_key": str(server_identity.private_key)}}],
        "admin": {"address": "127.0.0.1:0"}, "domains": [{"domain": "martlet"}]}))
    service = martlet("ratelimit", file)
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", name="Another CA")
    running = gateway(configuration(
        backend, workers=1, routes=[open_route(limits=["2/day"])],
        rate_limits={"store": f"grpc://{service.address}", "timeout": "2s", "tls": {"ca": str(other.file), "server_name": "localhost"}}))
    running.process.wait_for(
        lambda line: "limit store unavailable" in line and "TLS: certificate refused: " in line and "grpc://" in line, "notice")
