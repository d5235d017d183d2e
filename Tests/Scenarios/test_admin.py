"""The admin address: ready, live and metrics, over HTTP/1.1 and HTTP/2."""

import http.client
import socket
import subprocess
import sys

import pytest

from harness import h2raw
from harness.backend import ask
from harness.caller import Caller
from harness.gateway import SERVICE, authentication, configuration, open_route
from harness.waiting import eventually


@pytest.fixture
def running(gateway, backend, signing_key):
    return gateway(configuration(
        backend, workers=2, authentication=authentication(signing_key), routes=[
            open_route(headers={"x-limited": "1"}, name="limited", limits=["2/day"]), open_route(headers={"x-open": "1"}, name="open"),
            {"name": "closed", "service": SERVICE, "cluster": "kinds"}]))


@pytest.mark.parametrize("path", ["/ready", "/live", "/metrics"])
def test_pages_over_http_1_and_2(running, path):
    status, text = running.admin(path)
    assert status == 200 and text
    with h2raw.Client(running.admin_address) as client:
        answer = client.call(path, None, method="GET")
        assert answer.status == 200 and answer.body


def test_http_1_1_as_strict_as_it_should_be(running):
    host, port = running.admin_address.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    for path, status in (("/live", 200), ("/nothing", 404), ("/live", 200)):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status, "the connection is kept"
    connection.request("HEAD", "/metrics")
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read() == b""
    connection.request("POST", "/ready")
    answer = connection.getresponse()
    assert answer.status == 405 and "GET" in answer.getheader("allow")


@pytest.mark.parametrize("request_text", [
    b"GET /live\r\n\r\n", b"GET  /live HTTP/1.1\r\nhost: a\r\n\r\n", b"GET /live HTTP/1.1\r\n\r\n", b"GET /live HTTP/1.1\r\nhost : a\r\n\r\n",
    b"GET /live HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", b"GET /live HTTP/1.1\nhost: a\n\n", b"GET /live HTTP/9.9\r\nhost: a\r\n\r\n",
    b"POST /live HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /live HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\nx", b"GET /live HTTP/1.1\r\nhost: a\r\n folded: x\r\n\r\n",
    b"\x00" * 50 + b"\r\n\r\n", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n" + b"x: y\r\n" * 5000 + b"\r\n"],
    ids=["0.9", "spaces", "no-host", "space-before-colon", "two-hosts", "bare-lf", "version", "both-lengths", "plus", "folded", "zeros",
         "long-line", "many-fields"])
def test_malformed_http_1_1_ends_only_its_own_connection(running, request_text):
    host, port = running.admin_address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        try:
            connection.sendall(request_text)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionError:
            answer = b""
    assert answer == b"" or answer.split()[1][:1] in (b"4", b"5"), answer[:100]
    assert running.admin("/live")[0] == 200


def test_calls_are_counted_by_route_method_and_status(running, signing_key):
    with Caller(running.address) as caller:
        for _ in range(5):
            caller.unary(ask(), metadata=[("x-open", "1")])
        for _ in range(3):
            caller.refusal(ask(fail_code=9), metadata=[("x-open", "1")])
        for _ in range(2):
            caller.refusal(ask())

    def counted():
        metrics = running.metrics()
        name = next(name for name in metrics.names() if name.endswith("requests_total") and "upstream" not in name)
        return (metrics.sum(name, route="open", grpc_status="OK") or metrics.sum(name, route="open", grpc_status="0")) == 5 \
            and (metrics.sum(name, route="open", grpc_status="FAILED_PRECONDITION") or metrics.sum(name, route="open", grpc_status="9")) == 3 \
            and (metrics.sum(name, route="closed", grpc_status="UNAUTHENTICATED") or metrics.sum(name, route="closed", grpc_status="16")) == 2
    eventually(counted, "the counts")
    metrics = running.metrics()
    histogram = next(name for name in metrics.names() if name.endswith("_bucket"))
    assert metrics.sum(histogram, route="open", le="+Inf") == 8
    assert metrics.sum(histogram.replace("_bucket", "_count"), route="open") == 8


def test_what_else_is_counted(running, signing_key):
    """Connections, upstream, limits and authentication all have their families."""
    with Caller(running.address, token=signing_key.token()) as caller:
        for _ in range(4):
            caller.unary(ask())
            try:
                caller.unary(ask(), metadata=[("x-limited", "1")])
            except Exception:
                pass
    names = running.metrics().names()
    for word in ("connections", "upstream", "limit", "authentication"):
        assert any(word in name for name in names), f"no family about {word} in {sorted(names)}"


def test_methods_that_callers_make_up_do_not_grow_it_without_end(running):
    with h2raw.Client(running.address) as client:
        for number in range(1000):
            client.call(f"/{SERVICE}/MadeUp{number}", fields=[("x-open", "1")])
    series = {labels.get("method") for _, labels, _ in running.metrics().samples}
    assert len(series) < 300


def test_methods_have_their_service_and_one_that_is_called_later_its_own_series(gateway, backend):
    running = gateway(backend, workers=1)
    with h2raw.Client(running.address) as client:
        for number in range(300):
            client.call(f"/grpc.health.v{number}/Check")
        for _ in range(30):
            client.call(f"/{SERVICE}/Unary")
    assert running.metrics().sum("martlet_requests_total", method=f"{SERVICE}/Unary") >= 20


def test_the_exposition_is_what_prometheus_reads(running):
    text = running.metrics().text
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families)), "each family once"
    assert all(line.split()[3] in ("counter", "gauge", "histogram") for line in text.splitlines() if line.startswith("# TYPE"))
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name = line.split("{")[0].split(" ")[0]
            assert any(name == family or name in (f"{family}_bucket", f"{family}_sum", f"{family}_count") for family in families), line


@pytest.mark.parametrize("words", [
    b"", b"GET /live HTT", b"GET /metrics HTTP/1.1\r\nhost: a\r\n", b"POST /live HTTP/1.1\r\nhost: a\r\ncontent-length: 99\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n" * 50],
    ids=["silent", "half-a-line", "half-a-head", "no-body", "preface", "unread"])
def test_connections_that_hold_on_keep_no_probe_out(running, words):
    host, port = running.admin_address.split(":")
    held = []
    try:
        for _ in range(150):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(10)
            connection.connect((host, int(port)))
            try:
                connection.sendall(words)
            except OSError:
                pass
            held.append(connection)
            if len(held) % 50 == 0:
                assert running.admin("/live")[0] == 200
        for path in ("/live", "/ready", "/metrics"):
            assert running.admin(path)[0] == 200
    finally:
        for connection in held:
            connection.close()


FLOOD = """
import collections, socket, sys, time
host, port, words, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), float(sys.argv[4])
held, end = collections.deque(), time.monotonic() + seconds
print("begun", flush=True)
for _ in range(60_000):
    if time.monotonic() > end:
        break
    connection = socket.socket()
    connection.setblocking(False)
    connection.connect_ex((host, port))
    held.append(connection)
    try:
        held[-min(50, len(held))].send(words)
    except OSError:
        pass
    if len(held) > 500:
        held.popleft().close()
"""


@pytest.mark.parametrize("words", ["", "GET /rea"], ids=["silent", "half-a-line"])
def test_a_flood_of_connections_resets_no_probe(running, words):
    flood = subprocess.Popen([sys.executable, "-c", FLOOD, *running.admin_address.split(":"), words, "3"], stdout=subprocess.PIPE)
    try:
        flood.stdout.readline()
        for _ in range(40):
            assert running.admin("/ready")[0] == 200
    finally:
        flood.kill()
        flood.wait()
    assert running.admin("/ready")[0] == 200
