"""Who is well: active checks of each kind, and endpoints that are put aside because they fail."""

import collections
import json

import grpc
import pytest

from harness.backend import Backend, ask
from harness.caller import Caller
from harness.gateway import cluster, configuration
from harness.waiting import eventually


def states(running):
    """Endpoint states by address, from the admin address."""
    status, text = running.admin("/clusters")
    assert status == 200
    return {endpoint["address"]: endpoint["state"] for endpoint in json.loads(text)["clusters"][0]["endpoints"]}


def spread(caller, count):
    return collections.Counter(caller.unary(ask()).backend for _ in range(count))


def test_an_endpoint_that_says_it_does_not_serve_gets_no_calls_until_it_serves_again(gateway, own):
    first, second = own(Backend("a")), own(Backend("b"))
    check = {"type": "grpc", "interval": "100ms", "healthy_threshold": 1}
    running = gateway(configuration(
        clusters={"kinds": cluster(first, second, health_check=check, load_balancing="round_robin")}, workers=2))
    eventually(lambda: set(states(running).values()) == {"healthy"}, "both well")
    with Caller(running.address) as caller:
        assert set(spread(caller, 10)) == {"a", "b"}
        first.set_health(False)
        eventually(lambda: states(running)[first.address] == "unhealthy", "a unwell")
        eventually(lambda: spread(caller, 10) == {"b": 10}, "calls on b only")
        assert running.metrics().sum("martlet_endpoint_healthy", cluster="kinds") == 1
        first.set_health(True)
        eventually(lambda: set(spread(caller, 10)) == {"a", "b"}, "calls on both")
    assert not running.log(lambda line: line.get("grpc_status") not in (0, None)), "and no call was lost"


@pytest.mark.parametrize("kind", ["grpc", "tcp"])
def test_an_endpoint_that_is_gone_is_found_without_a_call(gateway, own, kind):
    first, second = own(Backend("a")), own(Backend("b"))
    check = {"type": kind, "interval": "100ms", "unhealthy_threshold": 2}
    running = gateway(configuration(clusters={"kinds": cluster(first, second, health_check=check)}, workers=1))
    eventually(lambda: set(states(running).values()) == {"healthy"}, "both well")
    first.process.kill()
    eventually(lambda: states(running) == {first.address: "unhealthy", second.address: "healthy"}, "a found to be gone")
    with Caller(running.address) as caller:
        assert spread(caller, 20) == {"b": 20}
    own(Backend("a again", address=first.address))
    eventually(lambda: states(running)[first.address] == "healthy", "a is back")


def test_checks_speak_tls_where_the_cluster_does(gateway, own, pki, server_identity):
    secure = own(Backend("a", identity=server_identity))
    running = gateway(configuration(clusters={"kinds": cluster(
        secure, health_check={"type": "grpc", "interval": "100ms"}, tls={"ca": str(pki.file), "server_name": "localhost"})}))
    eventually(lambda: set(states(running).values()) == {"healthy"}, "well")


def test_an_endpoint_that_fails_in_a_row_is_put_aside_for_all_workers(gateway, own):
    first, second = own(Backend("a")), own(Backend("b"))
    outliers = {"consecutive_5xx": 5, "base_ejection_time": "1h", "max_ejection_time": "1h"}
    running = gateway(configuration(
        clusters={"kinds": cluster(first, second, outlier_detection=outliers, load_balancing="round_robin")}, workers=2))
    first.process.kill()

    def put_aside():
        with Caller(running.address) as caller:
            for _ in range(5):
                try:
                    caller.unary(ask())
                except grpc.RpcError:
                    pass
        return states(running)[first.address] == "ejected"
    eventually(put_aside, "a put aside")
    own(Backend("a again", address=first.address))

    def all_on_b():
        for _ in range(4):  # connections, which land on either worker
            with Caller(running.address) as caller:
                if spread(caller, 10) != {"b": 10}:
                    return False
        return True
    eventually(all_on_b, "calls on b only")
    assert running.metrics().sum("martlet_endpoint_ejections_total", cluster="kinds") == 1
