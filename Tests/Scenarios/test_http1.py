"""HTTP/1.1: callers on the gateway's listener, and REST backends behind it."""

import http.client
import json
import shutil
import socket
import subprocess
import threading

import pytest

from harness import h2raw
from harness.backend import ask
from harness.caller import Caller
from harness.certificates import server_context
from harness.gateway import Gateway, cluster, configuration, listener, open_route
from harness.waiting import eventually
from harness.web_backend import WebBackend


def web(backend, kinds=None, **more):
    """Everything goes to a REST backend, but for the gRPC service where its backend is given."""
    clusters = {"web": cluster(backend, protocol="http1")}
    routes = [{"name": "web", "cluster": "web", "allow": "anyone"}]
    if kinds:
        clusters["kinds"] = cluster(kinds)
        routes.insert(0, open_route())
    return configuration(clusters=clusters, routes=routes, **more)


@pytest.fixture(scope="module")
def rest():
    with WebBackend() as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory, backend, rest):
    with Gateway(tmp_path_factory.mktemp("http1"), web(rest, backend, workers=1)) as gateway:
        yield gateway


def place(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


def client(gateway):
    return http.client.HTTPConnection(*place(gateway.address), timeout=20)


def fetch(connection, method, path, body=None, headers={}, **options):
    connection.request(method, path, body, headers, **options)
    answer = connection.getresponse()
    return answer, answer.read()


class Raw:
    """A socket and what came on it."""

    def __init__(self, gateway, data=b""):
        self.socket = socket.create_connection(place(gateway.address), timeout=20)
        self.came = b""
        self.socket.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def until(self, fits):
        while not fits(self.came):
            piece = self.socket.recv(65536)
            assert piece, f"ended with {self.came!r}"
            self.came += piece
        return self.came

    def rest(self):
        """Everything up to the end."""
        try:
            while piece := self.socket.recv(65536):
                self.came += piece
        except ConnectionError:
            pass
        return self.came


def test_one_connection_serves_request_after_request(running, rest):
    connection = client(running)
    for number in range(5):
        answer, body = fetch(connection, "POST", f"/things?n={number}", b"x" * number, {"x-tag": str(number)})
        seen = json.loads(body)
        assert answer.status == 200 and answer.version == 11
        assert (seen["method"], seen["path"], seen["body"]) == ("POST", f"/things?n={number}", "x" * number)
        fields = {name.lower(): value for name, value in seen["fields"]}
        assert fields["x-tag"] == str(number) and fields["host"] == running.address
        assert fields["x-forwarded-for"] == "127.0.0.1" and "te" not in fields and "x-request-id" in fields
        # What Connection names was for the hop behind us.
        assert answer.getheader("x-private") is None and answer.getheader("date")
    connection.close()


@pytest.mark.parametrize("path", ["/sized", "/chunked", "/until-close", "/close"])
@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
def test_bodies_of_every_framing_come_down(running, path, size):
    connection = client(running)
    for _ in range(2):
        answer, body = fetch(connection, "GET", f"{path}?bytes={size}")
        assert answer.status == 200 and body == b"x" * size
    connection.close()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [1, 70_000, 2_000_000])
def test_bodies_of_every_framing_go_up(running, rest, chunked, size):
    connection = client(running)
    body = (b"y" * 1000 for _ in range(size // 1000)) if chunked and size > 1 else b"y" * size
    answer, text = fetch(connection, "PUT", "/up", body, encode_chunked=chunked and size > 1,
                         headers={"transfer-encoding": "chunked"} if chunked and size > 1 else {})
    assert answer.status == 200 and json.loads(text)["body"] == "y" * size
    connection.close()


@pytest.mark.parametrize("method, status, length", [
    ("HEAD", 200, "5"), ("GET", 204, None), ("GET", 304, None), ("HEAD", 404, "5"), ("OPTIONS", 204, None)])
def test_answers_without_a_body_leave_the_connection_in_order(running, method, status, length):
    connection = client(running)
    for _ in range(3):
        answer, body = fetch(connection, method, f"/none?bytes=5&status={status}")
        assert answer.status == status and body == b"" and answer.getheader("content-length") == length
    connection.close()


def test_upstream_connections_are_used_again_and_only_one_at_a_time(gateway, own):
    rest = own(WebBackend())
    running = gateway(web(rest, workers=1))
    connection = client(running)
    for _ in range(10):
        fetch(connection, "GET", "/a")
    assert rest.connections == 1
    threads = [threading.Thread(target=lambda: fetch(client(running), "GET", "/hold")) for _ in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: len([seen for seen in rest.requests if seen["path"] == "/hold"]) == 4, "four at once")
    rest.gate.set()
    for thread in threads:
        thread.join(20)
    assert len({seen["connection"] for seen in rest.requests if seen["path"] == "/hold"}) == 4
    connection.close()


def test_a_connection_that_the_backend_closes_is_not_used_again(running, rest):
    connection = client(running)
    for _ in range(5):
        answer, _ = fetch(connection, "GET", "/close")
        assert answer.status == 200
    connection.close()


BAD_ANSWERS = {
    "no-http": b"SSH-2.0-x\r\n\r\n", "bad-length": b"HTTP/1.1 200 OK\r\ncontent-length: 1x\r\n\r\nx",
    "two-lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    "length-and-chunks": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\na: b\r\n c\r\ncontent-length: 0\r\n\r\n", "upgrade": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "cut-off-head": b"HTTP/1.1 200 OK\r\ncontent-", "nothing": b"", "no-chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
    "chunk-too-long": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcX",
    "no-second-chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    "bad-trailer": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nhost: a\r\n\r\n", "bare-line-feed": b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    "too-many-fields": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 2000 + b"\r\n",
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_an_answer_that_is_none_becomes_a_refusal(running, rest, name):
    rest.raw[f"/{name}"] = BAD_ANSWERS[name]
    connection = client(running)
    answer, body = fetch(connection, "POST", f"/{name}", b"x")
    # A head that is only too large is RESOURCE_EXHAUSTED.
    assert answer.status in (502, 503) and json.loads(body)["code"] in ((8,) if name == "too-many-fields" else (13, 14))
    answer, _ = fetch(connection, "GET", "/after")
    assert answer.status == 200
    connection.close()


@pytest.mark.parametrize("raw", [
    b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"])
def test_an_answer_cut_short_is_cut_short_for_the_caller(running, rest, raw):
    rest.raw["/cut"] = raw
    connection = client(running)
    with pytest.raises((http.client.IncompleteRead, ConnectionError, ValueError)):
        fetch(connection, "GET", "/cut")
    connection.close()


def test_a_length_among_trailers_is_dropped(running, rest):
    rest.raw["/length"] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\ncontent-length: 3\r\nx-sum: 1\r\n\r\n"
    with Raw(running, b"GET /length HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n") as raw:
        came = raw.rest()
    assert came.startswith(b"HTTP/1.1 200 OK") and came.endswith(b"3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n")


def test_the_log_says_what_was_sent(gateway, own):
    rest = own(WebBackend())
    running = gateway(web(rest, access_log="stdout", workers=1))
    for number in range(8):
        path = f"/cut/{number}"
        rest.raw[path] = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n" + b"abc" * (number % 2)
        with Raw(running, f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode()) as raw:
            came = raw.rest()
        line = running.wait_for_log(lambda line: line.get("path") == path)
        assert line["status"] == (int(came.split()[1]) if came else 0), came


def test_what_follows_an_answer_is_never_anothers(running, rest):
    """A second answer behind the first must not reach the next request on that connection."""
    rest.raw["/split"] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nstolen"
    connection = client(running)
    for _ in range(3):
        assert fetch(connection, "GET", "/split")[1] == b"ok"
        assert json.loads(fetch(connection, "GET", "/mine")[1])["path"] == "/mine"
    connection.close()


def test_interim_answers_pass(running):
    with Raw(running, b"GET /informed HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n") as raw:
        came = raw.rest()
    assert came.startswith(b"HTTP/1.1 103 ") and b"link: </a>" in came and came.count(b"HTTP/1.1 200 OK") == 1


def test_pipelined_requests_are_answered_in_order(running):
    with Raw(running, b"".join(b"GET /p%d HTTP/1.1\r\nhost: a\r\n\r\n" % n for n in range(50))) as raw:
        came = raw.until(lambda came: b'"/p49"' in came)
    places = [came.index(b'"path": "/p%d"' % n) for n in range(50)]
    assert places == sorted(places)


def test_expect_is_answered_before_the_body_comes(running):
    with Raw(running, b"POST /e HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n") as raw:
        raw.until(lambda came: came == b"HTTP/1.1 100 Continue\r\n\r\n")
        raw.send(b"abc")
        assert b'"body": "abc"' in raw.until(lambda came: b'"body"' in came)


def test_what_is_refused_needs_no_body(gateway, rest):
    running = gateway(web(rest, listeners=[listener(limits={"body_bytes": "1KiB"})]))
    for fields in (b"content-length: 5000\r\nexpect: 100-continue\r\n", b"content-length: 5000\r\n"):
        with Raw(running, b"POST /e HTTP/1.1\r\nhost: a\r\n" + fields + b"\r\n") as raw:
            came = raw.rest()
        assert came.startswith(b"HTTP/1.1 413 ") and b"connection: close" in came
    with Raw(running, b"POST /e HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n1\r\ny\r\n") as raw:
        assert b" 413 " in raw.rest()


def test_an_early_answer_ends_the_connection(running):
    with Raw(running, b"POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc") as raw:
        came = raw.rest()
    assert came.startswith(b"HTTP/1.1 200 OK") and b"connection: close" in came


SMUGGLED = {
    "length-twice": b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc", "lengths-differ": b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    "length-list": b"content-length: 3, 3\r\n\r\nabc", "length-and-chunks": b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks-and-length": b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n", "length-signed": b"content-length: +3\r\n\r\nabc",
    "length-negative": b"content-length: -1\r\n\r\n", "length-hex": b"content-length: 0x3\r\n\r\nabc", "length-huge": b"content-length: 99999999999999999999\r\n\r\n",
    "length-empty": b"content-length: \r\n\r\n", "coding-unknown": b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding-twice": b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding-identity": b"transfer-encoding: identity\r\ncontent-length: 3\r\n\r\nabc", "coding-tab": b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "coding-list": b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "folded": b"x: a\r\n b\r\n\r\n", "folded-first": b" x: a\r\n\r\n", "space-before-colon": b"content-length : 3\r\n\r\nabc", "no-colon": b"rubbish\r\n\r\n",
    "no-name": b": x\r\n\r\n", "bare-line-feed": b"x: a\ny: b\r\n\r\n", "bare-return": b"x: a\rb\r\n\r\n", "nul": b"x: a\0b\r\n\r\n",
    "chunk-size-empty": b"transfer-encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n", "chunk-size-signed": b"transfer-encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
    "chunk-size-0x": b"transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", "chunk-size-huge": b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "chunk-size-space": b"transfer-encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n", "chunk-too-long": b"transfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    "chunk-line-feed": b"transfer-encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", "chunk-extension-endless": b"transfer-encoding: chunked\r\n\r\n3;" + b"a" * 9000,
    "trailer-length": b"transfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 3\r\n\r\n", "trailer-host": b"transfer-encoding: chunked\r\n\r\n0\r\nhost: b\r\n\r\n",
    "two-hosts": b"host: b\r\n\r\n", "expectation": b"expect: the-best\r\n\r\n",
}
HEADS = {
    "no-host": b"GET /x HTTP/1.1\r\n\r\n", "bad-host": b"GET /x HTTP/1.1\r\nhost: a b\r\n\r\n", "host-with-user": b"GET /x HTTP/1.1\r\nhost: u@a\r\n\r\n",
    "host-contradicts": b"GET http://b/x HTTP/1.1\r\nhost: a\r\n\r\n", "two-spaces": b"GET  /x HTTP/1.1\r\nhost: a\r\n\r\n", "tab": b"GET\t/x HTTP/1.1\r\nhost: a\r\n\r\n",
    "no-version": b"GET /x\r\nhost: a\r\n\r\n", "version-2": b"GET /x HTTP/2.0\r\nhost: a\r\n\r\n", "version-1.2": b"GET /x HTTP/1.2\r\nhost: a\r\n\r\n",
    "fragment": b"GET /x#y HTTP/1.1\r\nhost: a\r\n\r\n", "connect": b"CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n", "relative": b"GET x HTTP/1.1\r\nhost: a\r\n\r\n",
    "long-target": b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", "many-fields": b"GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n" + b"x: y\r\n" * 200 + b"\r\n",
    "dots": b"GET /a/../b HTTP/1.1\r\nhost: a\r\n\r\n", "asterisk": b"GET * HTTP/1.1\r\nhost: a\r\n\r\n",
}
HIDDEN = b"GET /hidden HTTP/1.1\r\nhost: a\r\n\r\n"


@pytest.mark.parametrize("name", [*SMUGGLED, *HEADS])
def test_what_two_readers_could_read_differently_is_refused(running, rest, name):
    data = HEADS[name] if name in HEADS else b"POST /smuggled HTTP/1.1\r\nhost: a\r\n" + SMUGGLED[name]
    with Raw(running, data + HIDDEN) as raw:
        came = raw.rest() if name not in ("dots", "asterisk") else raw.until(lambda came: b"}" in came)
    assert came.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), came
    head, _, body = came.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    if name not in ("dots", "asterisk"):
        assert b"connection: close" in head and came.count(b"HTTP/1.1 ") == 1
        assert json.loads(body)["code"] in (3, 8, 12)
    assert not any("/hidden" in seen["path"] for seen in rest.requests[-3:]) or name in ("dots", "asterisk")


def test_a_chunks_extensions_and_trailers_do_no_harm(running, rest):
    with Raw(running, b"POST /t HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nx-late: 1\r\n\r\n" + HIDDEN) as raw:
        came = raw.until(lambda came: came.count(b"HTTP/1.1 200") == 2 and came.endswith(b"}"))
    assert b'"body": "abc"' in came and "x-late" not in [name for name, _ in rest.requests[-2]["fields"]]


def test_native_grpc_over_http_1_is_told_what_to_do(running):
    answer, body = fetch(client(running), "POST", "/martlet.scenarios.v1.Kinds/Unary", b"\0" * 5, {"content-type": "application/grpc"})
    assert answer.status == 200 and body == b""
    assert answer.getheader("grpc-status") == "12" and "HTTP/2" in answer.getheader("grpc-message")


def test_native_grpc_to_a_rest_backend_is_refused(running):
    with h2raw.Client(running.address) as caller:
        answer = caller.call("/some.Service/Method")
        assert answer.grpc_status == 12 and "HTTP/1.1" in dict(answer.head)["grpc-message"]


def test_http_2_callers_reach_rest_backends(running):
    with h2raw.Client(running.address) as caller:
        stream = caller.h2.get_next_available_stream_id()
        caller.headers(stream, [(":method", "GET"), (":scheme", "http"), (":path", "/chunked?bytes=200000"), (":authority", "a")], end=True)
        answer = caller.answer(stream)
        assert answer.status == 200 and bytes(answer.body) == b"x" * 200_000


def test_both_versions_on_one_port_in_cleartext_and_under_tls(gateway, backend, rest, server_identity, pki):
    running = gateway(web(rest, backend, identity=server_identity))
    for alpn in (("http/1.1",), ()):
        connection = http.client.HTTPSConnection(*place(running.address), context=pki.client_context(alpn=alpn), timeout=20)
        assert json.loads(fetch(connection, "GET", "/tls")[1])["path"] == "/tls"
        assert connection.sock.selected_alpn_protocol() == (alpn[0] if alpn else None)
        connection.close()
    with Caller(running.address, ca=pki) as caller:
        assert caller.unary(ask("x")).text == "x"


def test_curl_speaks_either(running):
    if not shutil.which("curl"):
        pytest.skip("no curl here")
    for option in ("--http1.1", "--http1.0", "--http2-prior-knowledge"):
        done = subprocess.run(["curl", "-sS", "-f", option, "-d", "x=1", f"http://{running.address}/curl"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0 and json.loads(done.stdout)["body"] == "x=1", done.stderr


def test_a_log_line_and_the_counters_say_which_version(running):
    fetch(client(running), "GET", "/logged")
    line = running.wait_for_log(lambda line: line.get("path") == "/logged")
    assert line["protocol"] == "HTTP/1.1" and line["status"] == 200 and line["cluster"] == "web"


def test_a_slow_head_and_an_idle_connection_are_ended(gateway, rest):
    running = gateway(web(rest, listeners=[listener(limits={"handshake": "2s", "idle": "2s"})]))
    with Raw(running, b"GET /slow HTTP/1.1\r\nhost:") as raw:
        assert raw.rest().startswith(b"HTTP/1.1 408 ")
    with Raw(running, b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n") as raw:
        assert raw.rest().count(b"HTTP/1.1 200") == 1


def test_draining_closes_idle_connections_and_lets_others_finish(gateway, own):
    rest = own(WebBackend())
    # One worker, which tells the busy one when it ends the idle one.
    running = gateway(web(rest, workers=1, drain={"timeout": "30s"}))
    with Raw(running, b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n") as idle, Raw(running, b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n") as busy:
        idle.until(lambda came: b"}" in came)
        eventually(lambda: any(seen["path"] == "/hold" for seen in rest.requests), "the held request")
        running.process.send(15)
        assert idle.rest().count(b"HTTP/1.1") == 1
        rest.gate.set()
        came = busy.rest()
        assert came.startswith(b"HTTP/1.1 200 ") and b"connection: close" in came and came.endswith(b"}")


def test_backends_under_tls(gateway, own, server_identity, pki):
    rest = own(WebBackend(tls=server_context(server_identity, alpn=("http/1.1",))))
    clusters = {"web": cluster(rest, protocol="http1", tls={"ca": str(pki.file), "server_name": "localhost"})}
    running = gateway(configuration(clusters=clusters, routes=[{"name": "web", "cluster": "web", "allow": "anyone"}]))
    assert json.loads(fetch(client(running), "GET", "/secure")[1])["path"] == "/secure"
