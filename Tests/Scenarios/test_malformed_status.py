"""A `grpc-status` that is no status: callers of every protocol hear UNKNOWN in words, and nothing raw is passed on."""

import json

import pytest

from harness import h2raw
from harness.h2raw import grpc_message
from harness.library import NAME, configuration_before, kinds
from harness.gateway import Gateway
from harness.web import CODES, frame, frames, post

BOOK = kinds.Book(title="t").SerializeToString()
#: Values, and what the caller is told of them.
VALUES = {
    "negative": (["-1"], '"-1"'), "empty": ([""], "empty"), "huge": (["99999999999999999999"], '"99999999999999999999"'),
    "unknown": (["17"], '"17"'), "two": (["0", "13"], '"0" and "13"'), "joined": (["0, 13"], '"0, 13"'), "word": (["OK"], '"OK"'),
}
PLACES = ["only", "trailers"]


def odd(peer, number):
    def respond(stream, fields):
        fields = dict(fields)
        said = [("grpc-status", value) for value in VALUES[fields["x-value"]][0]] + [("x-last", "yes")]
        head = [(":status", "200"), ("content-type", "application/grpc")]
        if fields["x-place"] == "only":
            return peer.headers(stream, head + said, end=True)
        peer.headers(stream, head)
        if fields["x-place"] == "trailers":
            peer.data(stream, grpc_message(BOOK))
        peer.headers(stream, said, end=True)
    peer.serve(respond)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    with h2raw.Server(odd) as server, Gateway(folder, configuration_before(server.address, folder)) as gateway:
        yield gateway


def fields(value, place, **more):
    return {"x-value": value, "x-place": place, **more}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", VALUES)
class TestCallers:
    def test_grpc(self, running, value, place):
        with h2raw.Client(running.address) as client:
            answer = client.call(f"/{NAME}/GetBook", fields=list(fields(value, place).items()))
        said = [pair for pair in [*answer.head, *(answer.trailers or [])] if pair[0] == "grpc-status"]
        assert said == [("grpc-status", "2")]
        assert VALUES[value][1] in answer.field("grpc-message").replace("%22", '"')

    def test_grpc_web(self, running, value, place):
        for version in ("http1", "http2"):
            _, _, body = post(
                running.address, version, f"/{NAME}/GetBook",
                fields(value, place, **{"content-type": "application/grpc-web+proto"}), frame(b""))
            flag, last = frames(body)[-1]
            assert flag == 0x80
            assert [line for line in last.split(b"\r\n") if line.startswith(b"grpc-status:")] == [b"grpc-status: 2"]

    def test_connect(self, running, value, place):
        for version in ("http1", "http2"):
            headers = fields(value, place, **{"content-type": "application/proto", "connect-protocol-version": "1"})
            status, _, body = post(running.address, version, f"/{NAME}/GetBook", headers, b"")
            error = json.loads(body)
            assert (status, error["code"]) == (500, "unknown") and VALUES[value][1] in error["message"]
            _, _, body = post(
                running.address, version, f"/{NAME}/WatchBooks", fields(value, place, **{"content-type": "application/connect+proto"}),
                frame(b""))
            error = json.loads(frames(body)[-1][1])["error"]
            assert error["code"] == "unknown" and VALUES[value][1] in error["message"]

    def test_rest(self, running, value, place):
        for version in ("http1", "http2"):
            status, _, body = post(running.address, version, "/v1/books/b", fields(value, place), None, "GET")
            error = json.loads(body)
            assert (status, error["code"]) == (500, 2) and VALUES[value][1] in error["message"]


def test_the_log_retries_and_outlier_detection_see_unknown(tmp_path, own):
    served = []

    def script(peer, number):
        def respond(stream, fields):
            served.append(stream)
            peer.headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
            peer.headers(stream, [("grpc-status", "-1")], end=True)
        peer.serve(respond)
    configuration = configuration_before(own(h2raw.Server(script)).address, tmp_path)
    configuration["access_log"] = "stdout"
    for route in configuration["routes"]:
        route["retry"] = {"on": ["unknown"], "attempts": 3, "non_idempotent": True}
    configuration["clusters"]["books"]["outlier_detection"] = {"consecutive_5xx": 3}
    with Gateway(tmp_path, configuration) as gateway:
        with h2raw.Client(gateway.address) as client:
            assert client.call(f"/{NAME}/GetBook").grpc_status == 2
        assert len(served) == 3
        line = gateway.wait_for_log(lambda line: line.get("grpc_status") is not None)
        assert line["grpc_status"] in (2, "UNKNOWN"), line
        assert gateway.metrics().sum("martlet_requests_total", grpc_status="UNKNOWN") == 1
        assert "eject" in gateway.admin("/clusters")[1]
