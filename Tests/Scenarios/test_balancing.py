"""Which endpoint a call goes to: by weight, by hash, by a file that changes; and when none is to be had."""

import collections
import json

import grpc
import pytest

from harness.backend import Backend, ask
from harness.caller import Caller
from harness.gateway import cluster, configuration, open_route, run
from harness.waiting import eventually


def spread(caller, count, **options):
    return collections.Counter(caller.unary(ask(), **options).backend for _ in range(count))


@pytest.fixture
def three(own):
    return [own(Backend(name)) for name in "abc"]


def test_a_weighted_round_gives_each_its_share(gateway, three):
    endpoints = [{"address": backend.address, "weight": weight} for backend, weight in zip(three, [1, 2, 3])]
    running = gateway(configuration(clusters={"kinds": cluster(*endpoints, load_balancing="round_robin")}, workers=1))
    with Caller(running.address) as caller:
        seen = spread(caller, 60)
    assert all(abs(seen[name] - share) <= 1 for name, share in zip("abc", [10, 20, 30])), seen


@pytest.mark.parametrize("policy", ["ring_hash", "maglev"])
def test_calls_of_one_user_go_to_one_endpoint_on_every_worker(gateway, three, policy):
    balancing = {"policy": policy, "hash": ["header x-user", "address"]}
    running = gateway(configuration(clusters={"kinds": cluster(*three, load_balancing=balancing)}, workers=2))
    places = {}
    for _ in range(4):  # connections, which land on either worker
        with Caller(running.address) as caller:
            for user in range(20):
                seen = spread(caller, 3, metadata=[("x-user", f"user-{user}")])
                assert len(seen) == 1
                assert places.setdefault(user, *seen) in seen
    assert len(set(places.values())) > 1


def test_the_next_priority_serves_when_the_first_is_gone(gateway, three):
    endpoints = [{"address": backend.address, "priority": priority} for priority, backend in enumerate(three[:2])]
    running = gateway(configuration(clusters={"kinds": cluster(*endpoints)}, workers=1))
    with Caller(running.address) as caller:
        assert spread(caller, 20) == {"a": 20}
        three[0].process.kill()

        def failed_over():
            try:
                return spread(caller, 5) == {"b": 5}
            except grpc.RpcError:
                return False
        eventually(failed_over, "calls on b only")


def test_a_file_of_endpoints_is_taken_up_as_it_changes(gateway, three, tmp_path):
    file = tmp_path / "endpoints.yaml"
    file.write_text(f"- {three[0].address}\n")
    running = gateway(configuration(clusters={"kinds": {"endpoints": {"file": str(file)}, "load_balancing": "round_robin"}}, workers=1))
    with Caller(running.address) as caller:
        assert spread(caller, 4) == {"a": 4}
        held = caller.unary_call(ask(tag="held", hold=True))
        three[0].wait_for_call("held")
        file.write_text(json.dumps([{"address": backend.address} for backend in three[1:]]))
        eventually(lambda: set(spread(caller, 4)) == {"b", "c"}, "the new ones")
        # A bad one changes nothing and says why.
        before = len(running.process.lines)
        file.write_text("- nowhere\n")
        running.process.wait_for(lambda line: "endpoints.yaml:1:3: [0]: found \"nowhere\"" in line, "the mistake", start=before)
        running.process.wait_for(lambda line: "reload refused" in line, "a refusal", start=before)
        assert set(spread(caller, 4)) == {"b", "c"}
        file.write_text(f"- {three[1].address}\n")
        eventually(lambda: set(spread(caller, 4)) == {"b"}, "b alone")
        three[0].release("held")
        assert held.result(timeout=20).backend == "a", "a call on an endpoint that is gone comes to its end"
    assert not running.log(lambda line: line.get("grpc_status") not in (0, None))


def test_check_looks_into_the_file_of_endpoints(tmp_path):
    (tmp_path / "endpoints.yaml").write_text("- { address: \"10.0.0.1:80\", weight: 0 }\n")
    whole = configuration(clusters={"kinds": {"endpoints": {"file": str(tmp_path / "endpoints.yaml")}}})
    (tmp_path / "martlet.yaml").write_text(json.dumps(whole))
    result = run("check", tmp_path / "martlet.yaml")
    assert result.returncode == 1
    assert "endpoints.yaml:1:37: [0].weight: found \"0\", expected a whole number" in result.stdout + result.stderr


def test_an_open_circuit_answers_at_once_and_closes_when_calls_succeed_again(gateway, own):
    backend = own(Backend("a"))
    errors = {"ratio": "50%", "minimum_calls": 10, "open": "3s", "probes": 1}
    running = gateway(configuration(clusters={"kinds": cluster(backend, circuit_breaker={"errors": errors})}, workers=2))
    with Caller(running.address) as caller:
        for _ in range(10):
            assert caller.refusal(ask(fail_code=13)).code == grpc.StatusCode.INTERNAL
        refusal = caller.refusal(ask())
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "CIRCUIT_OPEN")
        assert refusal.header("retry-after") == "3"
        running.wait_for_log(lambda line: line.get("response_flags") == "UO")
        assert running.metrics().sum("martlet_circuit_refused_total", cluster="kinds", cause="open") == 1
        assert backend.seen().started == 10

        def served():
            try:
                return caller.unary(ask()).backend == "a"
            except grpc.RpcError:
                return False
        eventually(served, "a closed circuit")


def test_a_full_cluster_turns_calls_away_and_high_priority_has_more_room(gateway, own):
    backend = own(Backend("a"))
    routes = [open_route(name="urgent", headers={"x-urgent": "*"}, priority="high"), open_route()]
    limits = {"requests": 2, "high": {"requests": 3}}
    running = gateway(configuration(routes=routes, clusters={"kinds": cluster(backend, circuit_breaker=limits)}, workers=2))
    with Caller(running.address) as caller:
        held = [caller.unary_call(ask(tag=f"held-{index}", hold=True)) for index in range(2)]
        for index in range(2):
            backend.wait_for_call(f"held-{index}")
        refusal = caller.refusal(ask())
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "CIRCUIT_FULL")
        assert caller.unary(ask(), metadata=[("x-urgent", "1")]).backend == "a"
        eventually(lambda: running.metrics().sum("martlet_circuit_requests", cluster="kinds") == 2, "the end of the urgent one")
        assert running.metrics().sum("martlet_circuit_overflow_total", cluster="kinds") == 1
        for index in range(2):
            backend.release(f"held-{index}")
        assert [call.result(timeout=20).backend for call in held] == ["a", "a"]
        assert caller.unary(ask()).backend == "a"
