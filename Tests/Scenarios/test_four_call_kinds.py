"""The main story: four kinds of call over TLS 1.3, through token, authorization and a quota in Redis, to a backend."""

import grpc
import pytest

from harness.backend import ask, metadata
from harness.caller import Caller
from harness.gateway import SERVICE, authentication, cluster, configuration, listener
from harness.waiting import eventually

PLANS = {"free": {"limits": ["5/min"]}, "pro": {"limits": ["10000/min"]}}


@pytest.fixture
def chain(gateway, backend, redis, server_identity, signing_key):
    store = redis()
    return gateway(configuration(
        listeners=[listener(server_identity)],
        authentication={**authentication(signing_key, forward_claims={"x-tenant": "tenant"}),
                        "tenant": "claim tenant", "plan": "claim plan"},
        plans=PLANS,
        rate_limits={"store": store.url, "timeout": "2s"},
        clusters={"kinds": cluster(backend)},
        routes=[{"name": "kinds", "service": SERVICE, "cluster": "kinds", "allow": {"scopes": ["read"]},
                 "methods": {"Erase": {"allow": {"scopes": ["erase"]}}}}],
        workers=2), ), store


@pytest.fixture
def caller_with(chain, pki, signing_key):
    gateway, _ = chain
    callers = []

    def make(**claims):
        claims = {"tenant": "acme", "plan": "pro", "scope": "read", **claims}
        callers.append(Caller(gateway.address, ca=pki, token=signing_key.token(**claims)))
        return callers[-1]
    yield make
    for caller in callers:
        caller.channel.close()


def test_unary(caller_with):
    answer = caller_with().unary(ask("hello", payload=b"abc"))
    assert answer.text == "hello" and answer.received_bytes == 3
    assert metadata(answer)["x-tenant"] == ["acme"]
    assert "authorization" not in metadata(answer), "the token is stripped unless said otherwise"


def test_client_streaming(caller_with):
    answer = caller_with().collect([ask(payload=bytes(100)) for _ in range(200)])
    assert answer.received == 200 and answer.received_bytes == 20_000


def test_server_streaming(caller_with):
    answers = list(caller_with().spread(ask("tick", answers=500, answer_bytes=100)))
    assert [answer.index for answer in answers] == list(range(500))


def test_bidirectional_streaming_answers_message_by_message(caller_with):
    import queue
    asks = queue.SimpleQueue()
    call = caller_with().converse(iter(asks.get, None))
    for number in range(50):
        asks.put(ask(f"ping {number}"))
        assert next(call).text == f"ping {number}"
    asks.put(None)
    assert list(call) == [] and call.code() == grpc.StatusCode.OK


def test_whoever_may_not_is_refused_and_costs_the_tenant_nothing(chain, caller_with):
    _, store = chain
    caller = caller_with(tenant="careful", plan="free")
    for _ in range(20):
        assert caller.refusal(ask(), method="Erase").code == grpc.StatusCode.PERMISSION_DENIED
    assert caller.unary(ask("still there")).text == "still there"
    assert caller_with(scope="read erase").unary(ask("x"), method="Erase").text == "x"


def test_a_tenant_over_its_quota_is_refused_and_others_are_not(chain, caller_with):
    _, store = chain
    small, other = caller_with(tenant="small", plan="free"), caller_with(tenant="other", plan="free")
    outcomes = []

    def until_refused():
        try:
            small.unary(ask())
            outcomes.append(None)
        except grpc.RpcError as error:
            outcomes.append(error.code())
        return outcomes[-1]
    # A window may turn while we count: then five more are allowed, and no more than that.
    assert eventually(until_refused, "a refusal") == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert 5 <= len(outcomes) - 1 <= 10
    assert other.unary(ask("fine")).text == "fine"
    assert store.keys(), "the count is in Redis"
    assert all(store.command("PTTL", key) > 0 for key in store.keys()), "every key expires by itself"


def test_a_streaming_call_costs_one_however_many_messages_it_has(caller_with):
    caller = caller_with(tenant="talker", plan="free")
    assert len(list(caller.spread(ask(answers=100)))) == 100
    assert caller.unary(ask("x")).text == "x"
