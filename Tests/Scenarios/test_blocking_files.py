"""Paths that block whoever opens them, pipes that are not read and programs that are slow: the control thread waits for none."""

import fcntl
import json
import os
import signal
import stat
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from harness.backend import ask
from harness.caller import Caller
from harness.gateway import binary, configuration, run
from harness.processes import Process
from harness.service_manager import ServiceManager
from harness.waiting import eventually


def serves(running):
    with Caller(running.address) as caller:
        caller.unary(ask())
    return running.admin("/live")[0] == 200


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "access.fifo")
    return tmp_path / "access.fifo"


def leaves(running):
    running.process.send(signal.SIGTERM)
    assert running.process.exit_status() == 0


def lost(running, count):
    eventually(lambda: running.metrics().sum("martlet_access_log_dropped_total") == count, "the lines that are lost")


def heard(reader):
    try:
        return os.read(reader, 65536).startswith(b"{")
    except BlockingIOError:
        return False


def test_a_start_is_refused_at_once_where_no_program_reads_the_log(backend, tmp_path, pipe):
    file = tmp_path / "martlet.yaml"
    file.write_text(json.dumps(configuration(backend, access_log=str(pipe))))
    result = run("serve", file)
    assert result.returncode == 1
    assert f"the access log cannot be opened: {pipe}: no program has the named pipe open for reading" in result.stderr


def test_a_reload_keeps_the_open_log_where_no_program_reads_the_new_one(gateway, backend, tmp_path, pipe):
    log = tmp_path / "access.log"
    running = gateway(configuration(backend, access_log=str(log)))
    assert serves(running)
    running.reload(configuration(backend, access_log=str(pipe)), expect="the access log stays as it was")
    assert serves(running) and running.admin("/ready")[0] == 200
    eventually(lambda: len(log.read_text().splitlines()) == 2, "both lines in the log from before")
    # Later there is a reader: USR1 is enough.
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    running.process.send(signal.SIGUSR1)
    running.process.wait_for(lambda line: line == "access log opened anew", "notice")
    assert serves(running)
    eventually(lambda: heard(reader), "a line in the pipe")
    os.close(reader)
    leaves(running)


def test_a_reader_that_goes_is_told_once_and_so_is_its_successor(gateway, backend, pipe):
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    running = gateway(configuration(backend, access_log=str(pipe)))
    assert serves(running)
    eventually(lambda: heard(reader), "the first line")
    os.close(reader)
    for _ in range(5):
        assert serves(running)
    running.process.wait_for(lambda line: line == f'access log: lines are lost target={pipe} cause="Broken pipe"', "notice of the loss")
    lost(running, 5)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert serves(running)
    running.process.wait_for(lambda line: line == f"access log: written again target={pipe} lost=5", "notice of the end")
    assert running.metrics().sum("martlet_access_log_dropped_total") == 5
    assert sum("lines are lost" in line for line in running.process.lines) == 1
    os.close(reader)
    leaves(running)


def test_a_full_disk_is_told_once_and_so_is_the_room_after_it(gateway, backend, tmp_path):
    endpoints = tmp_path / "endpoints.yaml"
    endpoints.write_text(f"- {backend.address}\n")
    clusters = {"kinds": {"endpoints": {"file": str(endpoints)}}}
    running = gateway(configuration(clusters=clusters, access_log="/dev/full"))
    for _ in range(3):
        assert serves(running)
    running.process.wait_for(
        lambda line: line == 'access log: lines are lost target=/dev/full cause="No space left on device"', "notice of the loss")
    assert serves(running)
    lost(running, 4)
    # The tick that looks for changed files looks for lost lines besides.
    endpoints.write_text(f"- {{ address: \"{backend.address}\" }}\n")
    running.process.wait_for(lambda line: line.startswith("reloaded generation=2"), "the changed file")
    log = tmp_path / "access.log"
    running.reload(configuration(clusters=clusters, access_log=str(log)), expect="reloaded generation=3")
    assert serves(running)
    running.process.wait_for(lambda line: line == f"access log: written again target={log} lost=4", "notice of the end")
    assert sum("lines are lost" in line for line in running.process.lines) == 1
    assert len(log.read_text().splitlines()) == 1


@pytest.mark.parametrize("section", ["certificate", "key set", "secret", "descriptors", "protos", "configuration"])
def test_a_pipe_in_the_place_of_any_file_is_refused_at_once(gateway, backend, tmp_path, pipe, server_identity, section):
    running = gateway(backend)
    bad = configuration(backend)
    if section == "certificate":
        bad["listeners"][0]["tls"] = {"certificate": str(pipe), "private_key": str(server_identity.private_key)}
    elif section == "key set":
        bad["authentication"] = {"issuers": [{"issuer": "https://a.test", "audiences": ["a"], "jwks": str(pipe)}]}
    elif section == "secret":
        bad["rate_limits"] = {"store": "redis://127.0.0.1:1", "password": f"file:{pipe}"}
    elif section == "descriptors":
        bad["clusters"]["kinds"]["schema"] = {"descriptors": [str(pipe)]}
    elif section == "protos":
        (tmp_path / "protos").mkdir()
        os.mkfifo(tmp_path / "protos" / "a.proto")
        bad["clusters"]["kinds"]["schema"] = {"protos": [str(tmp_path / "protos")]}
    if section == "configuration":
        running.file.unlink()
        os.mkfifo(running.file)
        running.process.send(signal.SIGHUP)
        running.process.wait_for(lambda line: "reload refused" in line, "refusal")
    else:
        running.reload(bad, expect="reload refused")
    running.process.wait_for(lambda line: "not a regular file" in line, "the reason")
    assert serves(running)
    leaves(running)


@pytest.mark.parametrize("command", ["check", "serve", "ratelimit"])
def test_every_command_refuses_a_pipe_as_its_configuration_at_once(pipe, command):
    result = run(command, pipe)
    assert result.returncode == 1
    assert f"{pipe}:1:1: cannot be read: it is not a regular file" in result.stdout + result.stderr


class SlowCompiler:
    """A directory for PATH whose protoc waits at a gate where it is held, once it has said who it is."""

    def __init__(self, folder):
        self._gate, self._held, self._begun = folder / "gate", folder / "held", folder / "begun"
        os.mkfifo(self._gate)
        self._begun.touch()
        (folder / "bin").mkdir()
        program = folder / "bin" / "protoc"
        program.write_text(
            f'#!/bin/sh\nif [ -e {self._held} ]; then echo $$ >> {self._begun}; read line < {self._gate}; fi\nexec /usr/bin/protoc "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}"}

    def hold(self):
        self._held.touch()

    def begun(self, count):
        """The process id of the compiler that is held as the `count`th."""
        return int(eventually(lambda: self._begun.read_text().splitlines()[count - 1:count], "a compiler")[0])

    def let_go(self):
        self._held.unlink()
        # Opened when the compiler opens its end.
        self._gate.open("w").close()


def is_gone(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def compiling(backend, tmp_path):
    """A configuration with something to compile."""
    (tmp_path / "protos").mkdir()
    proto = tmp_path / "protos" / "a.proto"
    proto.write_text('syntax = "proto3"; package a; message M {} service S { rpc Do(M) returns (M); }')
    whole = configuration(backend)
    whole["clusters"]["kinds"]["schema"] = {"protos": [str(tmp_path / "protos")]}
    return whole


def test_a_slow_compiler_holds_up_neither_admin_nor_signals(gateway, compiling, tmp_path):
    compiler = SlowCompiler(tmp_path)
    running = gateway(compiling, environment=compiler.environment)
    compiler.hold()
    running.process.send(signal.SIGHUP)
    compiler.begun(1)
    for _ in range(3):
        assert serves(running) and running.admin("/ready")[0] == 200
    assert not any("reloaded" in line for line in running.process.lines)
    # What is asked for meanwhile comes next.
    running.process.send(signal.SIGHUP)
    compiler.let_go()
    running.process.wait_for(lambda line: line.startswith("reloaded generation=3"), "both reloads")
    # One that still runs when the gateway leaves ends with it.
    compiler.hold()
    running.process.send(signal.SIGHUP)
    last = compiler.begun(2)
    leaves(running)
    eventually(lambda: is_gone(last), "the compiler's end")


def test_a_compiler_that_still_runs_when_a_start_is_given_up_ends_too(compiling, own, tmp_path):
    compiler = SlowCompiler(tmp_path)
    compiler.hold()
    file = tmp_path / "martlet.yaml"
    file.write_text(json.dumps(compiling))
    starting = own(Process([binary(), "serve", file], environment=compiler.environment))
    first = compiler.begun(1)
    starting.send(signal.SIGTERM)
    starting.exit_status()
    eventually(lambda: is_gone(first), "the compiler's end")


def test_standard_error_that_is_not_read_holds_up_nothing(backend, tmp_path):
    file = tmp_path / "martlet.yaml"
    file.write_text(json.dumps(configuration(backend, access_log="off", admin={"address": f"unix:{tmp_path}/admin.sock"})))
    manager = ServiceManager(f"{tmp_path}/notify")
    reading, writing = os.pipe()
    child = subprocess.Popen(
        [binary(), "serve", file], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writing,
        env={**os.environ, "NOTIFY_SOCKET": f"{tmp_path}/notify"})
    os.close(writing)
    try:
        text = b""
        while b"\nready\n" not in text:
            text += os.read(reading, 65536)
        # More refusals than a pipe holds, which nobody reads.
        file.write_text(json.dumps({"listeners": [{f"unknown{number}": 1} for number in range(300)]}))
        for _ in range(10):
            child.send_signal(signal.SIGHUP)
            manager.wait_for("STATUS", "reload refused")
        unread, = struct.unpack("i", fcntl.ioctl(reading, termios.FIONREAD, bytes(4)))
        assert unread > fcntl.fcntl(reading, fcntl.F_GETPIPE_SZ) / 2, "it is full"
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    finally:
        if child.poll() is None:
            child.kill()
        os.close(reading)
