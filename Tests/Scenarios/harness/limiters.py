"""What counts in a store: the gateway itself, or `martlet ratelimit`."""

import json

import grpc

from . import stubs
from .backend import ask
from .caller import Caller, channel
from .gateway import configuration, open_route

rls = stubs.module("envoy/service/ratelimit/v3/rls_pb2")
rls_grpc = stubs.module("envoy/service/ratelimit/v3/rls_pb2_grpc")
common = stubs.module("envoy/extensions/common/ratelimit/v3/ratelimit_pb2")

# What a user needs at least, of either program.
USER = "on >geheim resetkeys ~martlet:* resetchannels -@all +evalsha +eval +time +mget +set +info"
# And what acting on tenants needs.
QUOTAS = "+hget +hgetall +hset +hdel +hincrby +hscan +expire +del"


def _of_store(store, more):
    """The sections for a store that is written as a URL, or as what stands under `stores`."""
    sections = {"rate_limits": {"store": store, "timeout": "1s", "when_unavailable": "deny", **more}}
    if isinstance(store, dict):
        sections["stores"] = {"main": store}
        sections["rate_limits"]["store"] = "main"
    return sections


class GatewayCounts:
    """The gateway itself counts in Redis, with a script."""
    user = USER

    def __init__(self, gateway, backend, store, *, count=1000, workers=1, limits=None, **more):
        self.running = gateway(configuration(
            backend, workers=workers, routes=[open_route(limits=limits or [f"{count}/day", "1000/h"])], **_of_store(store, more)))
        self.process = self.running.process

    def counts(self, **metadata):
        """Whether the call was allowed; `None` where it was refused by a limit."""
        with Caller(self.running.address) as caller:
            try:
                caller.unary(ask(), metadata=[(name.replace("_", "-"), value) for name, value in metadata.items()])
                return True
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                    return None
                assert error.code() == grpc.StatusCode.UNAVAILABLE
                return False


class ServiceCounts:
    """`martlet ratelimit` counts in Redis, window by window."""
    user = USER

    def __init__(self, martlet, folder, store, *, count=1000, workers=1, **more):
        self.file = folder / "limits.yaml"
        self.file.write_text(json.dumps({
            "listeners": [{"name": "rls", "address": "127.0.0.1:0"}], "admin": {"address": "127.0.0.1:0"}, "workers": workers,
            "domains": [{"domain": "shop", "descriptors": [{"key": "a", "rate_limit": {"unit": "day", "requests_per_unit": count}}]}],
            **_of_store(store, more)}))
        self.running = martlet("ratelimit", self.file)
        self.process = self.running.process

    def counts(self, value="1"):
        entry = common.RateLimitDescriptor.Entry(key="a", value=value)
        with channel(self.running.address) as opened:
            try:
                answer = rls_grpc.RateLimitServiceStub(opened).ShouldRateLimit(
                    rls.RateLimitRequest(domain="shop", descriptors=[common.RateLimitDescriptor(entries=[entry])]), timeout=10)
                return True if answer.overall_code == rls.RateLimitResponse.OK else None
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.UNAVAILABLE
                return False
