"""Out of file descriptors: nothing spins, it is told and counted, health answers, and all is well again afterwards."""

import resource
import socket
import time

import grpc
import pytest

from harness import h2raw
from harness.backend import ask
from harness.caller import Caller
from harness.gateway import SERVICE, cluster, configuration, listener
from harness.waiting import eventually, settled


UNARY = f"/{SERVICE}/Unary"


def processor_ticks(process):
    """Hundredths of a second that the process has computed."""
    fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def limit(running, beyond):
    """Leaves the process this many descriptors beyond those it has."""
    resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (running.process.descriptors() + beyond,) * 2)


def connect(address, count):
    host, port = address.split(":")
    connections = []
    for _ in range(count):
        connection = socket.create_connection((host, int(port)), timeout=10)
        connection.setblocking(False)
        connections.append(connection)
    return connections


def is_shut(connection):
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.parametrize("workers", [1, 2])
def test_callers_beyond_the_descriptors(gateway, backend, workers):
    running = gateway(configuration(backend, workers=workers, listeners=[
        listener(limits={"handshake": "60s"})]))
    limit(running, 20)
    connections = connect(running.address, 60)
    try:
        running.process.wait_for(
            lambda line: line.startswith('connections cannot be accepted or opened: cause="Too many open files" descriptors='), "notice")
        settled(lambda: processor_ticks(running.process), "a process that does not spin")
        for path in ("/live", "/ready", "/metrics"):
            assert running.admin(path)[0] == 200
        eventually(lambda: running.metrics().sum("martlet_accept_failures_total") >= 20, "20 that were not accepted")
        eventually(lambda: sum(is_shut(connection) for connection in connections) >= 20, "connections refused, rather than left to wait")
    finally:
        for connection in connections:
            connection.close()
    running.process.wait_for(lambda line: line.startswith("connections can be accepted and opened again: failed="), "notice of the end")
    assert sum("cannot be accepted" in line for line in running.process.lines) == 1
    with Caller(running.address) as caller:
        caller.unary(ask())
    # The spare ones are back: it goes as well a second time.
    connections = connect(running.address, 60)
    try:
        eventually(lambda: sum("cannot be accepted" in line for line in running.process.lines) == 2, "the second notice")
        assert running.admin("/ready")[0] == 200
    finally:
        for connection in connections:
            connection.close()
    with Caller(running.address) as caller:
        eventually(lambda: is_good(caller), "a good call")


@pytest.mark.parametrize("words", [b"", b"GET /rea", b"GET /live HTTP/1.1\r\nhost: a\r\n\r\n"], ids=["silent", "half-a-line", "answered"])
def test_health_answers_though_others_hold_on_to_the_admin_address(gateway, backend, words):
    running = gateway(configuration(backend, workers=2, listeners=[
        {"name": "public", "address": "127.0.0.1:0", "limits": {"handshake": "60s"}}]))
    limit(running, 20)
    held = connect(running.address, 60)
    try:
        running.process.wait_for(lambda line: line.startswith("connections cannot be accepted or opened: "), "notice")
        times = []
        for _ in range(3):
            for connection in (batch := connect(running.admin_address, 20)):
                connection.send(words)
            held += batch
            for path in ("/live", "/ready", "/metrics", "/clusters"):
                began = time.monotonic()
                assert running.admin(path)[0] == 200
                times.append(time.monotonic() - began)
            held += connect(running.address, 10)
        # Silent connections are closed after two seconds. One may be slow because the machine is.
        assert sum(taken >= 2 for taken in times) <= 1
    finally:
        for connection in held:
            connection.close()
    with Caller(running.address) as caller:
        eventually(lambda: is_good(caller), "a good call")


def test_an_upstream_that_cannot_be_dialled_for_lack_of_descriptors(gateway, backend):
    # Were a check that found no descriptor held against the endpoint, it would stay unhealthy for long.
    check = {"type": "tcp", "interval": "100ms", "timeout": "5s", "unhealthy_threshold": 1, "healthy_threshold": 100}
    running = gateway(configuration(workers=1, clusters={"kinds": cluster(backend, health_check=check)}))
    with h2raw.Client(running.address) as client:
        client.ping()
        before = resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)
        # Below any descriptor that is free.
        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (3, before[1]))
        try:
            running.process.wait_for(lambda line: line.startswith("connections cannot be accepted or opened: "), "notice")
            assert client.call(UNARY).grpc_status == 14
        finally:
            resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, before)
        assert running.metrics().sum("martlet_endpoint_healthy") == 1, "what was short is not the endpoint's fault"
        eventually(lambda: client.call(UNARY).grpc_status == 0, "a good call")


@pytest.mark.parametrize("more", [
    {"outlier_detection": {"consecutive_5xx": 1, "consecutive_gateway_failure": 1, "consecutive_local_origin_failure": 1, "max_ejection_percent": "100%"}},
    {"circuit_breaker": {kind: {"ratio": "1%", "minimum_calls": 1, "window": "10s", "open": "60s"} for kind in ("errors", "endpoint_errors")}}, {}], ids=["outliers", "breaker", "plain"])
def test_what_is_short_here_counts_against_no_endpoint(gateway, backend, more):
    whole = configuration(backend, workers=1, access_log="stdout")
    whole["clusters"]["kinds"] |= more
    running = gateway(whole)
    with Caller(running.address) as caller:
        with pytest.raises(grpc.RpcError):
            # Of no service here: it opens the caller's connection, and none to the endpoint.
            caller.channel.unary_unary("/nowhere.Nothing/Call")(b"", timeout=10)
        limit(running, 3)
        holders = connect(running.address, 12)
        try:
            running.process.wait_for(lambda line: line.startswith("connections cannot be accepted or opened: "), "notice")
            for _ in range(20):
                refusal = caller.refusal(ask())
                assert refusal.code == grpc.StatusCode.UNAVAILABLE and "socket" in refusal.message, refusal
            lines = eventually(lambda: (found := running.log(lambda line: line.get("detail") == "out_of_sockets"))[19:] and found, "the lines")
            assert {line["response_flags"] for line in lines} == {"OM"}
            metrics = running.metrics()
            for name in ("martlet_endpoint_ejections_total", "martlet_circuit_open", "martlet_endpoint_circuit_open"):
                assert metrics.sum(name) in (None, 0), name
            assert not metrics.sum("martlet_upstream_events_total", event="connect_failed")
        finally:
            for connection in holders:
                connection.close()
        eventually(lambda: is_good(caller), "a good call")
        assert not running.metrics().sum("martlet_endpoint_ejections_total")


def is_good(caller):
    try:
        return caller.unary(ask("x"), timeout=5).text == "x"
    except grpc.RpcError:
        return False
