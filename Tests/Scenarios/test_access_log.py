"""One JSON line per exchange, on every ending."""

import datetime
import json
import threading

import h2.events
import pytest

from harness import h2raw
from harness.backend import ask
from harness.caller import Caller
from harness.gateway import SERVICE, authentication, cluster, configuration, open_route
from harness.waiting import PATIENCE, eventually
from harness.web import post

UNARY = f"/{SERVICE}/Unary"


def test_a_good_call(gateway, backend, pki, server_identity, signing_key):
    running = gateway(configuration(
        backend, identity=server_identity, authentication={**authentication(signing_key), "tenant": "claim tenant"},
        routes=[{"name": "kinds", "service": SERVICE, "cluster": "kinds"}]))
    token = signing_key.token(tenant="acme", sub="alice")
    with Caller(running.address, ca=pki, token=token) as caller:
        caller.unary(ask("x", payload=bytes(1000), answer_bytes=5000))
    line = running.wait_for_log(lambda line: line["path"] == UNARY)
    assert abs(datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp() - datetime.datetime.now().timestamp()) < 60
    assert line["route"] == "kinds" and line["cluster"] == "kinds" and line["upstream_address"] == backend.address
    assert line["grpc_service"] == SERVICE and line["grpc_method"] == "Unary" and line["method"] == "POST"
    assert line["status"] == 200 and line["grpc_status"] == 0 and "response_flags" not in line
    assert line["bytes_received"] > 1000 and line["bytes_sent"] > 5000 and line["duration_us"] > 0
    assert line["tenant"] == "acme" and line["subject"] == "alice" and line["issuer"]
    assert line["downstream_address"].startswith("127.0.0.1") and line["tls_version"] == "TLSv1.3"
    assert line["user_agent"].startswith("grpc-python") and line["request_id"]
    assert token not in json.dumps(line) and token.split(".")[2] not in json.dumps(line)


@pytest.mark.parametrize("path", ["/img/logo.png", UNARY])
def test_a_path_of_two_segments_names_no_rpc_of_a_plain_request(gateway, path):
    running = gateway(configuration(
        clusters={"kinds": cluster("127.0.0.1:1", protocol="http1")}, routes=[{"path": "/*", "cluster": "kinds", "allow": "anyone"}]))
    assert post(running.address, "http1", path, {}, b"", method="GET")[0] == 503
    line = running.wait_for_log(lambda line: line["path"] == path)
    assert "grpc_service" not in line and "grpc_method" not in line and "grpc_status" not in line


@pytest.mark.parametrize("name, fields, flag", [
    ("no-route", [], "NR"), ("no-token", [("x-case", "closed")], "JA"), ("over", [("x-case", "over")], "RL|QE"),
    ("nobody", [("x-case", "nobody")], "UF|UH"), ("slow", [("x-case", "slow")], "DT|UT")], ids=lambda value: value if isinstance(value, str) else "")
def test_a_refusal_says_why(gateway, backend, silent, signing_key, name, fields, flag):
    running = gateway(configuration(
        authentication=authentication(signing_key),
        clusters={"kinds": cluster(backend), "nobody": cluster("127.0.0.1:1"), "silent": cluster(silent)},
        routes=[open_route(headers={"x-case": "over"}, name="over", limits=["1/day"]),
                open_route("nobody", headers={"x-case": "nobody"}, name="nobody"),
                open_route("silent", headers={"x-case": "slow"}, name="slow", timeout="200ms"),
                {"name": "closed", "service": SERVICE, "headers": {"x-case": "closed"}, "cluster": "kinds"}]))
    with h2raw.Client(running.address) as client:
        if name == "over":
            client.call(UNARY, fields=fields)
        answer = client.call(UNARY, fields=fields)
    line = running.wait_for_log(lambda line: line.get("grpc_status") == answer.grpc_status and answer.grpc_status != 0)
    assert set(line["response_flags"].split(",")) & set(flag.split("|"))


def test_what_is_under_trial_is_named(gateway, backend):
    running = gateway(configuration(backend, workers=1, routes=[open_route(
        deny={"header": {"x-banned": "*"}, "name": "banned", "mode": "shadow"},
        limits=[{"count": 2, "per": "day", "name": "trial", "mode": "shadow"}])]))
    with Caller(running.address) as caller:
        for _ in range(2):
            caller.unary(ask())
        caller.unary(ask(), metadata=[("x-banned", "1")])
        caller.unary(ask())
        caller.unary(ask(), metadata=[("x-banned", "1")])
    eventually(lambda: len(running.log()) == 5, "five lines")
    assert [line.get("shadow") for line in running.log()] == [None, None, "banned,trial", "trial", "banned,trial"]
    assert all(line["grpc_status"] == 0 and "detail" not in line for line in running.log())


def test_a_cancelled_call_has_its_line_too(gateway, backend, tag):
    running = gateway(backend)
    with Caller(running.address) as caller:
        call = caller.unary_call(ask(tag=tag, hold=True))
        backend.wait_for_call(tag, "running")
        call.cancel()
        flags = running.wait_for_log(lambda line: line["path"] == UNARY)["response_flags"].split(",")
        assert {"DC", "DR"} & set(flags), "the caller's reset, or its connection's end"


def test_exactly_one_line_an_exchange(gateway, backend):
    running = gateway(configuration(backend, workers=2))
    with Caller(running.address) as one, Caller(running.address) as two:
        for number in range(100):
            (one if number % 2 else two).unary(ask())
            list(one.spread(ask(answers=3)))
    eventually(lambda: len(running.log()) >= 200, "two hundred lines")
    assert len(running.log()) == 200
    assert len({line["request_id"] for line in running.log()}) == 200


def test_nobody_can_write_lines_of_their_own(gateway, backend):
    running = gateway(backend)
    odd = "a\"b\\c\u0001\u2028é"
    with h2raw.Client(running.address) as client:
        client.call(f'/{SERVICE}/"x\\', authority='a"b', fields=[("user-agent", odd), ("x-request-id", '"},{"')])
        client.call(UNARY + "?token=secret", fields=[("user-agent", "x" * 20_000)])
        client.call(UNARY)
    eventually(lambda: any(line["path"] == UNARY for line in running.log()), "the last line")
    raw = [line for line in running.process.stdout_lines if line.strip()]
    assert all(isinstance(json.loads(line), dict) for line in raw)
    assert "secret" not in "\n".join(raw)
    assert all(len(line) < 32_768 for line in raw)


def test_off_and_a_file(gateway, backend, tmp_path):
    silent = gateway(configuration(backend, access_log="off"))
    with Caller(silent.address) as caller:
        caller.unary(ask())
    silent.stop()
    assert silent.log() == []
    file = tmp_path / "access.json"
    running = gateway(configuration(backend, access_log=str(file)))
    with Caller(running.address) as caller:
        caller.unary(ask())
    eventually(lambda: file.exists() and file.read_text().endswith("\n"), "the line in the file")
    assert json.loads(file.read_text())["path"] == UNARY and running.log() == []


def test_lines_are_written_before_the_end(gateway, backend):
    running = gateway(backend)
    with Caller(running.address) as caller:
        for _ in range(50):
            caller.unary(ask())
    running.stop()
    assert len(running.log()) == 50


def test_who_refused_a_call_is_named(gateway, backend, signing_key):
    running = gateway(configuration(
        backend, workers=1, authentication={**authentication(signing_key), "tenant": "claim tenant", "plan": "claim plan"},
        plans={"free": {"limits": ["2/day"]}},
        routes=[
            open_route(headers={"x-case": "deny"}, name="denied", deny={"header": {"x-case": "*"}, "name": "banned"}),
            open_route(headers={"x-case": "allow"}, name="allowed", allow={"claim": {"role": "admin"}, "name": "admins"}),
            open_route(headers={"x-case": "scope"}, name="scoped", allow={"scopes": ["write"], "name": "writers"}),
            open_route(headers={"x-case": "limit"}, name="limited", limits=[{"count": 1, "per": "day", "name": "few"}]),
            open_route(headers={"x-case": "place"}, name="place", limits=["1000/s", "1/day"]),
            open_route(name="planned")]))
    token = signing_key.token(tenant="acme", plan="free", sub="alice")
    with Caller(running.address, token=token) as caller:
        for case in ("deny", "allow", "scope", "limit", "limit"):
            if case != "limit":
                caller.refusal(ask(), metadata=[("x-case", case)])
        caller.unary(ask(), metadata=[("x-case", "limit")])
        caller.refusal(ask(), metadata=[("x-case", "limit")])
        caller.unary(ask())
        caller.refusal(ask())
    with Caller(running.address) as caller:
        caller.unary(ask(), metadata=[("x-case", "place")])
        caller.refusal(ask(), metadata=[("x-case", "place")])
    lines = eventually(lambda: len(running.log()) >= 9 and running.log(), "the lines")
    refused = [(line["route"], line.get("rule"), line.get("limit"), line["detail"]) for line in lines if line["grpc_status"]]
    assert refused == [
        ("denied", "banned", None, "rbac_access_denied_matched_policy"),
        ("allowed", "admins", None, "rbac_access_denied_no_matched_policy"),
        ("scoped", "writers", None, "rbac_scope_insufficient"),
        ("limited", None, "few", "request_rate_limited"),
        ("planned", None, "plans.free.limits[0]", "request_rate_limited"),
        ("place", None, "place.limits[1]", "request_rate_limited")]
    assert {line.get("plan") for line in lines if line["route"] != "place"} == {"free"}
    assert not any("rule" in line or "limit" in line for line in lines if not line["grpc_status"])


def test_a_page_and_a_preflight_have_ids(gateway, backend):
    running = gateway(configuration(
        backend, openapi={"allow": "anyone"}, routes=[open_route(cors={"origins": ["https://app.example"]})]))
    with h2raw.Client(running.address) as client:
        for path in ("/docs", "/openapi.json"):
            client.call(path, method="GET", fields=[])
        client.call(UNARY, method="OPTIONS", fields=[("origin", "https://app.example"), ("access-control-request-method", "POST")])
    lines = eventually(lambda: len(running.log()) == 3 and running.log(), "three lines")
    assert all(line["request_id"] for line in lines) and len({line["request_id"] for line in lines}) == 3
    assert [line["method"] for line in lines] == ["GET", "GET", "OPTIONS"]


def test_a_call_that_was_given_up_has_a_status(gateway, backend, tag):
    running = gateway(backend)
    with Caller(running.address) as caller:
        call = caller.unary_call(ask(tag=tag, hold=True))
        backend.wait_for_call(tag, "running")
        call.cancel()
        line = running.wait_for_log(lambda line: line["path"] == UNARY)
    assert line["status"] == 0 and line["grpc_status"] == 1


def test_an_answer_that_its_caller_did_not_let_in_is_not_told_as_ok(gateway, own):
    complete = threading.Event()

    def script(peer, number):
        def respond(stream, fields):
            peer.answer(stream, bytes(20_000))
            peer.ping()
            complete.set()
        peer.serve(respond)
    running = gateway(configuration(own(h2raw.Server(script))))
    # The answer is complete at the gateway, and the caller's window takes a part of it.
    with h2raw.Client(running.address, settings={4: 1000}, acknowledge=False) as client:
        stream = client.request(UNARY, h2raw.grpc_message(b""))
        client.wait_kind(h2.events.DataReceived, stream)
        assert complete.wait(PATIENCE)
        client.reset(stream, 8)
        line = running.wait_for_log(lambda line: line["path"] == UNARY)
    assert line["grpc_status"] == 1 and line["response_flags"] == "DR"
