"""Quotas: plans, what calls cost, and warnings before a limit refuses."""

import collections

import grpc
import pytest

from harness.backend import ask
from harness.caller import Caller
from harness.gateway import SERVICE, authentication, configuration, listener, open_route
from harness.waiting import eventually

OK, OVER, NOT_ALLOWED = grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.PERMISSION_DENIED


@pytest.fixture(params=["memory", "redis"])
def store(request, redis):
    """The `rate_limits` section of each store of our own."""
    return {"store": "memory"} if request.param == "memory" else {"store": redis().url, "timeout": "5s"}


def code(caller, **options):
    try:
        caller.unary(ask(), **options)
        return OK
    except grpc.RpcError as error:
        return error.code()


def codes(caller, count, **options):
    return collections.Counter(code(caller, **options) for _ in range(count))


class TestPlans:
    @pytest.fixture
    def start(self, gateway, backend, store, signing_key):
        def start(**authentication_more):
            return gateway(configuration(
                backend, rate_limits=store, plans={"free": {"limits": ["2/day"]}, "pro": {"limits": ["6/day"]}},
                authentication={**authentication(signing_key), "tenant": "claim tenant", "plan": "claim plan", **authentication_more},
                routes=[{"service": SERVICE, "headers": {"x-open": "1"}, "cluster": "kinds", "allow": "anyone"},
                        {"service": SERVICE, "cluster": "kinds"}]))
        return start

    def outcome(self, running, signing_key, count, **claims):
        with Caller(running.address, token=signing_key.token(**claims)) as caller:
            return codes(caller, count)

    def test_each_tenant_has_its_plans_limits(self, start, signing_key):
        running = start()
        assert self.outcome(running, signing_key, 8, tenant="a", plan="free") == {OK: 2, OVER: 6}
        assert self.outcome(running, signing_key, 8, tenant="b", plan="pro") == {OK: 6, OVER: 2}
        assert self.outcome(running, signing_key, 8, tenant="c", plan="free", sub="x") == {OK: 2, OVER: 6}
        assert self.outcome(running, signing_key, 4, tenant="c", plan="free", sub="y") == {OVER: 4}

    @pytest.mark.parametrize("claims", [{"plan": "free"}, {"tenant": "a"}, {"tenant": "a", "plan": "gold"}, {"tenant": "", "plan": "free"}],
                             ids=["no-tenant", "no-plan", "unknown-plan", "empty-tenant"])
    def test_a_missing_key_never_means_no_limit(self, start, signing_key, claims):
        assert self.outcome(start(), signing_key, 3, **claims) == {NOT_ALLOWED: 3}

    def test_a_default_plan(self, start, signing_key):
        running = start(default_plan="free")
        assert self.outcome(running, signing_key, 4, tenant="a") == {OK: 2, OVER: 2}
        assert self.outcome(running, signing_key, 4, tenant="b", plan="gold") == {OK: 2, OVER: 2}
        assert self.outcome(running, signing_key, 2, plan="free") == {NOT_ALLOWED: 2}

    def test_anonymous_callers_have_no_plan(self, start):
        with Caller(start().address) as caller:
            assert codes(caller, 10, metadata=[("x-open", "1")]) == {OK: 10}


class TestPlansByHeader:
    @pytest.fixture
    def start(self, gateway, backend, store, signing_key):
        def start(plan, *, trusted=(), **authentication_more):
            return gateway(configuration(
                backend, rate_limits=store, plans={"free": {"limits": ["2/day"]}, "pro": {"limits": ["6/day"]}},
                listeners=[listener(trusted_headers=["x-plan"])], trusted_proxies=list(trusted),
                authentication={**authentication(signing_key), "tenant": "claim tenant", "plan": plan, **authentication_more},
                routes=[{"service": SERVICE, "cluster": "kinds"}]))
        return start

    def outcome(self, running, token, plan, count=8):
        with Caller(running.address, token=token) as caller:
            return codes(caller, count, metadata=[("x-plan", plan)] if plan else [])

    def test_a_trusted_peer_names_the_plan(self, start, signing_key):
        running = start("header x-plan", trusted=["127.0.0.0/8"])
        token = signing_key.token(tenant="a", plan="pro")
        assert self.outcome(running, token, "free") == {OK: 2, OVER: 6}
        assert self.outcome(running, token, "pro") == {OK: 6, OVER: 2}
        assert self.outcome(running, token, "gold") == {NOT_ALLOWED: 8}
        assert self.outcome(running, token, None) == {NOT_ALLOWED: 8}
        lines = eventually(lambda: len(running.log()) == 32 and running.log(), "a line for each call")
        assert {line.get("plan", "") for line in lines} == {"free", "pro", "gold", ""}

    def test_a_caller_that_is_not_trusted_has_the_default_plan(self, start, signing_key):
        running = start("header x-plan", trusted=["10.0.0.0/8"], default_plan="free")
        assert self.outcome(running, signing_key.token(tenant="a"), "pro") == {OK: 2, OVER: 6}


def test_calls_cost_what_their_limit_method_or_route_says(gateway, backend, signing_key, store):
    plan = {"limits": [{"count": 100, "per": "day"}]}
    running = gateway(configuration(
        backend, rate_limits={**store, "headers": {"x_ratelimit": "always"}}, plans={"free": plan},
        authentication={**authentication(signing_key), "tenant": "claim tenant", "plan": "claim plan"},
        routes=[{"service": SERVICE, "cluster": "kinds", "cost": 3, "limits": [{"count": 1000, "per": "day", "cost": 5}],
                 "methods": {"Erase": {"cost": 40}, "Spread": {"cost": 0}}}]))
    with Caller(running.address, token=signing_key.token(tenant="acme", plan="free")) as caller:
        def left(method="Unary"):
            if method == "Spread":
                call = caller.spread(ask())
                list(call)
            else:
                _, call = getattr(caller.kinds, method).with_call(ask(), metadata=caller.metadata(), timeout=20)
            return dict(call.initial_metadata())["x-ratelimit-remaining"]
        assert left() == "97"
        assert left("Erase") == "57"
        # It costs nothing, so the plan is not asked either; the route's own limit has a cost of its own.
        assert left("Spread") == "985"
        assert left("Erase") == "17"
        assert code(caller, method="Erase") == OVER
        assert left() == "14"


@pytest.mark.parametrize("expose", [False, True])
def test_answers_warn_of_limits_that_are_nearly_used_up(gateway, backend, store, expose):
    running = gateway(configuration(
        backend, rate_limits={**store, "warn_at": "80%"}, routes=[open_route(
            limits=[{"count": 100, "per": "day", "name": "large"}, {"count": 5, "per": "day", "name": "small", "warn_at": "60%"},
                    {"count": 1, "per": "day", "name": "trial", "mode": "shadow"}], expose=expose)]))
    with Caller(running.address) as caller:
        warnings = []
        for _ in range(5):
            _, call = caller.kinds.Unary.with_call(ask(), timeout=20)
            warnings.append(dict(call.initial_metadata()).get("x-quota-warning"))
        assert warnings[:2] == [None, None]
        name = "small" if expose else "limit-2"
        for warning, used in zip(warnings[2:], (60, 80, 100)):
            assert warning.startswith(f'"{name}";used={used};t='), warning
        assert caller.refusal(ask()).header("x-quota-warning") is None
    metrics = running.metrics()
    assert metrics.sum("martlet_limit_warnings_total", limit="small") == 3
    assert metrics.sum("martlet_limit_calls_total", limit="small", outcome="allowed") == 5
    assert metrics.sum("martlet_limit_calls_total", limit="small", outcome="refused") == 1
    assert metrics.sum("martlet_limit_calls_total", limit="trial", outcome="shadow_refused") == 5


def test_the_log_has_the_limit_and_its_key_where_that_is_asked_for(gateway, backend, store):
    running = gateway(configuration(backend, rate_limits=store, routes=[open_route(limits=[
        {"count": 9, "per": "day", "name": "all", "key": "address", "before": "authentication", "log_key": True},
        {"count": 2, "per": "day", "name": "team", "key": ["header x-team", "method"], "when_missing": "skip", "log_key": True},
        {"count": 5, "per": "day", "name": "secret", "key": "header x-secret", "when_missing": "skip"}])]))
    with Caller(running.address) as caller:
        assert codes(caller, 3, metadata=[("x-team", "a,b"), ("x-secret", "hush")]) == {OK: 2, OVER: 1}
        assert codes(caller, 1, metadata=[("x-secret", "hush")]) == {OK: 1}
        assert codes(caller, 1) == {OK: 1}
    lines = eventually(lambda: len(running.log()) == 5 and running.log(), "five lines")
    seen = [(line.get("limit"), line.get("limit_tightest"), line.get("limit_key")) for line in lines]
    key = f"a,b,/{SERVICE}/Unary"
    assert seen == [(None, "team", key), (None, "team", key), ("team", None, key), (None, "secret", None), (None, "all", "127.0.0.1")]
    assert "hush" not in str(lines)
