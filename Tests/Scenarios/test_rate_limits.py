"""Limits: what is counted, for whom, exactly; in this process and in Redis."""

import asyncio
import collections
import json

import grpc
import pytest

from harness import stubs
from harness.backend import ask
from harness.caller import Caller, channel
from harness.gateway import SERVICE, authentication, configuration, open_route
from harness.waiting import eventually

OK, OVER = grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED
# A window of a day turns at midnight only, and a hundred in eighty thousand seconds come back too slowly to be seen:
# with these a count can be exact.


@pytest.fixture(params=["memory", "redis"])
def store(request, redis):
    """The `rate_limits` section of each store of our own."""
    if request.param == "memory":
        return {"store": "memory"}
    return {"store": redis(password="geheim").url, "timeout": "5s"}


def code(caller, **options):
    try:
        caller.unary(ask(), **options)
        return OK
    except grpc.RpcError as error:
        return error.code()


def codes(caller, count, **options):
    return collections.Counter(code(caller, **options) for _ in range(count))


async def storm(address, calls, connections, metadata=()):
    """That many calls at once over that many connections; how they ended."""
    pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")
    channels = [channel(address, aio=True) for _ in range(connections)]
    ended = collections.Counter()

    async def one(number):
        try:
            await pb_grpc.KindsStub(channels[number % connections]).Unary(ask(), metadata=metadata, timeout=30)
            ended[OK] += 1
        except grpc.aio.AioRpcError as error:
            ended[error.code()] += 1
    await asyncio.gather(*(one(number) for number in range(calls)))
    for each in channels:
        await each.close()
    return ended


EXACT = {
    "window": "100/day",
    "gcra": "100/80000s",
    "bucket": "100/day token_bucket",
    "sliding": "100/month sliding",
    "weeks": {"count": 100, "per": "2week", "starts": "wednesday"},
    "calendar": {"count": 100, "per": "month", "starts": 17, "algorithm": "sliding"},
    "zone": {"count": 100, "per": "month", "starts": 17, "time_zone": "America/New_York"},
}


@pytest.mark.parametrize("limit", EXACT.values(), ids=EXACT.keys())
def test_the_count_is_exact_over_two_workers_and_many_connections(gateway, backend, store, limit):
    running = gateway(configuration(backend, workers=2, rate_limits=store, routes=[open_route(limits=[limit])]))
    ended = asyncio.run(storm(running.address, calls=400, connections=8))
    assert ended[OVER] + ended[OK] == 400
    allowed = ended[OK]
    assert allowed <= 100
    with Caller(running.address) as caller:
        def is_used_up():
            nonlocal allowed
            allowed += codes(caller, 1).get(OK, 0)
            return allowed == 100
        # What one worker has leased, and not used, comes back.
        if allowed < 100:
            eventually(is_used_up, "the rest of the limit")
        assert codes(caller, 20) == {OVER: 20}


def test_burst_and_rate(gateway, backend, store):
    running = gateway(configuration(backend, rate_limits=store, routes=[open_route(limits=["1/10000s burst 7"])]))
    with Caller(running.address) as caller:
        assert codes(caller, 20) == {OK: 7, OVER: 13}


def test_what_is_over_comes_back_after_the_time_that_was_said(gateway, backend, store):
    running = gateway(configuration(backend, rate_limits=store, routes=[open_route(limits=["1/8s"])]))
    with Caller(running.address) as caller:
        assert caller.unary(ask("x")).text == "x"
        seen = caller.refusal(ask())
        assert 1 <= int(seen.header("retry-after")) <= 8
        assert 0 < seen.detail("RetryInfo").retry_delay.ToTimedelta().total_seconds() <= 8
        eventually(lambda: code(caller) == OK, "the next permit")


class TestKeys:
    @pytest.fixture
    def start(self, gateway, backend, store, signing_key):
        def start(*limits, allow="anyone", **more):
            return gateway(configuration(
                backend, workers=2, rate_limits=store, trusted_proxies=["127.0.0.0/8"],
                authentication={**authentication(signing_key), "tenant": "claim org.tenant"},
                routes=[{"service": SERVICE, "cluster": "kinds", "limits": list(limits), **({"allow": allow} if allow else {}), **more}]))
        return start

    def test_shared_by_everyone(self, start):
        running = start("5/day")
        with Caller(running.address) as one, Caller(running.address) as two:
            assert codes(one, 4) == {OK: 4} and codes(two, 4) == {OK: 1, OVER: 3}

    def test_per_address(self, start):
        running = start("3/day per address")
        with Caller(running.address) as caller:
            for address in ("10.0.0.1", "10.0.0.2", "2001:db8::1"):
                assert codes(caller, 5, metadata=[("x-forwarded-for", address)]) == {OK: 3, OVER: 2}

    def test_per_method(self, start):
        running = start("3/day per method")
        with Caller(running.address) as caller:
            assert codes(caller, 5) == {OK: 3, OVER: 2}
            assert codes(caller, 5, method="Erase") == {OK: 3, OVER: 2}

    def test_per_header(self, start):
        running = start("3/day per header x-user")
        with Caller(running.address) as caller:
            for user in ("a", "b", "A", "a b"):
                assert codes(caller, 5, metadata=[("x-user", user)]) == {OK: 3, OVER: 2}
            assert OVER in codes(caller, 10), "no header is a key too, never no limit"

    def test_per_claim_and_per_tenant(self, start, signing_key):
        running = start("3/day per claim sub", "5/day per tenant", allow=None)
        outcomes = {}
        for sub, tenant in (("a", "t1"), ("b", "t1"), ("a2", "t2")):
            with Caller(running.address, token=signing_key.token(sub=sub, org={"tenant": tenant})) as caller:
                outcomes[sub] = codes(caller, 4)
        assert outcomes == {"a": {OK: 3, OVER: 1}, "b": {OK: 2, OVER: 2}, "a2": {OK: 3, OVER: 1}}

    def test_per_several(self, start):
        running = start("2/day per address, method")
        with Caller(running.address) as caller:
            for address in ("10.0.0.1", "10.0.0.2"):
                for method in ("Unary", "Erase"):
                    assert codes(caller, 3, method=method, metadata=[("x-forwarded-for", address)]) == {OK: 2, OVER: 1}

    def test_keys_cannot_be_put_together_by_a_caller(self, start):
        """Two headers as one key: the boundary between them is no character that a value could hold."""
        running = start("1/day per header x-a, header x-b")
        with Caller(running.address) as caller:
            for a, b in (("1", "23"), ("12", "3"), ("1:2", "3"), ("1", "2:3"), ("1_2", "3"), ("", "123"), ("1|", "2"), ("1", "|2")):
                assert code(caller, metadata=[("x-a", a), ("x-b", b)]) == OK, (a, b)

    def test_limits_add_up_and_all_or_none_are_charged(self, start):
        running = start("10/day", "3/day per header x-user")
        with Caller(running.address) as caller:
            # The refused ones charge neither, so the shared ten are not used up by one user's storm.
            assert codes(caller, 30, metadata=[("x-user", "a")]) == {OK: 3, OVER: 27}
            assert codes(caller, 5, metadata=[("x-user", "b")]) == {OK: 3, OVER: 2}
            assert codes(caller, 5, metadata=[("x-user", "c")]) == {OK: 3, OVER: 2}
            assert codes(caller, 5, metadata=[("x-user", "d")]) == {OK: 1, OVER: 4}

    def test_a_methods_limits_add_to_its_routes(self, start):
        running = start("10/day", methods={"Erase": {"limits": ["2/day"]}})
        with Caller(running.address) as caller:
            assert codes(caller, 5, method="Erase") == {OK: 2, OVER: 3}
            assert codes(caller, 20) == {OK: 8, OVER: 12}

    def test_shadow_counts_and_never_refuses(self, start):
        running = start({"count": 2, "per": "day", "name": "trial", "mode": "shadow"})
        with Caller(running.address) as caller:
            assert codes(caller, 10) == {OK: 10}


def test_the_refusal_says_which_limit_and_when(gateway, backend, store):
    running = gateway(configuration(backend, rate_limits=store, routes=[open_route(limits=["1/day"])]))
    with Caller(running.address) as caller:
        caller.unary(ask())
        seen = caller.refusal(ask())
    assert seen.code == OVER and seen.reason
    assert len(seen.detail("QuotaFailure").violations) == 1
    assert seen.detail("RetryInfo").retry_delay.seconds <= 86_400
    assert 1 <= int(seen.header("retry-after")) <= 86_400
    assert seen.header("x-ratelimit-limit").startswith("1") and seen.header("x-ratelimit-remaining") == "0"
    assert int(seen.header("x-ratelimit-reset")) <= 86_400
    assert ";r=0" in seen.header("ratelimit") and ";q=1" in seen.header("ratelimit-policy")


@pytest.mark.parametrize("headers, on_answers, on_refusals", [
    ({}, set(), {"ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}),
    ({"ratelimit": "always", "x_ratelimit": "off"}, {"ratelimit", "ratelimit-policy"}, {"ratelimit", "ratelimit-policy"}),
    ({"ratelimit": "off", "x_ratelimit": "always"}, {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"},
     {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}),
    ({"ratelimit": "off", "x_ratelimit": "off"}, set(), set()),
], ids=["default", "ratelimit", "x_ratelimit", "off"])
def test_answers_say_where_limits_stand_where_that_is_asked_for(gateway, backend, store, headers, on_answers, on_refusals):
    limits = [{"count": 9, "per": "day", "key": "address", "before": "authentication"}, "2/day"]
    running = gateway(configuration(
        backend, rate_limits={**store, "headers": headers}, routes=[open_route(
            limits=limits, expose=True, response_headers={"set": {name: "of the route" for name in on_answers}})]))
    def told(metadata):
        return {name: value for name, value in metadata if "ratelimit" in name}
    with Caller(running.address) as caller:
        for left in (1, 0):
            _, call = caller.kinds.Unary.with_call(ask(), timeout=20)
            seen = told(call.initial_metadata())
            names = [name for name, _ in call.initial_metadata() if "ratelimit" in name]
            assert set(names) == on_answers and len(set(names)) == len(names) and not told(call.trailing_metadata())
            if "ratelimit" in seen:
                assert f";r={left};" in seen["ratelimit"] and f";r={7 + left};" in seen["ratelimit"]
            if "x-ratelimit-remaining" in seen:
                assert seen["x-ratelimit-remaining"] == str(left) and seen["x-ratelimit-limit"].startswith("2, 9;w=86400")
        refusal = caller.refusal(ask())
        assert refusal.code == OVER and {name for name in on_refusals if refusal.header(name)} == on_refusals
        if not on_refusals:
            assert not told({**refusal.trailing, **refusal.initial}.items())


class TestRedis:
    @pytest.mark.parametrize("limit", ["10/day", {"count": 10, "per": "month", "starts": 17, "algorithm": "sliding"}], ids=["fixed", "sliding"])
    def test_gateways_share_their_counts(self, tmp_path, own, backend, redis, limit):
        from harness.gateway import Gateway
        sections = {"rate_limits": {"store": redis().url, "timeout": "5s"}, "routes": [open_route(limits=[limit])]}
        gateways = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            gateways.append(own(Gateway(tmp_path / name, configuration(backend, **sections))))
        total = collections.Counter()
        for running in gateways:
            with Caller(running.address) as caller:
                total += codes(caller, 8)
        assert total == {OK: 10, OVER: 6}

    def test_domains_keep_their_counts_apart(self, tmp_path, own, backend, redis):
        from harness.gateway import Gateway
        store = redis()
        for domain in ("one", "two"):
            (tmp_path / domain).mkdir()
            running = own(Gateway(tmp_path / domain, configuration(
                backend, rate_limits={"store": store.url, "domain": domain, "timeout": "5s"}, routes=[open_route(limits=["3/day"])])))
            with Caller(running.address) as caller:
                assert codes(caller, 5) == {OK: 3, OVER: 2}

    def test_over_tls_with_a_password(self, gateway, backend, redis, pki, server_identity):
        store = redis(password="sehr:geheim@/", identity=server_identity, authority=pki)
        running = gateway(configuration(
            backend, rate_limits={"store": f"rediss://localhost:{store.port}", "password": "sehr:geheim@/", "timeout": "5s",
                                  "tls": {"ca": str(pki.file)}}, routes=[open_route(limits=["3/day"])]))
        with Caller(running.address) as caller:
            assert codes(caller, 5) == {OK: 3, OVER: 2}
        assert store.keys()

    def test_as_a_user_with_few_rights(self, gateway, backend, redis):
        store = redis(users=["limiter on >pw ~* +@read +@write +@scripting +@connection +time"])
        running = gateway(configuration(
            backend, rate_limits={"store": f"redis://limiter:pw@{store.address}", "timeout": "5s"}, routes=[open_route(limits=["3/day"])]))
        with Caller(running.address) as caller:
            assert codes(caller, 5) == {OK: 3, OVER: 2}

    def test_the_script_comes_back_after_it_was_forgotten(self, gateway, backend, redis):
        store = redis()
        running = gateway(configuration(
            backend, rate_limits={"store": store.url, "timeout": "5s"}, routes=[open_route(limits=["6/day"])]))
        with Caller(running.address) as caller:
            assert codes(caller, 3) == {OK: 3}
            store.command("SCRIPT", "FLUSH")
            assert codes(caller, 5) == {OK: 3, OVER: 2}

    def test_every_key_expires_and_the_database_is_the_one_named(self, gateway, backend, redis):
        store = redis()
        running = gateway(configuration(
            backend, rate_limits={"store": store.url + "/3", "timeout": "5s"},
            routes=[open_route(limits=["10/s", "50/min per method", "50/day"])]))
        with Caller(running.address) as caller:
            assert code(caller) == OK
        assert store.keys() == []
        assert "db3:" in store.command("INFO", "keyspace").decode()
        counted = dict(pair.split("=") for pair in
                       store.command("INFO", "keyspace").decode().split("db3:")[1].strip().split(","))
        assert counted["keys"] == counted["expires"], "every key has its end"


TEAM = {"header": {"x-team": "*"}}


def team(name):
    return [("x-team", name)]


@pytest.mark.parametrize("missing, without", [
    ({}, [OK, OVER]), ({"when_missing": "share"}, [OK, OVER]), ({"when_missing": "skip"}, [OK, OK]),
    ({"when_missing": "refuse"}, [grpc.StatusCode.INVALID_ARGUMENT] * 2), ({"when": TEAM}, [OK, OK]),
])
def test_a_limit_says_what_happens_to_calls_without_its_key(gateway, backend, store, missing, without):
    limit = {"count": 1, "per": "day", "key": "header x-team", "name": "teams", **missing}
    running = gateway(configuration(backend, rate_limits=store, routes=[open_route(limits=[limit])]))
    with Caller(running.address) as caller:
        assert [code(caller, metadata=team("a")) for _ in range(2)] == [OK, OVER]
        assert code(caller, metadata=team("b")) == OK
        assert [code(caller) for _ in range(2)] == without
    if missing.get("when_missing") == "refuse":
        line = running.wait_for_log(lambda line: line["grpc_status"] == 3)
        assert (line["response_flags"], line["detail"], line["limit"]) == ("QE", "limit_key_missing", "teams")


def test_nothing_and_everything_are_counts_too(gateway, backend, store):
    limits = [
        {"count": "unlimited", "key": "header x-team", "when": {"header": {"x-team": "admins"}}},
        {"count": 0, "key": "header x-team", "when": {"header": {"x-team": {"prefix": "banned-"}}}, "name": "banned"},
        {"count": 1, "per": "day", "key": "header x-team", "when_missing": "skip"},
        # Another key: the first entry does not end it.
        {"count": 4, "per": "day", "key": "constant all"},
    ]
    running = gateway(configuration(backend, rate_limits=store, routes=[open_route(limits=limits)]))
    with Caller(running.address) as caller:
        assert [code(caller, metadata=team("banned-1")) for _ in range(2)] == [OVER, OVER]
        assert [code(caller, metadata=team("a")) for _ in range(2)] == [OK, OVER]
        # What was refused was not charged: three of four are left.
        assert [code(caller, metadata=team("admins")) for _ in range(4)] == [OK, OK, OK, OVER]
    line = running.wait_for_log(lambda line: line.get("limit") == "banned")
    assert line["grpc_status"] == 8 and line["response_flags"] == "QE"


def test_a_condition_reads_its_values_from_a_file(gateway, backend, store, tmp_path):
    (tmp_path / "teams.txt").write_text("a\nb\n")
    limit = {"count": 1, "per": "day", "key": "constant all", "when": {"header": {"x-team": {"file": str(tmp_path / "teams.txt")}}}}
    running = gateway(configuration(backend, rate_limits=store, routes=[open_route(limits=[limit])]))
    with Caller(running.address) as caller:
        assert [code(caller, metadata=team(name)) for name in ("a", "b", "c", "c")] == [OK, OVER, OK, OK]


def test_descriptors_have_values_as_callers_sent_them(gateway, backend, martlet, tmp_path):
    rules = {"domain": "martlet", "descriptors": [
        {"key": "team", "value": "50% off", "rate_limit": {"unit": "day", "requests_per_unit": 1}}]}
    file = tmp_path / "limits.yaml"
    file.write_text(json.dumps({"listeners": [{"name": "rls", "address": "127.0.0.1:0"}], "domains": [rules]}))
    service = martlet("ratelimit", file)
    limit = {"descriptors": [[{"key": "team", "value": "%{request.header.x-team}"}]]}
    running = gateway(configuration(
        backend, rate_limits={"store": f"grpc://{service.address}", "timeout": "5s"}, routes=[open_route(limits=[limit])]))
    with Caller(running.address) as caller:
        assert [code(caller, metadata=team("50% off")) for _ in range(2)] == [OK, OVER]
        assert [code(caller, metadata=team("50%25 off")) for _ in range(2)] == [OK, OK]


def test_conditions_ask_what_rules_ask(gateway, backend, signing_key, store):
    plans = {"free": {"limits": [
        {"count": "unlimited", "when": {"claim": {"role": "admin"}}},
        {"count": 2, "per": "day"},
        {"count": 0, "when": {"address": ["10.0.0.0/8"]}},
        {"count": 0, "mode": "shadow", "name": "trial", "when": {"claim": {"role": {"prefix": "in"}}}}]}}
    running = gateway(configuration(
        backend, rate_limits=store, plans=plans, routes=[open_route(allow="authenticated")],
        authentication={**authentication(signing_key), "tenant": "claim tenant", "plan": "claim plan"}))

    def many(role, tenant):
        with Caller(running.address, token=signing_key.token(tenant=tenant, plan="free", role=role)) as caller:
            return [code(caller) for _ in range(3)]
    assert many("user", "a") == [OK, OK, OVER]
    assert many("admin", "b") == [OK, OK, OK]
    assert many("intern", "c") == [OK, OK, OVER]
    lines = eventually(lambda: len(running.log()) == 9 and running.log(), "nine lines")
    shadows = {line["tenant"]: line.get("shadow", "") for line in lines if line["grpc_status"] == 0}
    assert shadows == {"a": "", "b": "", "c": "trial"}
