"""Costs that answers say: charged at the end of calls whatever they speak, and never seen by callers."""

import base64
import json

import grpc
import pytest

from harness import h2raw
from harness.caller import channel
from harness.gateway import Gateway, configuration, listener
from harness.h2raw import grpc_message
from harness.library import NAME, configuration_before, kinds
from harness.waiting import eventually
from harness.web import frame, post
from harness.web_backend import WebBackend

BOOK = kinds.Book(title="t").SerializeToString()
HEAD = [(":status", "200"), ("content-type", "application/grpc")]
OK, OVER = grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED
LIMIT = {"count": 10_000, "per": "day", "name": "rows", "cost": {"header": "x-cost", "default": 2, "maximum": 500}}
TYPES = {"web": "application/grpc-web+proto", "text": "application/grpc-web-text+proto", "connect": "application/connect+proto",
         "unary": "application/proto"}


def says(peer, number, failed=set()):
    """Answers with the costs that `x-say` has for the head and the trailers; `fail` is the first attempt's, which is unavailable."""
    def respond(stream, fields):
        fields = dict(fields)
        say = dict(part.split("=", 1) for part in fields.get("x-say", "").split(",") if part)
        def cost(place):
            return [("x-cost", say[place])] if place in say else []
        if "fail" in say and say["fail"] not in failed:
            failed.add(say["fail"])
            return peer.headers(stream, [*HEAD, ("grpc-status", "14"), ("x-cost", "400")], end=True)
        peer.headers(stream, [*HEAD, *cost("head")])
        peer.data(stream, grpc_message(BOOK))
        if "cut" in say:
            return peer.reset(stream, 2)
        peer.headers(stream, [("grpc-status", "0"), *cost("trailer")], end=True)
    peer.serve(respond)


@pytest.fixture(params=["memory", "redis"])
def start(request, redis, tmp_path):
    store = {"store": "memory"} if request.param == "memory" else {"store": redis().url, "timeout": "5s"}
    with h2raw.Server(says) as server:
        def start(*limits, **route):
            written = configuration_before(server.address, tmp_path, limits=list(limits), **route)
            return Gateway(tmp_path, {**written, "rate_limits": {**store, "headers": {"x_ratelimit": "always"}}})
        yield start


class Caller:
    def __init__(self, gateway):
        self.channel = channel(gateway.address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def call(self, say="", team=None):
        """How it ended, and all metadata of the answer."""
        metadata = [("x-say", say)] + ([("x-team", team)] if team else [])
        call = self.channel.unary_unary(f"/{NAME}/GetBook").future(b"", metadata=metadata, timeout=20)
        code = call.code()
        return code, {**dict(call.initial_metadata()), **dict(call.trailing_metadata())}

    def left(self, team=None):
        code, metadata = self.call("head=0", team)
        assert code == OK
        return int(metadata["x-ratelimit-remaining"])


COSTS = {
    "": 2, "head=7": 7, "trailer=30": 30, "head=7,trailer=30": 30, "trailer=0": 0, "trailer=500": 500, "trailer=501": 500,
    "trailer=99999999999999999999": 500, "trailer=abc": 2, "trailer=-5": 2, "trailer=1.5": 2, "trailer=": 2, "cut=1": 2, "head=7,cut=1": 7,
}


def test_each_answer_is_charged_what_it_says(start):
    with start(LIMIT) as running, Caller(running) as caller:
        before = caller.left()
        assert before == 10_000
        for say, cost in COSTS.items():
            code, metadata = caller.call(say)
            assert (code == OK) == ("cut" not in say) and "x-cost" not in metadata
            after = caller.left()
            assert before - after == cost, say
            before = after
        numbers = running.metrics()
        assert numbers.sum("martlet_limit_response_costs_total", outcome="missing") == 2
        assert numbers.sum("martlet_limit_response_costs_total", outcome="malformed") == 4
        assert numbers.sum("martlet_limit_response_costs_total", outcome="too_large") == 2


@pytest.mark.parametrize("version", ["http1", "http2"])
def test_whatever_the_caller_speaks(start, version):
    with start(LIMIT) as running, Caller(running) as caller:
        before = caller.left()
        for cost, (name, kind) in enumerate(TYPES.items(), 30):
            headers = {"content-type": kind, "accept": kind, "connect-protocol-version": "1", "x-say": f"trailer={cost}"}
            if name in ("web", "text"):
                del headers["connect-protocol-version"]
            body = {"text": base64.b64encode(frame(b"")), "unary": b""}.get(name, frame(b""))
            status, head, answer = post(running.address, version, f"/{NAME}/" + ("WatchBooks" if name == "connect" else "GetBook"), headers, body)
            text = base64.b64decode(answer) if name == "text" else answer
            assert status == 200 and b"x-cost" not in text and not any("x-cost" in field for field in head), name
            before, after = caller.left(), before
            assert after - before == cost, name
        status, head, answer = post(running.address, version, "/v1/books/a", {"x-say": "trailer=90"}, b"", "GET")
        assert status == 200 and json.loads(answer)["title"] == "t" and "x-cost" not in head
        assert before - caller.left() == 90


def test_the_answer_that_the_caller_gets_is_the_one_that_counts(start):
    with start(LIMIT, retry={}, idempotent=True) as running, Caller(running) as caller:
        before = caller.left()
        assert caller.call(f"fail={running.address},trailer=30")[0] == OK
        assert before - caller.left() == 30
        assert running.metrics().sum("martlet_retries_total", outcome="succeeded") == 1


def test_what_is_over_is_a_debt_of_its_key_alone(start):
    limits = [{**LIMIT, "count": 10, "key": "header x-team", "when_missing": "skip"},
              {**LIMIT, "name": "trial", "count": 10, "mode": "shadow"}, {"count": 100, "per": "day", "name": "calls"}]
    with start(*limits) as running, Caller(running) as caller:
        assert caller.call("trailer=30", "a")[0] == OK
        assert [caller.call("", "a")[0] for _ in range(2)] == [OVER, OVER]
        assert caller.left("b") == 10
        assert caller.call("trailer=9", "b")[0] == OK and caller.left("b") == 1
        # What was refused has cost nothing, in limits of calls either.
        numbers = running.metrics()
        assert numbers.sum("martlet_limit_calls_total", limit="rows", outcome="refused") == 2
        assert numbers.sum("martlet_limit_calls_total", limit="calls", outcome="allowed") == 4
        assert numbers.sum("martlet_limit_calls_total", limit="trial", outcome="shadow_refused") >= 3


def test_heads_and_trailers_of_http(gateway, own):
    web = own(WebBackend())
    web.raw["/head"] = b"HTTP/1.1 200 OK\r\nx-cost: 9\r\ncontent-length: 2\r\n\r\nok"
    web.raw["/trailer"] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-cost\r\n\r\n2\r\nok\r\n0\r\nx-cost: 11\r\n\r\n"
    running = gateway(configuration(
        listeners=[listener()], clusters={"web": {"endpoints": [web.address], "protocol": "http1"}},
        rate_limits={"headers": {"x_ratelimit": "always"}}, workers=1,
        routes=[{"prefix": "/", "cluster": "web", "allow": "anyone", "limits": [{**LIMIT, "count": 100, "cost": {"header": "X-Cost"}}]}]))
    def left(path):
        status, head, body = post(running.address, "http1", path, {}, b"", "GET")
        assert status == 200 and body == b"ok" and "x-cost" not in head
        return int(head["x-ratelimit-remaining"])
    assert [left("/head"), left("/trailer"), left("/head")] == [100, 91, 80]
    eventually(lambda: running.metrics().sum("martlet_limit_response_costs_total", outcome="said") == 3, "three costs")
