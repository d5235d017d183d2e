"""`martlet ratelimit`: Envoy's rate-limit service, asked by grpcio itself and by the gateway."""

import collections
import json
import urllib.request

import grpc
import pytest

from harness import stubs
from harness.backend import ask
from harness.caller import Caller, channel
from harness.gateway import Metrics, configuration, open_route
from harness.waiting import eventually

rls = stubs.module("envoy/service/ratelimit/v3/rls_pb2")
rls_grpc = stubs.module("envoy/service/ratelimit/v3/rls_pb2_grpc")
common = stubs.module("envoy/extensions/common/ratelimit/v3/ratelimit_pb2")
unit = stubs.module("envoy/type/v3/ratelimit_unit_pb2")

OK, OVER = rls.RateLimitResponse.OK, rls.RateLimitResponse.OVER_LIMIT
LIMITS = {"domain": "shop", "descriptors": [
    {"key": "user", "rate_limit": {"unit": "day", "requests_per_unit": 5}},
    {"key": "user", "value": "vip", "rate_limit": {"unit": "day", "requests_per_unit": 8}},
    {"key": "free", "rate_limit": {"unlimited": True}},
    {"key": "path", "value": "/a", "descriptors": [{"key": "method", "rate_limit": {"unit": "day", "requests_per_unit": 2}}]},
    {"key": "trial", "rate_limit": {"unit": "day", "requests_per_unit": 1}, "shadow_mode": True},
]}


@pytest.fixture(params=["memory", "redis"])
def service(request, martlet, redis, tmp_path):
    store = {"store": "memory"} if request.param == "memory" else {"store": redis().url, "timeout": "5s"}
    file = tmp_path / "limits.yaml"
    file.write_text(json.dumps({
        "listeners": [{"name": "rls", "address": "127.0.0.1:0"}], "admin": {"address": "127.0.0.1:0"},
        "rate_limits": store, "domains": [LIMITS]}))
    return martlet("ratelimit", file)


@pytest.fixture
def should(service):
    with channel(service.address) as opened:
        stub = rls_grpc.RateLimitServiceStub(opened)

        def should(*descriptors, domain="shop", hits=0, **options):
            return stub.ShouldRateLimit(rls.RateLimitRequest(
                domain=domain, hits_addend=hits, descriptors=[one if isinstance(one, common.RateLimitDescriptor) else descriptor(*one)
                                                               for one in descriptors]), timeout=10, **options)
        yield should


def descriptor(*entries, limit=None):
    made = common.RateLimitDescriptor(entries=[common.RateLimitDescriptor.Entry(key=key, value=value) for key, value in entries])
    if limit:
        made.limit.requests_per_unit, made.limit.unit = limit
    return made


def test_counts_per_descriptor_value(should):
    assert [should([("user", "a")]).overall_code for _ in range(7)] == [OK] * 5 + [OVER] * 2
    assert should([("user", "b")]).overall_code == OK


def test_an_answer_tells_limit_remaining_and_reset(should):
    status = should([("user", "a")]).statuses[0]
    assert status.code == OK and status.limit_remaining == 4
    assert status.current_limit.requests_per_unit == 5
    assert status.current_limit.unit == rls.RateLimitResponse.RateLimit.DAY
    assert 0 < status.duration_until_reset.seconds <= 86_400


def test_requests_are_counted_by_domain_and_outcome(service, should):
    for _ in range(7):
        should([("user", "a")])
    for _ in range(2):
        should([("trial", "x")])
    should([("user", "a")], domain="invented")

    def counts():
        with urllib.request.urlopen(f"http://{service.admin_address}/metrics", timeout=10) as answer:
            return Metrics(answer.read().decode())
    eventually(lambda: counts().sum("martlet_ratelimit_request_duration_seconds_count") == 10, "ten requests")
    metrics = counts()
    total = "martlet_ratelimit_requests_total"
    assert metrics.sum(total, domain="shop", outcome="within_limit") == 7
    assert metrics.sum(total, domain="shop", outcome="over_limit") == 2
    assert metrics.sum(total, domain="shop", outcome="shadow_over_limit") == 1
    assert metrics.sum(total, domain="(other)", outcome="within_limit") == 1 and "invented" not in metrics.text
    assert metrics.sum("martlet_limit_store_down") == 0


def test_the_exact_value_comes_before_the_bare_key(should):
    assert [should([("user", "vip")]).overall_code for _ in range(10)] == [OK] * 8 + [OVER] * 2


def test_only_a_rule_at_the_descriptors_depth_counts(should):
    assert [should([("path", "/a"), ("method", "GET")]).overall_code for _ in range(3)] == [OK, OK, OVER]
    for _ in range(5):
        answer = should([("path", "/a")])
        assert answer.overall_code == OK and not answer.statuses[0].HasField("current_limit")


def test_what_no_rule_knows_is_ok(should):
    for answer in (should([("nobody", "x")]), should([("user", "a")], domain="other")):
        assert answer.overall_code == OK and len(answer.statuses) == 1
        assert not answer.statuses[0].HasField("current_limit")


def test_unlimited_and_shadow(should):
    assert {should([("free", "x")]).overall_code for _ in range(10)} == {OK}
    assert {should([("trial", "x")]).overall_code for _ in range(10)} == {OK}


def test_several_descriptors_answer_in_order_and_any_may_refuse(should):
    for _ in range(5):
        should([("user", "a")])
    answer = should([("user", "b")], [("user", "a")], [("nobody", "x")])
    assert answer.overall_code == OVER
    assert [status.code for status in answer.statuses] == [OK, OVER, OK]


def test_hits(should):
    assert should([("user", "a")], hits=4).statuses[0].limit_remaining == 1
    assert should([("user", "a")], hits=2).overall_code == OVER
    look = descriptor(("user", "c"))
    look.hits_addend.value = 0
    for _ in range(10):
        assert should(look).overall_code == OK
    assert should([("user", "c")]).statuses[0].limit_remaining == 4


def test_an_override_replaces_the_rule(should):
    limited = descriptor(("user", "z"), limit=(2, unit.DAY))
    assert [should(limited).overall_code for _ in range(4)] == [OK, OK, OVER, OVER]


@pytest.mark.parametrize("request_made", [
    lambda should: should([("user", "a")], domain=""), lambda should: should(), lambda should: should(descriptor())],
    ids=["no-domain", "no-descriptors", "no-entries"])
def test_requests_that_are_mistakes(should, request_made):
    with pytest.raises(grpc.RpcError) as error:
        request_made(should)
    assert error.value.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNKNOWN)
    assert should([("user", "fine")]).overall_code == OK


def test_health_is_served(service):
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    with channel(service.address) as opened:
        stub = health_pb2_grpc.HealthStub(opened)
        for name in ("", "envoy.service.ratelimit.v3.RateLimitService"):
            assert stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10).status == health_pb2.HealthCheckResponse.SERVING


def test_rubbish_is_refused_in_grpcs_own_words(service):
    with channel(service.address) as opened:
        call = opened.unary_unary("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit")
        with pytest.raises(grpc.RpcError) as error:
            call(b"\xff\xff\xff", timeout=10)
        assert error.value.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL)
        with pytest.raises(grpc.RpcError) as error:
            opened.unary_unary("/envoy.service.ratelimit.v3.RateLimitService/Nothing")(b"", timeout=10)
        assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


class TestBehindTheGateway:
    def codes(self, caller, count, **options):
        ended = collections.Counter()
        for _ in range(count):
            try:
                caller.unary(ask(), **options)
                ended["ok"] += 1
            except grpc.RpcError as error:
                ended[error.code()] += 1
        return ended

    def test_the_gateway_asks_it(self, service, gateway, backend):
        running = gateway(configuration(
            backend, workers=2, rate_limits={"store": f"grpc://{service.address}", "timeout": "5s", "when_unavailable": "deny"},
            routes=[open_route(limits=["4/day per header x-user"])]))
        with Caller(running.address) as caller:
            for user in ("a", "b"):
                assert self.codes(caller, 6, metadata=[("x-user", user)]) == {"ok": 4, grpc.StatusCode.RESOURCE_EXHAUSTED: 2}

    def test_what_is_sent_can_be_read(self, gateway, backend, own):
        """A rate-limit service of grpcio's keeps what it was asked: one descriptor a limit, its name first."""
        from concurrent import futures
        asked = []

        class Service(rls_grpc.RateLimitServiceServicer):
            def ShouldRateLimit(self, request, context):
                asked.append(request)
                return rls.RateLimitResponse(overall_code=OK, statuses=[rls.RateLimitResponse.DescriptorStatus(code=OK)] * len(request.descriptors))
        server = grpc.server(futures.ThreadPoolExecutor(4))
        rls_grpc.add_RateLimitServiceServicer_to_server(Service(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            running = gateway(configuration(
                backend, rate_limits={"store": f"grpc://127.0.0.1:{port}", "timeout": "5s", "domain": "mine"}, routes=[open_route(limits=[
                    {"count": 7, "per": "min", "name": "users", "key": ["header x-user", "method"]}, "1000/day"])]))
            with Caller(running.address) as caller:
                assert caller.unary(ask("x"), metadata=[("x-user", "alice")]).text == "x"
        finally:
            server.stop(None)
        assert len(asked) == 1 and asked[0].domain == "mine" and len(asked[0].descriptors) == 2
        first = asked[0].descriptors[0]
        assert (first.entries[0].key, first.entries[0].value) == ("limit", "users")
        assert [(entry.key, entry.value) for entry in first.entries[1:]] == [
            ("header x-user", "alice"), ("method", "/martlet.scenarios.v1.Kinds/Unary")]
        second = asked[0].descriptors[1].entries
        assert len(second) == 1 and second[0].value.endswith(".limits[1]")
        assert (first.limit.requests_per_unit, first.limit.unit) == (7, unit.MINUTE)
        assert (asked[0].descriptors[1].limit.requests_per_unit, asked[0].descriptors[1].limit.unit) == (1000, unit.DAY)


def test_a_services_own_rules_are_asked_by_descriptors_of_the_gateways(gateway, service, backend):
    limits = [
        {"descriptors": [[{"key": "path", "value": "/a"}, {"key": "method", "value": "%{rpc.method}"}]], "when": {"header": {"x-path": "*"}}},
        # Without a value for it there is nothing to ask; two of one entry are two descriptors.
        {"descriptors": [[{"key": "user", "value": "%{request.header.x-user}"}], [{"key": "free", "value": "x"}]], "name": "users"},
    ]
    running = gateway(configuration(
        backend, rate_limits={"store": f"grpc://{service.address}", "timeout": "5s", "when_unavailable": "deny", "domain": "shop"},
        routes=[open_route(limits=limits)]))
    with Caller(running.address) as caller:
        def codes(count, *metadata, method="Unary"):
            found = []
            for _ in range(count):
                try:
                    caller.unary(ask(), metadata=list(metadata), method=method)
                    found.append(grpc.StatusCode.OK)
                except grpc.RpcError as error:
                    found.append(error.code())
            return collections.Counter(found)
        over = grpc.StatusCode.RESOURCE_EXHAUSTED
        assert codes(8) == {grpc.StatusCode.OK: 8}
        assert codes(7, ("x-user", "a")) == {grpc.StatusCode.OK: 5, over: 2}
        assert codes(9, ("x-user", "vip")) == {grpc.StatusCode.OK: 8, over: 1}
        assert codes(3, ("x-path", "1")) == {grpc.StatusCode.OK: 2, over: 1}
        assert codes(3, ("x-path", "1"), method="Erase") == {grpc.StatusCode.OK: 2, over: 1}
    line = running.wait_for_log(lambda line: line.get("limit") == "users")
    assert line["response_flags"] == "QE"
