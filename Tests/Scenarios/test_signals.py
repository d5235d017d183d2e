"""What signals do to the long-running commands: those that would end a process by accident do not."""

import json
import signal
import urllib.request

import grpc
import pytest

from harness.backend import ask
from harness.caller import Caller, channel
from harness.gateway import configuration
from harness.waiting import PATIENCE, eventually

HARMLESS = [signal.SIGUSR2, signal.SIGPIPE, signal.SIGALRM, signal.SIGIO, signal.SIGVTALRM, signal.SIGPROF, signal.SIGSTKFLT, signal.SIGPWR,
            signal.SIGXFSZ, signal.SIGWINCH, signal.SIGURG, signal.SIGCHLD, signal.SIGCONT, signal.SIGRTMIN, signal.SIGRTMIN + 7, signal.SIGRTMAX]


@pytest.fixture(params=["serve", "ratelimit", "demo"])
def running(request, gateway, martlet, backend, tmp_path):
    if request.param == "serve":
        return gateway(backend)
    if request.param == "demo":
        return martlet("demo", "--listen", "127.0.0.1:0")
    file = tmp_path / "limits.yaml"
    file.write_text(json.dumps({
        "admin": {"address": "127.0.0.1:0"}, "listeners": [{"address": "127.0.0.1:0"}],
        "domains": [{"domain": "shop", "descriptors": [{"key": "user", "rate_limit": {"unit": "minute", "requests_per_unit": 100}}]}]}))
    return martlet("ratelimit", file)


def answers(running):
    if running.admin_address:
        with urllib.request.urlopen(f"http://{running.admin_address}/live", timeout=PATIENCE) as answer:
            assert answer.status == 200
    with channel(running.address) as opened:
        try:
            opened.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=PATIENCE)
        except grpc.RpcError as error:
            # The gateway serves no health of its own.
            assert error.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_signals_that_mean_nothing_here_are_ignored(running, last):
    for number in HARMLESS + [signal.SIGUSR1]:
        running.process.send(number)
    # A signal that ended it would do so before its threads go on.
    answers(running)
    assert running.process.running()
    running.process.send(last)
    assert running.process.exit_status() == 0


def test_logs_are_rotated_by_renaming_and_usr1(gateway, backend, tmp_path):
    log = tmp_path / "access.log"
    running = gateway(configuration(backend, access_log=str(log)))
    with Caller(running.address) as caller:
        caller.unary(ask("first"))
        eventually(lambda: len(log.read_text().splitlines()) == 1, "the first line")
        log.rename(tmp_path / "access.log.1")
        caller.unary(ask("second"))
        eventually(lambda: len((tmp_path / "access.log.1").read_text().splitlines()) == 2, "the second line, in the file that was moved")
        running.process.send(signal.SIGUSR1)
        running.process.wait_for(lambda line: line == "access log opened anew", "notice")
        caller.unary(ask("third"))
        eventually(lambda: log.exists() and len(log.read_text().splitlines()) == 1, "the third line, in a new file")
    assert not any("reload" in line for line in running.process.lines)


def test_a_log_that_cannot_be_opened_anew_stays(gateway, backend, tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    running = gateway(configuration(backend, access_log=str(folder / "access.log")))
    folder.rename(tmp_path / "moved")
    running.process.send(signal.SIGUSR1)
    running.process.wait_for(lambda line: line.startswith("the access log stays as it was"), "notice")
    with Caller(running.address) as caller:
        caller.unary(ask())
    eventually(lambda: (tmp_path / "moved" / "access.log").read_text().startswith("{"), "the line")


def test_a_second_term_ends_now(gateway, backend, own, tag):
    running = gateway(configuration(backend, drain={"timeout": "60s"}))
    with Caller(running.address) as caller:
        call = caller.unary_call(ask(tag=tag, hold=True))
        backend.wait_for_call(tag, "running")
        running.process.send(signal.SIGTERM)
        running.process.wait_for(lambda line: line.startswith("leaving delay="), "the drain")
        # Logs are rotated while it leaves, too.
        running.process.send(signal.SIGUSR1)
        running.process.wait_for(lambda line: line == "access log opened anew", "notice")
        assert running.process.running()
        running.process.send(signal.SIGTERM)
        assert running.process.exit_status() == 0
        call.cancel()
