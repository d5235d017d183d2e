"""`martlet ratelimit` in the place of envoyproxy/ratelimit: its files and folders, its HTTP, its counting where that is wanted."""

import json
import os
import signal
import urllib.error
import urllib.request

import pytest

from harness import stubs
from harness.caller import channel
from harness.gateway import Metrics, run
from harness.waiting import eventually

rls = stubs.module("envoy/service/ratelimit/v3/rls_pb2")
rls_grpc = stubs.module("envoy/service/ratelimit/v3/rls_pb2_grpc")
common = stubs.module("envoy/extensions/common/ratelimit/v3/ratelimit_pb2")
OK, OVER = rls.RateLimitResponse.OK, rls.RateLimitResponse.OVER_LIMIT

FIRST = """
domain: shop
descriptors:
  - key: user
    rate_limit: { unit: day, requests_per_unit: 2, name: per-user }
  - key: database
    value: users
    rate_limit: { unit: second, requests_per_unit: 500 }
"""


@pytest.fixture
def service(martlet, tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "shop.yaml").write_text(FIRST)
    file = tmp_path / "limits.yaml"
    file.write_text(json.dumps({
        "listeners": [{"name": "rls", "address": "127.0.0.1:0"}], "admin": {"address": "127.0.0.1:0"}, "rule_files": str(rules)}))
    running = martlet("ratelimit", file)
    running.rules = rules
    return running


def ask(service, *entries, domain="shop", hits=0):
    descriptor = common.RateLimitDescriptor(entries=[common.RateLimitDescriptor.Entry(key=key, value=value) for key, value in entries])
    with channel(service.address) as opened:
        return rls_grpc.RateLimitServiceStub(opened).ShouldRateLimit(
            rls.RateLimitRequest(domain=domain, descriptors=[descriptor], hits_addend=hits), timeout=10)


def fetch(address, path, body=None, method=None):
    request = urllib.request.Request(f"http://{address}{path}", data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["content-type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], error.read().decode()


def test_files_are_taken_up_when_they_change_and_a_bad_one_changes_nothing(service):
    def wait(words, start):
        service.process.wait_for(lambda line: words in line, words, start=start)

    assert [ask(service, ("user", "a")).overall_code for _ in range(3)] == [OK, OK, OVER]
    before = len(service.process.lines)
    (service.rules / "more.yml").write_text("domain: more\ndescriptors: [{ key: k, rate_limit: { unit: day, requests_per_unit: 1 } }]\n")
    wait("reloaded", before)
    assert ask(service, ("k", "v"), domain="more").statuses[0].current_limit.requests_per_unit == 1
    assert ask(service, ("user", "a")).overall_code == OVER, "counters stay"
    before = len(service.process.lines)
    (service.rules / "shop.yaml").write_text(FIRST.replace("requests_per_unit: 2,", "requests_per_unit: 9, units: 3,"))
    wait("reload refused: the configuration in service stays", before)
    assert any("rules/shop.yaml:5:" in line and "rate_limit.units: unknown key" in line for line in service.process.lines[before:])
    assert ask(service, ("user", "a")).overall_code == OVER
    before = len(service.process.lines)
    # As container platforms do it: another file in its place.
    (service.rules / "next").write_text(FIRST.replace("requests_per_unit: 2,", "requests_per_unit: 9,"))
    os.replace(service.rules / "next", service.rules / "shop.yaml")
    wait("reloaded", before)
    assert ask(service, ("user", "a")).statuses[0].limit_remaining == 6


def test_json_over_http(service):
    body = json.dumps({"domain": "shop", "descriptors": [{"entries": [{"key": "user", "value": "j"}]}]}).encode()
    answers = [fetch(service.address, "/json", body) for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert {kind for _, kind, _ in answers} == {"application/json"}
    first, last = json.loads(answers[0][2]), json.loads(answers[2][2])
    reset = first["statuses"][0].pop("durationUntilReset")
    assert reset.endswith("s") and 0 < int(reset[:-1]) <= 86_400
    assert first == {"overallCode": "OK", "statuses": [
        {"code": "OK", "currentLimit": {"requestsPerUnit": 2, "unit": "DAY", "name": "per-user"}, "limitRemaining": 1}]}
    assert last["overallCode"] == "OVER_LIMIT" and last["statuses"][0]["code"] == "OVER_LIMIT"
    override = {"domain": "shop", "hits_addend": 3, "descriptors": [
        {"entries": [{"key": "o"}], "limit": {"requestsPerUnit": 5, "unit": "HOUR"}, "hitsAddend": "2"}]}
    assert json.loads(fetch(service.address, "/json", json.dumps(override).encode())[2])["statuses"][0]["limitRemaining"] == 3


@pytest.mark.parametrize("body, status, words", [
    (b"", 400, ""), (b"{", 400, ""), (b'{"domain": 1}', 400, "domain"), (b'{"none": 1}', 400, ""),
    (b'{"descriptors": [{"entries": [{"key": "user"}]}]}', 400, "domain must not be empty"),
    (b'{"domain": "' + b"x" * (256 << 10) + b'"}', 413, "too large"),
], ids=["empty", "broken", "wrong-type", "unknown", "no-domain", "large"])
def test_json_that_is_no_request(service, body, status, words):
    found, kind, text = fetch(service.address, "/json", body, method="POST")
    assert found == status and kind.startswith("text/plain") and words in text
    assert ask(service, ("user", "fine")).overall_code == OK


def test_other_http(service):
    assert fetch(service.address, "/healthcheck") == (200, "text/plain; charset=utf-8", "OK")
    assert fetch(service.address, "/json")[0] == 405
    assert fetch(service.address, "/none")[0] == 404
    status, _, text = fetch(service.admin_address, "/rlconfig")
    assert status == 200 and text.splitlines() == [
        "shop.user: unit=DAY, requests_per_unit=2, shadow_mode: False".replace("False", "false"),
        "shop.database_users: unit=SECOND, requests_per_unit=500, shadow_mode: false"]


def test_it_says_that_it_leaves(service):
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    with channel(service.address) as opened:
        watched = health_pb2_grpc.HealthStub(opened).Watch(health_pb2.HealthCheckRequest(service="ratelimit"), timeout=30)
        assert next(watched).status == health_pb2.HealthCheckResponse.SERVING
        service.process.send(signal.SIGTERM)
        assert next(watched).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watched.cancel()


def test_reflection_describes_it(service):
    from google.protobuf.descriptor_pool import DescriptorPool
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
    with channel(service.address) as opened:
        database = ProtoReflectionDescriptorDatabase(opened)
        assert set(database.get_services()) == {"envoy.service.ratelimit.v3.RateLimitService", "grpc.health.v1.Health"}
        found = DescriptorPool(database).FindServiceByName("envoy.service.ratelimit.v3.RateLimitService")
        assert [method.name for method in found.methods] == ["ShouldRateLimit"]


def test_hits_are_counted_by_rule(service):
    ask(service, ("user", "m"), hits=2)
    ask(service, ("user", "m"))

    def metrics():
        return Metrics(fetch(service.admin_address, "/metrics")[2])
    name = "martlet_ratelimit_hits_total"
    eventually(lambda: metrics().sum(name, domain="shop", rule="user", outcome="total_hits") == 3, "three hits")
    found = metrics()
    assert found.sum(name, domain="shop", rule="user", outcome="within_limit") == 2
    assert found.sum(name, domain="shop", rule="user", outcome="over_limit") == 1


def test_each_descriptor_is_charged_where_that_is_wanted(martlet, redis, tmp_path):
    store = redis()
    file = tmp_path / "limits.yaml"
    limit = {"unit": "day", "requests_per_unit": 2}
    file.write_text(json.dumps({
        "listeners": [{"name": "rls", "address": "127.0.0.1:0"}], "admin": {"address": "127.0.0.1:0"},
        "rate_limits": {"store": store.url, "timeout": "5s", "lease": "off"}, "domains": [
            {"domain": name, "charging": charging, "descriptors": [{"key": "a", "rate_limit": limit}, {"key": "b", "rate_limit": {**limit, "requests_per_unit": 9}}]}
            for name, charging in [("each", "each"), ("none", "all_or_none")]]}))
    service = martlet("ratelimit", file)
    with channel(service.address) as opened:
        stub = rls_grpc.RateLimitServiceStub(opened)

        def both(domain):
            return stub.ShouldRateLimit(rls.RateLimitRequest(domain=domain, descriptors=[
                common.RateLimitDescriptor(entries=[common.RateLimitDescriptor.Entry(key=key, value="v")]) for key in "ab"]), timeout=10)
        for domain, left in [("each", [8, 7, 6, 5]), ("none", [8, 7, 7, 7])]:
            answers = [both(domain) for _ in range(4)]
            assert [answer.overall_code for answer in answers] == [OK, OK, OVER, OVER]
            assert [answer.statuses[1].limit_remaining for answer in answers] == left


def test_the_table_of_environment_variables():
    result = run("ratelimit", "--import")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert any(line.split() == ["MERGE_DOMAIN_CONFIG", "merge_domains"] for line in lines)
    assert run("ratelimit").returncode != 0
