"""Why no connection to an endpoint came about, as `upstream_transport_failure_reason` in the access log tells it."""

import socket
import struct
import threading

import grpc
import pytest

from harness.backend import ask
from harness.caller import Caller
from harness.certificates import Authority, server_context
from harness.gateway import cluster, configuration


@pytest.fixture
def listening():
    """What takes connections and does with each what it is told to."""
    opened = []

    def listen(each):
        server = socket.create_server(("127.0.0.1", 0))
        opened.append(server)

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                each(connection)
        threading.Thread(target=serve, daemon=True).start()
        return "127.0.0.1:%d" % server.getsockname()[1]
    yield listen
    for server in opened:
        server.close()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def reset_when_spoken_to(connection):
    connection.recv(1)
    reset(connection)


def reason(gateway, folder, address, tls):
    settings = {}
    if tls:
        authority = Authority(folder)
        settings = {"tls": {"ca": str(authority.file), "server_name": "localhost"}}
    running = gateway(configuration(clusters={"kinds": cluster(address, **settings)}, access_log="stdout", workers=1))
    with Caller(running.address) as caller:
        refusal = caller.refusal(ask())
    assert refusal.code == grpc.StatusCode.UNAVAILABLE
    line = running.wait_for_log(lambda line: "status" in line)
    assert (line["response_flags"], line["detail"]) == ("UF", "upstream_connection_failure")
    return line.get("upstream_transport_failure_reason")


@pytest.mark.parametrize("tls", [False, True], ids=["cleartext", "tls"])
def test_refused(gateway, tmp_path, tls):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "127.0.0.1:%d" % server.getsockname()[1]
    assert reason(gateway, tmp_path, address, tls) == "Connection refused"


def test_an_endpoint_that_does_not_speak_tls(gateway, tmp_path, backend):
    assert "wrong version number" in reason(gateway, tmp_path, backend.address, True)


def test_a_certificate_of_another_authority(gateway, tmp_path, listening):
    (tmp_path / "other").mkdir()
    context = server_context(Authority(tmp_path / "other", "Other CA").issue("server", ["localhost"]))

    def shake(connection):
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:
            pass
    assert "unable to get local issuer certificate" in reason(gateway, tmp_path, listening(shake), True)


@pytest.mark.parametrize("each, words", [(reset_when_spoken_to, "Connection reset by peer"), (lambda connection: (connection.recv(4096), connection.close()), None)],
                         ids=["reset", "closed"])
def test_an_end_within_the_handshake(gateway, tmp_path, listening, each, words):
    found = reason(gateway, tmp_path, listening(each), True)
    assert found == words if words else found


def test_a_reset_before_the_endpoint_has_said_a_word(gateway, tmp_path, listening):
    assert reason(gateway, tmp_path, listening(reset_when_spoken_to), False) == "Connection reset by peer"
