"""`martlet ratelimit` and SIGHUP: listeners are taken into service like rules, and what waits for the next start is said."""

import json
import signal
import socket

import grpc
import pytest

from harness import stubs
from harness.caller import channel

rls = stubs.module("envoy/service/ratelimit/v3/rls_pb2")
rls_grpc = stubs.module("envoy/service/ratelimit/v3/rls_pb2_grpc")
common = stubs.module("envoy/extensions/common/ratelimit/v3/ratelimit_pb2")


def whole(**more):
    return {"listeners": [{"name": "rls", "address": "127.0.0.1:0"}], "admin": {"address": "127.0.0.1:0"}, "workers": 1, "domains": [
        {"domain": "shop", "descriptors": [{"key": "user", "rate_limit": {"unit": "day", "requests_per_unit": 1}}]}], **more}


@pytest.fixture
def service(martlet, tmp_path):
    file = tmp_path / "limits.yaml"
    file.write_text(json.dumps(whole()))
    running = martlet("ratelimit", file)

    def reload(configuration, expect):
        before = len(running.process.lines)
        file.write_text(json.dumps(configuration))
        running.process.send(signal.SIGHUP)
        running.process.wait_for(lambda line: line.startswith("reload"), "the end of the reload", start=before)
        lines = list(running.process.lines)[before:]
        assert any(line.startswith(expect) for line in lines), lines
        return lines
    running.reload = reload
    return running


def ask(address, user="a"):
    with channel(address) as opened:
        entry = common.RateLimitDescriptor.Entry(key="user", value=user)
        return rls_grpc.RateLimitServiceStub(opened).ShouldRateLimit(
            rls.RateLimitRequest(domain="shop", descriptors=[common.RateLimitDescriptor(entries=[entry])]), timeout=10).overall_code


def test_listeners_come_and_go(service):
    assert ask(service.address) == rls.RateLimitResponse.OK
    lines = service.reload(whole(listeners=[{"name": "rls", "address": "127.0.0.1:0"}, {"name": "more", "address": "127.0.0.1:0"}]), "reloaded")
    more = next(line for line in lines if line.startswith("listening name=more")).split("address=")[1].split()[0]
    assert ask(more) == rls.RateLimitResponse.OVER_LIMIT, "it counts where the other does"
    assert ask(service.address, "b") == rls.RateLimitResponse.OK
    service.reload(whole(), "reloaded")
    with pytest.raises(grpc.RpcError):
        ask(more)
    assert ask(service.address, "c") == rls.RateLimitResponse.OK


@pytest.mark.parametrize("more, what", [
    ({"workers": 2}, "workers"), ({"admin": {"address": "127.0.0.1:1"}}, "admin"), ({"rate_limits": {"timeout": "3s"}}, "rate_limits"),
    ({"rate_limits": {"store": "redis://127.0.0.1:1"}}, "rate_limits")])
def test_what_waits_for_the_next_start_is_said_once(service, more, what):
    words = f"{what}: the change takes effect at the next start"
    assert service.reload(whole(**more), "reloaded").count(words) == 1
    assert words not in service.reload(whole(**more), "reloaded")
    assert not any("next start" in line for line in service.reload(whole(rate_limits={"counters": 70000}) if what != "rate_limits" else whole(**more), "reloaded")
                   if what == "rate_limits" or "rate_limits" in line)


def test_an_address_that_cannot_be_had_changes_nothing(service):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = {"name": "taken", "address": "127.0.0.1:%d" % taken.getsockname()[1]}
        lines = service.reload(whole(listeners=[{"name": "rls", "address": "127.0.0.1:0"}, other], domains=[
            {"domain": "shop", "descriptors": [{"key": "user", "rate_limit": {"unit": "day", "requests_per_unit": 9}}]}]), "reload refused: cannot listen on")
        assert not any(line.startswith("reloaded") for line in lines)
    assert ask(service.address) == rls.RateLimitResponse.OK
    assert ask(service.address) == rls.RateLimitResponse.OVER_LIMIT, "by the rules that were"
