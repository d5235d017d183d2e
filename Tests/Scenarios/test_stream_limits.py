"""Limits on what streams carry: refused in the caller's protocol, or held back by flow control."""

import queue
import time

import grpc
import pytest

from harness.backend import ask
from harness.caller import Caller
from harness.gateway import SERVICE, authentication, configuration, open_route
from harness.waiting import eventually
from harness.web import Web, post
from harness.web_backend import WebBackend

OK, OVER = grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.fixture(params=["memory", "redis"])
def start(request, gateway, backend, redis):
    store = {"store": "memory"} if request.param == "memory" else {"store": redis().url, "timeout": "5s"}

    def start(*limits, **route):
        running = gateway(configuration(backend, rate_limits=store, workers=1, routes=[open_route(limits=list(limits), **route)]))
        running.is_exact = request.param == "memory"
        return running
    return start


def ended(call):
    try:
        list(call)
        return OK
    except grpc.RpcError as error:
        return error.code()


def test_a_stream_of_requests_ends_at_its_limit(start):
    running = start({"count": 10, "per": "day", "of": "request_messages", "name": "chat"})
    with Caller(running.address) as caller:
        asks, answers = queue.Queue(), 0
        call = caller.converse(iter(asks.get, None))
        with pytest.raises(grpc.RpcError) as refused:
            for number in range(50):
                asks.put(ask(str(number)))
                assert next(call).text == str(number)
                answers += 1
        asks.put(None)
        assert refused.value.code() == OVER
        assert answers == 10 if running.is_exact else 10 <= answers < 50
        # Nothing is left for another call, whatever its kind.
        seen = caller.refusal(ask())
        assert seen.code == OVER and int(seen.header("retry-after")) > 0
    line = running.wait_for_log(lambda line: line["grpc_method"] == "Converse")
    assert line["limit"] == "chat" and line["response_flags"] == "QE"


def test_an_answer_ends_at_its_limit_in_the_callers_protocol(start):
    running = start({"count": 20, "per": "day", "of": "response_messages", "key": "header x-team", "when_missing": "skip"})
    with Caller(running.address) as caller:
        assert ended(caller.spread(ask(answers=20), metadata=[("x-team", "a")])) == OK
        # Redis may still have to hear of the last of them.
        eventually(lambda: ended(caller.spread(ask(answers=1), metadata=[("x-team", "a")])) == OVER, "a refusal")
        assert ended(caller.spread(ask(answers=2000, answer_bytes=1000), metadata=[("x-team", "b")])) == OVER
        assert ended(caller.spread(ask(answers=2000))) == OK
    web = Web(False)
    head, body = web.request([ask(answers=5000, answer_bytes=1000).SerializeToString()])
    result = web.read(*post(running.address, "http2", f"/{SERVICE}/Spread", {**head, "x-team": "c"}, body))
    assert result.code == 8 and len(result.messages) < 5000
    if running.is_exact:
        assert len(result.messages) <= 20


def test_what_is_over_is_held_back(start):
    running = start({"count": "1MiB", "per": "s", "of": "request_bytes", "over": "hold", "name": "up"},
                    {"count": "1MiB", "per": "s", "of": "response_bytes", "over": "hold", "name": "down"})
    with Caller(running.address) as caller:
        began = time.monotonic()
        answer = caller.collect(ask(payload=bytes(64 << 10)) for _ in range(40))
        took = time.monotonic() - began
        assert answer.received_bytes == 40 * (64 << 10)
        # 2.5 MiB, of which one comes at once, and what fits the window is ahead.
        assert took > 1, took
        began = time.monotonic()
        assert len(list(caller.spread(ask(answers=40, answer_bytes=64 << 10)))) == 40
        took = time.monotonic() - began
        assert took > 1, took
        assert caller.unary(ask("x")).text == "x"
    assert running.metrics().sum("martlet_limit_decisions_total", outcome="held") > 0
    assert not running.metrics().sum("martlet_limit_decisions_total", outcome="refused")


@pytest.mark.parametrize("version", ["http1", "http2"])
def test_bodies_of_http_are_held_back_too(gateway, own, version):
    web = own(WebBackend())
    limits = [{"count": "512KiB", "per": "s", "of": of, "over": "hold"} for of in ("request_bytes", "response_bytes")]
    running = gateway(configuration(clusters={"web": {"endpoints": [web.address], "protocol": "http1"}}, workers=1, routes=[
        {"prefix": "/", "cluster": "web", "allow": "anyone", "limits": limits}]))
    began = time.monotonic()
    status, _, _ = post(running.address, version, "/a?bytes=10", {}, bytes(1536 << 10), "POST")
    assert status == 200 and len(web.requests[0]["body"]) == 1536 << 10 and time.monotonic() - began > 0.5
    began = time.monotonic()
    status, _, body = post(running.address, version, f"/b?bytes={1536 << 10}", {}, b"", "GET")
    assert status == 200 and len(body) == 1536 << 10 and time.monotonic() - began > 0.5


def test_calls_wait_for_what_earlier_ones_have_carried(start):
    running = start({"count": 5, "per": "s", "of": "request_messages", "over": "hold"})
    with Caller(running.address) as caller:
        began = time.monotonic()
        for number in range(12):
            assert caller.unary(ask(str(number))).text == str(number)
        assert time.monotonic() - began > 1, "seven calls wait for a fifth of a second each"


def test_a_call_that_waits_has_its_deadline(start):
    running = start({"count": 1, "per": "min", "algorithm": "token_bucket", "of": "request_messages", "over": "hold"})
    with Caller(running.address) as caller:
        caller.unary(ask())
        with pytest.raises(grpc.RpcError) as late:
            caller.unary(ask(), timeout=0.5)
        assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    eventually(lambda: running.metrics().sum("martlet_requests_active") == 0, "no call left")


def test_a_plan_may_limit_streams_and_callers_are_told_in_bytes(gateway, backend, signing_key):
    running = gateway(configuration(
        backend, plans={"free": {"limits": [{"count": "2MiB", "per": "day", "of": "request_bytes"}]}}, workers=1,
        authentication={**authentication(signing_key), "tenant": "claim tenant", "plan": "claim plan"},
        rate_limits={"headers": {"x_ratelimit": "always"}}, routes=[{"service": SERVICE, "cluster": "kinds"}]))
    token = {name: signing_key.token(tenant=name, plan="free") for name in ("a", "b")}
    with Caller(running.address, token=token["a"]) as a, Caller(running.address, token=token["b"]) as b:
        def left(caller):
            _, call = caller.kinds.Unary.with_call(ask(), metadata=caller.metadata(), timeout=20)
            return int(dict(call.initial_metadata())["x-ratelimit-remaining"])
        assert left(a) == 2 << 20
        a.collect(ask(payload=bytes(100_000)) for _ in range(10))
        assert (2 << 20) - 1_010_000 < left(a) < (2 << 20) - 1_000_000
        with pytest.raises(grpc.RpcError) as over:
            a.collect(ask(payload=bytes(100_000)) for _ in range(20))
        assert over.value.code() == OVER
        assert left(b) == 2 << 20


def test_shadow_counts_and_holds_nothing(start):
    running = start({"count": 3, "per": "day", "of": "response_messages", "mode": "shadow", "name": "trial"})
    with Caller(running.address) as caller:
        assert len(list(caller.spread(ask(answers=50)))) == 50
    line = running.wait_for_log(lambda line: line["grpc_method"] == "Spread")
    assert line["shadow"] == "trial"
