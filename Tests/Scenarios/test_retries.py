"""Calls that are tried again, or several times at once: what the caller sees of it, and what the log and the metrics say."""

import json
import queue

import grpc
import pytest
from google.protobuf import descriptor_pb2

from harness import h2raw, stubs
from harness.backend import Backend, ask, metadata
from harness.caller import Caller
from harness.fickle import Fickle
from harness.gateway import cluster, configuration, open_route, run
from harness.library import NAME, gateway_before, kinds
from harness.waiting import eventually
from harness.web import frame, post
from harness.web_backend import WebBackend


def serving(gateway, *backends, **route):
    """Before methods that may be executed twice, unless said otherwise."""
    route.setdefault("idempotent", True)
    return gateway(configuration(
        clusters={"kinds": cluster(*backends, load_balancing="round_robin")}, routes=[open_route(**route)], workers=1))


@pytest.mark.parametrize("mood", ["unavailable", "unavailable_in_trailers", "reset", "goaway_above", "close"])
def test_a_backend_that_fails_in_one_way_or_another_is_not_noticed(gateway, own, mood):
    bad, good = own(Fickle(mood)), own(Backend("good"))
    running = serving(gateway, bad, good, retry={"on": ["unavailable", "reset", "connect_failure"], "attempts": 3})
    with Caller(running.address) as caller:
        assert [caller.unary(ask()).backend for _ in range(10)] == ["good"] * 10
    assert bad.calls() >= 3
    lines = eventually(lambda: len(running.log()) == 10 and running.log(), "ten lines")
    assert all(line["grpc_status"] == 0 for line in lines)
    assert sum(line["attempts"] for line in lines) == 10 + bad.calls()


def test_a_backend_that_is_gone_is_not_noticed(gateway, own):
    bad, good = own(Backend("bad")), own(Backend("good"))
    running = serving(gateway, bad, good, retry={"on": ["reset", "unavailable", "connect_failure"]})
    with Caller(running.address) as caller:
        assert {caller.unary(ask()).backend for _ in range(10)} == {"good", "bad"}
        bad.process.kill()
        assert [caller.unary(ask()).backend for _ in range(10)] == ["good"] * 10


def test_retries_are_told_to_backends_and_shown(gateway, own):
    bad, good = own(Fickle("unavailable")), own(Backend("good"))
    running = serving(gateway, bad, good, retry={})
    with Caller(running.address) as caller:
        answers = [caller.unary(ask()) for _ in range(4)]
    attempts = [metadata(answer).get("grpc-previous-rpc-attempts") for answer in answers]
    assert attempts.count(["1"]) == bad.calls() > 0 and attempts.count(None) == 4 - bad.calls()
    numbers = running.metrics()
    assert numbers.sum("martlet_retries_total", outcome="begun") == bad.calls()
    assert numbers.sum("martlet_retries_total", outcome="succeeded") == bad.calls()


def test_when_all_fail_the_caller_gets_the_last_failure_and_the_log_says_why(gateway, own):
    bad = own(Fickle("unavailable_in_trailers"))
    running = serving(gateway, bad, retry={"attempts": 3})
    with Caller(running.address) as caller:
        refusal = caller.refusal(ask())
    assert refusal.code == grpc.StatusCode.UNAVAILABLE and refusal.message == "fickle"
    line = running.wait_for_log(lambda line: line["grpc_status"] == 14)
    assert line["attempts"] == 3 and line["response_flags"] == "URX" and line["detail"] == "retry_limit_exceeded"
    assert bad.calls() == 3


def test_a_method_can_differ_from_its_route(gateway, own):
    bad = own(Fickle("unavailable"))
    running = serving(gateway, bad, retry={"attempts": 3}, methods={"Erase": {"retry": "off"}})
    with Caller(running.address) as caller:
        for method in ("Unary", "Erase"):
            assert caller.refusal(ask(), method=method).code == grpc.StatusCode.UNAVAILABLE
    assert bad.calls() == 4


def test_a_stream_in_progress_hears_at_once_and_is_not_held_up(gateway, own):
    backend = own(Backend("a"))
    running = serving(gateway, backend, retry={})
    with Caller(running.address) as caller:
        words = queue.Queue()
        answers = caller.converse(iter(words.get, None))
        for word in ("one", "two", "three"):
            words.put(ask(word))
            assert next(answers).text == word
        words.put(None)
        assert list(answers) == []


def test_a_stalled_backend_costs_a_try_and_not_the_call(gateway, own):
    bad, good = own(Fickle("stall")), own(Backend("good"))
    running = serving(gateway, bad, good, retry={"per_try_timeout": "1s", "attempts": 5}, timeout="60s")
    with Caller(running.address) as caller:
        assert [caller.unary(ask()).backend for _ in range(4)] == ["good"] * 4
    assert running.metrics().sum("martlet_timeouts_total", timeout="per_try") >= bad.calls() > 0


def test_a_slow_backend_gets_company(gateway, own):
    slow, quick = own(Fickle("stall")), own(Backend("quick"))
    running = serving(
        gateway, slow, quick,
        methods={"Unary": {"idempotent": True, "hedging": {"attempts": 2, "delay": "200ms"}}})
    with Caller(running.address) as caller:
        assert [caller.unary(ask()).backend for _ in range(6)] == ["quick"] * 6
    eventually(lambda: slow.calls() >= 2, "calls of the slow one")
    eventually(lambda: slow.active() == 0, "the slow attempts cancelled")
    assert running.metrics().sum("martlet_hedges_total", outcome="won") >= 1


def test_each_time_that_is_up_has_a_name(gateway, own):
    stalled = own(Fickle("stall"))
    running = gateway(configuration(
        clusters={"kinds": cluster(stalled)}, workers=1,
        routes=[open_route(timeout="2s", methods={
            "Erase": {"timeout": "60s", "idempotent": True, "retry": {"per_try_timeout": "500ms"}},
            "Spread": {"timeout": "60s", "max_stream_duration": "500ms"}})]))
    with Caller(running.address) as caller:
        for call in (lambda: caller.unary(ask()), lambda: caller.unary(ask(), timeout=1), lambda: caller.unary(ask(), method="Erase"),
                     lambda: list(caller.spread(ask()))):
            with pytest.raises(grpc.RpcError) as failure:
                call()
            assert failure.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    lines = eventually(lambda: len(running.log()) == 4 and running.log(), "four lines")
    details = [line["detail"] for line in lines]
    assert details[0] == "response_timeout" and details[2:] == ["upstream_per_try_timeout", "max_duration_timeout"]
    # The caller's own clock may have been first.
    assert details[1] in ("grpc_timeout_response", "downstream_remote_reset"), details
    numbers = running.metrics()
    assert numbers.sum("martlet_timeouts_total", timeout="route") == 1
    assert numbers.sum("martlet_timeouts_total", timeout="per_try") == 2
    assert numbers.sum("martlet_timeouts_total", timeout="max_stream_duration") == 1
    assert numbers.sum("martlet_cluster_timeouts_total") in (2, 3)
    assert lines[3]["response_flags"] == "UMSDR"


def test_half_an_answer_is_not_repeated(gateway, own):
    bad = own(Fickle("half"))
    running = serving(gateway, bad, retry={"on": ["reset", "unavailable"], "attempts": 5})
    with Caller(running.address) as caller:
        assert caller.refusal(ask()).code != grpc.StatusCode.OK
    assert bad.calls() == 1


def test_what_is_refused_unseen_goes_elsewhere_without_a_policy(gateway, own):
    bad, good = own(Fickle("refuse")), own(Backend("good"))
    running = serving(gateway, bad, good)
    with Caller(running.address) as caller:
        assert [caller.unary(ask()).backend for _ in range(6)] == ["good"] * 6
    assert running.metrics().sum("martlet_upstream_events_total", event="resent") == bad.calls() > 0
    assert not running.metrics().sum("martlet_retries_total")


def test_check_knows_that_a_stream_cannot_be_tried_again(tmp_path):
    scenarios_pb2 = stubs.module("martlet/scenarios/v1/scenarios_pb2")
    file = descriptor_pb2.FileDescriptorProto()
    scenarios_pb2.DESCRIPTOR.CopyToProto(file)
    (tmp_path / "scenarios.pb").write_bytes(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString())
    methods = {"Collect": {"retry": {}}, "Converse": {"idempotent": True, "hedging": {}}, "Unary": {"idempotent": True, "retry": {}},
               "Spread": {"idempotent": True, "retry": {}}}
    (tmp_path / "martlet.yaml").write_text(json.dumps(configuration(
        clusters={"kinds": cluster("127.0.0.1:1", schema={"descriptors": ["scenarios.pb"]})},
        routes=[open_route(methods=methods)])))
    told = run("check", "martlet.yaml", folder=tmp_path)
    text = told.stdout + told.stderr
    assert told.returncode == 1
    assert "methods.Collect.retry: found retry of a method that streams from the caller, expected none" in text
    assert "methods.Converse.hedging: found hedging of a method that streams from the caller, expected none" in text
    assert "Unary" not in text and "Spread" not in text


@pytest.mark.parametrize("mood, flags", [("reset", "UR"), ("close", "UC")])
def test_the_log_says_both_what_failed_last_and_that_there_was_no_try_left(gateway, own, mood, flags):
    bad = own(Fickle(mood))
    running = serving(gateway, bad, retry={"on": ["reset", "unavailable", "internal"], "attempts": 2})
    with Caller(running.address) as caller:
        caller.refusal(ask())
    line = running.wait_for_log(lambda line: line["grpc_status"] != 0)
    assert line["response_flags"] == f"{flags},URX" and line["attempts"] == 2


def test_an_endpoint_that_cannot_be_reached_has_both_flags_too(gateway):
    running = gateway(configuration(
        clusters={"kinds": cluster("127.0.0.1:1")}, routes=[open_route(retry={"attempts": 2})], workers=1))
    with Caller(running.address) as caller:
        caller.refusal(ask())
    assert running.wait_for_log(lambda line: line["grpc_status"] == 14)["response_flags"] == "UF,URX"


def test_a_deadline_that_ends_before_a_retry_is_not_the_upstreams(gateway, own):
    bad = own(Fickle("unavailable"))
    running = serving(
        gateway, bad, timeout="500ms", retry={"attempts": 10, "backoff": {"base": "400ms", "max": "400ms"}})
    with Caller(running.address) as caller:
        for _ in range(10):
            caller.refusal(ask())
    lines = eventually(lambda: len(running.log()) == 10 and running.log(), "ten lines")
    for line in lines:
        assert line["upstream_duration_us"] < 400_000, line
        if line["grpc_status"] == 4:
            # A retry that began just before the end is the upstream's to answer.
            assert (line["response_flags"], line["detail"]) in {
                ("DT", "deadline_exceeded_before_retry"), ("UT", "deadline_exceeded_connecting"), ("UT", "response_timeout")}, line


IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")


@pytest.mark.parametrize("version", ["http1", "http2"])
@pytest.mark.parametrize("retry, repeated", [
    ({}, IDEMPOTENT),
    ({"http_methods": ["GET", "HEAD"]}, ("GET", "HEAD")),
    ({"non_idempotent": True}, (*IDEMPOTENT, "POST", "PATCH")),
    ({"non_idempotent": True, "http_methods": ["POST"]}, ("POST",)),
])
def test_a_write_that_was_answered_is_not_repeated(gateway, own, retry, repeated, version):
    rest = own(WebBackend())
    running = gateway(configuration(clusters={"web": cluster(rest, protocol="http1")}, workers=1, routes=[
        {"path": "/*", "cluster": "web", "allow": "anyone", "retry": {"on": [503], "attempts": 3, **retry}}]))
    for method in (*IDEMPOTENT, "POST", "PATCH"):
        rest.requests.clear()
        body = b"once" if method in ("POST", "PATCH", "PUT") else None
        assert post(running.address, version, "/pay?status=503", {}, body, method)[0] == 503
        assert [seen["method"] for seen in rest.requests] == [method] * (3 if method in repeated else 1)
    left = 7 - len(repeated)
    assert running.metrics().sum("martlet_retries_total", outcome="not_idempotent") == left


@pytest.mark.parametrize("retry, resent", [
    (None, ("GET", "PUT")), ({"on": ["connect_failure"]}, ("GET", "PUT")), ({"http_methods": ["GET"]}, ("GET",)),
    ({"non_idempotent": True, "http_methods": ["POST"]}, ("POST",)), ({"non_idempotent": True}, ("GET", "PUT", "POST"))])
def test_a_request_that_met_the_end_of_a_kept_connection_goes_out_again(gateway, own, retry, resent):
    """Where executing it twice is harmless; it may have been executed."""
    rest = own(WebBackend())
    route = {"path": "/*", "cluster": "web", "allow": "anyone", **({"retry": retry} if retry else {})}
    running = gateway(configuration(clusters={"web": cluster(rest, protocol="http1")}, workers=1, routes=[route]))
    rest.raw["/gone"] = b""
    for method in ("GET", "PUT", "POST"):
        assert post(running.address, "http1", "/kept", {}, b"", "GET")[0] == 200
        rest.requests.clear()
        # The second is on a new connection, whose end is told as it is.
        assert post(running.address, "http1", "/gone", {}, b"a" if method != "GET" else None, method)[0] == 503
        assert len(rest.requests) == (2 if method in resent else 1), method


def test_an_idempotent_route_repeats_its_writes(gateway, own):
    rest = own(WebBackend())
    running = gateway(configuration(clusters={"web": cluster(rest, protocol="http1")}, workers=1, routes=[
        {"path": "/*", "cluster": "web", "allow": "anyone", "idempotent": True, "retry": {"on": [503], "attempts": 3}}]))
    assert post(running.address, "http1", "/pay?status=503", {}, b"twice")[0] == 503 and len(rest.requests) == 3


@pytest.mark.parametrize("mood", ["unavailable", "unavailable_in_trailers", "reset", "close"])
def test_an_rpc_is_repeated_where_its_schema_says_that_it_may_be(tmp_path, own, mood):
    bad = own(Fickle(mood))
    retry = {"on": ["unavailable", "reset"], "attempts": 3}
    book = kinds.Book(name="shelves/1/books/2").SerializeToString()
    native = [("content-type", "application/grpc"), ("te", "trailers")]

    def calls(ask):
        before = bad.calls()
        ask()
        return bad.calls() - before

    def unary(method):
        return calls(lambda: h2raw_call(running.address, f"/{NAME}/{method}", native))

    def web(method, kind):
        return calls(lambda: post(running.address, "http1", f"/{NAME}/{method}", {"content-type": kind},
                                  frame(book) if "grpc" in kind else book))

    def rest(method, path, body=None):
        return calls(lambda: post(running.address, "http1", path, {"content-type": "application/json"} if body else {}, body, method))

    with gateway_before(bad.address, tmp_path, retry=retry) as running:
        # NO_SIDE_EFFECTS and IDEMPOTENT, and two of which nothing is known.
        assert [unary(method) for method in ("GetBook", "ReplaceBook", "BurnBook", "CreateBook")] == [3, 3, 1, 1]
        for kind in ("application/grpc-web+proto", "application/proto"):
            assert [web(method, kind) for method in ("ReplaceBook", "BurnBook")] == [3, 1]
        assert rest("GET", "/v1/shelves/1/books/2") == 3 and rest("GET", "/v1/shelves/1/books") == 3
        assert rest("PUT", "/v1/shelves/1/books/2", b"{}") == 3
        assert rest("POST", "/v1/shelves/1/books", b"{}") == 1 and rest("POST", "/v1/shelves/1/books/2:burn", b"{}") == 1


def h2raw_call(address, path, fields):
    with h2raw.Client(address) as client:
        return client.call(path, fields=fields)


@pytest.mark.parametrize("mood, calls", [("refuse", 4), ("goaway_above", 4), ("reset", 1), ("unavailable", 1)])
def test_what_was_not_executed_is_sent_again_whatever_the_method(gateway, own, mood, calls):
    bad = own(Fickle(mood))
    running = serving(gateway, bad, idempotent=False, retry={
        "on": ["unavailable", "reset", "refused_stream"], "attempts": 3, "backoff": {"base": "1ms", "max": "1ms"}})
    with Caller(running.address) as caller:
        caller.refusal(ask())
    # Once more than the policy's attempts: a resend without a policy's help comes first.
    assert bad.calls() == calls


def test_a_backend_may_ask_for_a_method_again_that_is_not_idempotent(gateway, own):
    def script(peer, number):
        def respond(stream, fields):
            peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "14"),
                                  ("grpc-retry-pushback-ms", "1")], end=True)
        peer.serve(respond)

    backend = own(h2raw.Server(script))
    running = serving(gateway, backend, idempotent=False, retry={"attempts": 3})
    with Caller(running.address) as caller:
        assert caller.refusal(ask()).code == grpc.StatusCode.UNAVAILABLE
    line = running.wait_for_log(lambda line: line["grpc_status"] == 14)
    assert line["attempts"] == 3
