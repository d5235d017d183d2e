"""Acting on a tenant now: `martlet quota`, its gRPC service and its pages, over one and two gateways."""

import collections
import http.client
import json
import socket
import time

import grpc
import pytest

from harness.backend import ask
from harness.caller import Caller, refusal
from harness.gateway import authentication, configuration, open_route, run
from harness.waiting import eventually

OK, OVER, DENIED = grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.PERMISSION_DENIED
# What a change has to be in force on every gateway.
WITHIN = 2
# Of the plan that all tenants here are on.
FREE = "plans.free/calls"


class Quota:
    """`martlet quota` against one admin address."""

    def __init__(self, address):
        self.address = address

    def run(self, verb, *words):
        return run("quota", verb, self.address, *words)

    def __call__(self, verb, *words):
        done = self.run(verb, *words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def page(self, path):
        """Status and text of a page of the admin address."""
        connection = http.client.HTTPConnection("localhost")
        if self.address.startswith("unix:"):
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(10)
            connection.sock.connect(self.address.removeprefix("unix:"))
        else:
            host, port = self.address.split(":")
            connection.sock = socket.create_connection((host, int(port)), timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def used(self, tenant, limit=FREE):
        """Hits that a limit has counted of a tenant, and those that are left."""
        status, text = self.page(f"/quota/show?tenant={tenant}")
        assert status == 200, text
        usage, = [each for each in json.loads(text)["usage"] if each["limit"] == limit] or [pytest.fail(text)]
        return int(usage.get("used", 0)), int(usage.get("remaining", 0))

    def metric(self, name):
        text = self.page("/metrics")[1]
        return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)), None)


@pytest.fixture
def sockets(tmp_path_factory):
    import shutil
    import tempfile
    folder = tempfile.mkdtemp()
    yield lambda name: f"unix:{folder}/{name}.sock"
    shutil.rmtree(folder)


def named(limit):
    count, window, *algorithm = limit.replace("/", " ").split()
    return {"name": "calls", "count": int(count), "per": window, **({"algorithm": algorithm[0]} if algorithm else {})}


@pytest.fixture
def start(gateway, backend, signing_key, sockets):
    """A gateway with plans of tenants, and its quota commands."""
    def start(store, name="a", limits=("5/day",), admin=None, **more):
        address = admin or sockets(name)
        running = gateway(configuration(
            backend, workers=2, rate_limits=store, admin={"address": address},
            authentication={**authentication(signing_key), "tenant": "claim tenant", "plan": "claim plan", "default_plan": "free"},
            plans={"free": {"limits": [named(limit) for limit in limits]}}, routes=[open_route(allow="authenticated")], **more))
        return running, Quota(running.admin_address)
    return start


@pytest.fixture
def store(redis):
    # Without leases, which count as used for a second.
    return {"store": redis().url, "domain": "shop", "timeout": "1s", "lease": "off"}


@pytest.fixture
def caller(own, signing_key):
    return lambda running, tenant: own(Caller(running.address, token=signing_key.token(tenant=tenant)))


def code(caller):
    try:
        caller.unary(ask())
        return OK
    except grpc.RpcError as error:
        return error.code()


def codes(caller, count):
    return collections.Counter(code(caller) for _ in range(count))


def audit(running):
    return [json.loads(line.split("audit ", 1)[1]) for line in list(running.process.lines) if line.startswith("audit ")]


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_show_and_block(start, caller, kind, redis):
    store = {"store": "memory"} if kind == "memory" else {"store": redis().url, "timeout": "1s", "lease": "off"}
    running, quota = start(store)
    acme, other = caller(running, "acme"), caller(running, "other")
    assert codes(acme, 3) == {OK: 3}
    shown = quota("show", "acme")
    assert shown["scope"] == ("this process" if kind == "memory" else store["store"])
    assert quota.used("acme") == (3, 2)
    assert quota.used("acme") == (3, 2), "a look charges nothing"
    assert FREE in quota.run("show", "acme").stdout
    change = quota("block", "acme", "--reason", "abuse")
    assert change["act"]["kind"] == "block" and change["act"]["by"].startswith("uid ")
    eventually(lambda: code(acme) == DENIED, "the block", within=WITHIN)
    seen = acme.refusal(ask())
    assert seen.code == DENIED and seen.reason == "TENANT_BLOCKED"
    assert code(other) == OK
    assert quota("show", "acme")["acts"][0]["reason"] == "abuse"
    quota("unblock", "acme")
    eventually(lambda: code(acme) == OK, "the end of the block", within=WITHIN)
    assert [entry["action"] for entry in audit(running)] == ["block", "unblock"]


def test_a_block_reaches_two_gateways_and_ends_running_streams(start, caller, store, backend, tag):
    one, quota = start(store, "a", limits=["100/day"])
    two, _ = start(store, "b", limits=["100/day"])
    streams = []
    for place, running in enumerate((one, two)):
        stream = caller(running, "acme").spread(ask(tag=f"{tag}-{place}", hold=True, metadata_first=True))
        backend.wait_for_call(f"{tag}-{place}")
        streams.append(stream)
    kept = caller(two, "other").spread(ask(tag=f"{tag}-kept", hold=True, metadata_first=True))
    backend.wait_for_call(f"{tag}-kept")
    quota("block", "acme")
    began = time.monotonic()
    for stream in streams:
        with pytest.raises(grpc.RpcError) as ended:
            next(stream)
        assert ended.value.code() == DENIED and refusal(ended.value).reason == "TENANT_BLOCKED"
    assert time.monotonic() - began < WITHIN
    for running in (one, two):
        assert code(caller(running, "acme")) == DENIED
    backend.release(f"{tag}-kept")
    assert next(kept)
    quota("unblock", "acme")
    for running in (one, two):
        eventually(lambda: code(caller(running, "acme")) == OK, "calls again", within=WITHIN)


def test_a_grant_lets_exactly_so_many_more_through_on_both_gateways(start, caller, store):
    one, quota = start(store, "a")
    two, other = start(store, "b")
    here, there = caller(one, "acme"), caller(two, "acme")
    assert codes(here, 4) == {OK: 4} and codes(there, 4) == {OK: 1, OVER: 3}
    change = other("grant", "acme", FREE, "7")
    assert change["act"]["until"].endswith("T00:00:00Z"), "with the window"
    eventually(lambda: quota.used("acme") == (5, 7), "the grant", within=WITHIN)
    eventually(lambda: other.used("acme") == (5, 7), "the grant", within=WITHIN)
    ended = codes(here, 6) + codes(there, 6)
    assert ended == {OK: 7, OVER: 5}
    assert codes(caller(one, "other"), 6) == {OK: 5, OVER: 1}


def test_an_override_holds_until_its_expiry(start, caller, store):
    running, quota = start(store)
    acme = caller(running, "acme")
    change = quota("override", "acme", "calls", "2", "--for", "9s")
    assert change["act"]["limit"] == FREE
    eventually(lambda: quota.used("acme") == (0, 2), "the override", within=WITHIN)
    assert codes(acme, 4) == {OK: 2, OVER: 2}
    eventually(lambda: code(acme) == OK, "the end of the override", within=15)
    assert quota.used("acme") == (3, 2)
    assert "acts" not in quota("show", "acme")
    quota("override", "acme", "calls", "1000", "--for", "1h")
    eventually(lambda: quota.used("acme") == (3, 997), "the override", within=WITHIN)
    assert quota("restore", "acme", "calls")["former"][0]["count"] == "1000"
    eventually(lambda: quota.used("acme") == (3, 2), "what is configured", within=WITHIN)


@pytest.mark.parametrize("kind", ["memory", "redis"])
@pytest.mark.parametrize("limit", ["5/day", "5/80000s", "5/month sliding"])
def test_a_reset_has_the_count_begin_anew(start, caller, kind, redis, limit):
    running, quota = start({"store": "memory"} if kind == "memory" else {"store": redis().url, "timeout": "1s", "lease": "off"}, limits=[limit])
    acme, other = caller(running, "acme"), caller(running, "other")
    assert codes(acme, 6) == {OK: 5, OVER: 1} and codes(other, 5) == {OK: 5}
    assert quota.used("acme") == (5, 0)
    quota("reset", "acme", "calls")
    eventually(lambda: quota.used("acme") == (0, 5), "the reset", within=WITHIN)
    assert codes(acme, 6) == {OK: 5, OVER: 1}
    assert codes(other, 1) == {OVER: 1}


def test_a_block_holds_while_redis_is_away_and_is_put_back_when_it_is_lost(start, caller, redis):
    server = redis()
    running, quota = start({"store": server.url, "domain": "shop", "when_unavailable": "local"}, limits=["100/day"])
    acme = caller(running, "acme")
    quota("block", "acme")
    eventually(lambda: code(acme) == DENIED, "the block", within=WITHIN)
    port = server.port
    server.stop()
    running.process.wait_for(lambda line: "the list of acts cannot be read: the last one holds" in line, "a word of it")
    assert codes(acme, 5) == {DENIED: 5}
    assert code(caller(running, "other")) == OK
    away = quota.run("block", "another")
    assert away.returncode == 78 and "UNAVAILABLE" in away.stderr
    assert quota.metric("martlet_quota_list_age_seconds") is not None
    # It comes back with nothing in it.
    redis(port=port)
    running.process.wait_for(lambda line: "it is put back" in line, "the list that is put back")
    eventually(lambda: quota("show", "acme").get("acts"), "the list", within=10)
    assert codes(acme, 3) == {DENIED: 3}


def test_changes_over_tcp_are_refused_and_reads_are_not(start, caller):
    running, quota = start({"store": "memory"}, admin="127.0.0.1:0")
    codes(caller(running, "acme"), 2)
    assert quota.used("acme") == (2, 3)
    refused = quota.run("block", "acme")
    assert refused.returncode == 71 and "Unix socket" in refused.stderr
    status, text = running.admin("/quota/show?tenant=acme")
    assert status == 200 and json.loads(text)["usage"][0]["used"] == "2"
    assert code(caller(running, "acme")) == OK
    assert running.admin("/quota/nothing")[0] == 404 and running.admin("/quota/block")[0] == 405
    assert audit(running) == []


def test_requests_with_mistakes_say_so(start):
    _, quota = start({"store": "memory"})
    for words, status, said in [
        (("show", ""), 67, "expected a tenant's name"), (("show", "a", "--limit", "no"), 69, "expected one of plans.free/calls"),
        (("show", "a", "--issuer", "no"), 69, "issuer"), (("unblock", "a"), 69, "is not blocked"),
        (("grant", "a", "calls", "0"), 67, "count"), (("grant", "a", "calls", "99999999999"), 67, "count"),
        (("override", "a", "calls", "1", "--burst", "2", "--for", "1s"), 67, "token bucket"), (("restore", "a", "calls"), 69, "neither"),
        (("override", "a", "calls", "1"), 64, "--for"), (("block", "a", "--for", "soon"), 64, "duration"),
    ]:
        done = quota.run(*words)
        assert done.returncode == status and said in done.stderr, (words, done.returncode, done.stderr)


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_exports_sum_to_what_was_called_on_all_gateways(start, caller, redis, kind):
    store = {"store": "memory"} if kind == "memory" else {"store": redis().url, "timeout": "1s", "lease": "off"}
    one, quota = start(store, "a", limits=["20/day"])
    running = [one] if kind == "memory" else [one, start(store, "b", limits=["20/day"])[0]]
    called = collections.Counter()
    for gateway in running:
        for tenant, count in (("acme", 7), ("other, \"inc\"", 12)):
            called[tenant] += codes(caller(gateway, tenant), count)[OK]

    def exported(*words):
        return {row["tenant"]: int(row["hits"]) for row in quota("export", *words).get("records", [])}
    eventually(lambda: exported() == called, "all that was called", within=15)
    assert exported("--period", "hour") == called
    assert exported("--tenant", "acme") == {"acme": called["acme"]}
    assert exported("--from", "2020-01-01", "--to", "2020-01-03T05") == {}
    lines = quota.run("export").stdout.splitlines()
    assert lines[0] == "start,tenant,issuer,limit,hits" and len(lines) == 3
    assert lines[2].split("Z,", 1)[1].startswith('"other, ""inc""",https://')
    listed = {tenant["tenant"]: int(tenant["hitsToday"]) for tenant in quota("list")["tenants"]}
    assert listed == called
    assert code(caller(one, "acme")) == OK
    one.stop()
    if kind == "redis":
        # What the last second had is kept before the end.
        left = Quota(running[1].admin_address)
        total = {row["tenant"]: int(row["hits"]) for row in left("export")["records"]}
        assert total["acme"] == called["acme"] + 1


def test_usage_waits_for_the_store_and_is_added_once(start, caller, redis):
    server = redis()
    running, quota = start({"store": server.url, "timeout": "100ms", "when_unavailable": "local"}, limits=["1000/day"])
    acme = caller(running, "acme")
    assert codes(acme, 5) == {OK: 5}
    exported = lambda: sum(int(row["hits"]) for row in quota("export").get("records", []))  # noqa: E731
    eventually(lambda: exported() == 5, "the first sum", within=15)
    server.freeze()
    assert codes(acme, 20) == {OK: 20}
    running.process.wait_for(lambda line: "usage waits for the store" in line, "a word of it")
    server.thaw()
    eventually(lambda: exported() == 25, "all of it", within=15)
    assert quota.metric("martlet_quota_usage_waiting") == 0


def test_who_uses_most_and_who_is_refused_most(start, caller):
    running, quota = start({"store": "memory"}, limits=["5/day"])
    for tenant, count in (("a", 2), ("b", 9), ("c", 5)):
        codes(caller(running, tenant), count)

    def top(by):
        return [(each["tenant"], int(each["hits"])) for each in json.loads(quota.page("/quota/top")[1]).get(by, [])]
    eventually(lambda: top("byRefusals") == [("b", 4)] and top("byUse")[2:] == [("a", 2)], "the sketches")
    assert sorted(top("byUse")[:2]) == [("b", 5), ("c", 5)]


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_a_tenant_reads_its_own_usage_with_its_own_token(gateway, backend, signing_key, redis, own, kind):
    running = gateway(configuration(
        backend, workers=2, rate_limits={"store": "memory"} if kind == "memory" else {"store": redis().url, "timeout": "1s", "lease": "off"},
        authentication={**authentication(signing_key), "tenant": "claim tenant", "plan": "claim plan", "default_plan": "free"},
        plans={"free": {"limits": [{"name": "calls", "count": 5, "per": "day"}, {"name": "burst", "count": 50, "per": "month"}]}},
        routes=[{"path": "/usage", "serve": "usage", "allow": "authenticated", "expose": True, "limits": ["1000/h"]},
                open_route(allow="authenticated")]))

    def usage(tenant, method="GET", **claims):
        token = signing_key.token(**({"tenant": tenant} if tenant else {}), **claims)
        connection = http.client.HTTPConnection(running.address, timeout=10)
        connection.request(method, "/usage", headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer, answer.read().decode()
    acme = own(Caller(running.address, token=signing_key.token(tenant="acme")))
    assert codes(acme, 7) == {OK: 5, OVER: 2}
    for _ in range(3):
        answer, text = usage("acme")
        assert answer.status == 200 and answer.getheader("cache-control") == "no-store"
        told = json.loads(text)
        assert told["tenant"] == "acme" and told["plan"] == "free"
        first, second = told["limits"]
        assert (first["limit"], first["count"], first["used"], first["remaining"]) == ("calls", 5, 5, 0)
        assert (second["limit"], second["used"], second["remaining"]) == ("burst", 5, 45), "looking costs nothing"
        assert 0 < first["reset_seconds"] <= 86_400
    assert [limit["used"] for limit in json.loads(usage("other")[1])["limits"]] == [0, 0]
    assert usage(None)[0].status == 403
    assert usage("acme", "POST")[0].status == 405
    assert usage("acme", "HEAD")[1] == ""


def test_usage_is_served_only_where_there_are_tenants(signing_key, tmp_path, backend):
    file = tmp_path / "martlet.yaml"
    for more, said in (({}, "expected authentication with a tenant"),
                       ({"authentication": {**authentication(signing_key), "tenant": "claim tenant"}}, None)):
        file.write_text(json.dumps(configuration(
            backend, routes=[{"path": "/usage", "serve": "usage", "allow": "anyone"}, open_route()], **more)))
        done = run("check", file)
        assert (done.returncode == 0) == (said is None) and (said or "good") in done.stdout, done.stdout


def test_what_streams_carry_is_used(gateway, backend, signing_key, sockets, own):
    running = gateway(configuration(
        backend, rate_limits={"store": "memory"}, admin={"address": sockets("a")},
        authentication={**authentication(signing_key), "tenant": "claim tenant", "plan": "claim plan", "default_plan": "free"},
        plans={"free": {"limits": [{"name": "messages", "count": 1000, "per": "day", "of": "request_messages"}]}},
        routes=[open_route(allow="authenticated")]))
    acme = own(Caller(running.address, token=signing_key.token(tenant="acme")))
    assert acme.collect([ask("a"), ask("b"), ask("c")]).received == 3
    quota = Quota(running.admin_address)

    def exported():
        records = json.loads(quota.page("/quota/export")[1]).get("records", [])
        return {row["limit"]: int(row["hits"]) for row in records}
    eventually(lambda: exported() == {"plans.free/messages": 3}, "three messages")
