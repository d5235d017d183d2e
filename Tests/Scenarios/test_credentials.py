"""Bad bearer tokens where anyone may call: however they are written, they are refused, and counted."""

import http.client

import pytest

from harness import h2raw
from harness.gateway import SERVICE, Gateway, authentication, cluster, configuration, open_route
from harness.web import Connect, Web, frame
from harness.web_backend import WebBackend

HIDDEN = [["Basic x", "Bearer bad"], ["Bearer bad", "Basic x"], ["", "Bearer bad"], ["Bearer bad", ""], ["Basic x, Bearer bad"], ["Basic x,Bearer bad"],
          ["Bearer\tbad"], ["bEARER bad"], ["Bearer"], ["Bearer bad=="], ["Bearer a.b.c"], [", Bearer bad"], ["Basic x Bearer bad"],
          ["Basic x; Bearer bad"], ["Basic x", "Basic y"], ['"Bearer bad"'], ["Bearer bad, Bearer bad"]]
HARMLESS = [[], [""], ["Basic dXNlcjpwYXNz"], ['Digest username="x", realm="y"']]


def http1(address, path, head, body, values, method="POST"):
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    try:
        connection.putrequest(method, path)
        for name, value in [*head.items(), *(("authorization", value) for value in values), ("content-length", str(len(body)))]:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


@pytest.fixture
def running(gateway, backend, own, signing_key):
    rest = own(WebBackend())
    routes = [open_route(), {"name": "web", "path": "/web/*", "cluster": "web", "allow": "anyone"}]
    whole = configuration(clusters={"kinds": cluster(backend), "web": cluster(rest, protocol="http1")}, routes=routes,
                          authentication={**authentication(signing_key), "failed_logins": "1000/s burst 1000"})
    return gateway(whole), rest


@pytest.mark.parametrize("values", HIDDEN + HARMLESS, ids=repr)
def test_on_every_protocol(running, values):
    gateway, rest = running
    is_bad = values in HIDDEN
    with h2raw.Client(gateway.address) as client:
        for body in (frame(b""), frame(b"")):
            fields = [("content-type", "application/grpc"), *(("authorization", value) for value in values)]
            assert client.call(f"/{SERVICE}/Unary", body, fields=fields).grpc_status == (16 if is_bad else 0)
    for protocol in (Web(False), Web(True), Connect(True), Connect(False)):
        head, body = protocol.request([b""])
        assert protocol.read(*http1(gateway.address, f"/{SERVICE}/Unary", head, body, values)).code == (16 if is_bad else 0)
    assert http1(gateway.address, "/web/a", {}, b"", values, "GET")[0] == (401 if is_bad else 200)
    seen = [value for request in rest.requests for name, value in request["fields"] if name.lower() == "authorization"]
    assert seen == ([] if is_bad else values)


@pytest.mark.parametrize("values", HIDDEN, ids=repr)
def test_failed_logins_count_them(tmp_path, own, signing_key, values):
    rest = own(WebBackend())
    whole = configuration(clusters={"web": cluster(rest, protocol="http1")}, workers=1,
                          routes=[{"name": "web", "cluster": "web", "allow": "anyone"}],
                          authentication={**authentication(signing_key), "failed_logins": "1/s burst 5"})
    with Gateway(tmp_path, whole) as gateway:
        statuses = [http1(gateway.address, "/a", {}, b"", values, "GET")[0] for _ in range(12)]
        assert statuses[:5] == [401] * 5 and 429 in statuses[5:] and set(statuses) == {401, 429}
        assert http1(gateway.address, "/a", {}, b"", [], "GET")[0] == 200
    assert len(rest.requests) == 1
