"""Paths that block whoever opens them, pipes that are not read and programs that are slow: the control thread waits for none."""

import json
import os
import signal
import stat
import subprocess
import time

import pytest

from harness.backend import ask
from harness.caller import Caller
from harness.gateway import binary, configuration, run
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
    assert running.process.exit_status(within=10) == 0


def heard(reader):
    try:
        return os.read(reader, 65536).startswith(b"{")
    except BlockingIOError:
        return False


def test_a_start_is_refused_at_once_where_no_program_reads_the_log(backend, tmp_path, pipe):
    file = tmp_path / "martlet.yaml"
    file.write_text(json.dumps(configuration(backend, access_log=str(pipe))))
    result = run("serve", file, timeout=10)
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
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert serves(running)
    running.process.wait_for(lambda line: line == f"access log: written again target={pipe} lost=5", "notice of the end")
    assert running.metrics().sum("martlet_access_log_dropped_total") == 5
    assert sum("lines are lost" in line for line in running.process.lines) == 1
    os.close(reader)
    leaves(running)


def test_a_full_disk_is_told_once_and_so_is_the_room_after_it(gateway, backend, tmp_path):
    running = gateway(configuration(backend, access_log="/dev/full"))
    for _ in range(3):
        assert serves(running)
    running.process.wait_for(
        lambda line: line == 'access log: lines are lost target=/dev/full cause="No space left on device"', "notice of the loss")
    time.sleep(2.5)
    assert sum("lines are lost" in line for line in running.process.lines) == 1
    log = tmp_path / "access.log"
    running.reload(configuration(backend, access_log=str(log)))
    assert serves(running)
    running.process.wait_for(lambda line: line == f"access log: written again target={log} lost=3", "notice of the end")
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
    assert any("not a regular file" in line for line in running.process.lines)
    assert serves(running)
    leaves(running)


@pytest.mark.parametrize("command", ["check", "serve", "ratelimit"])
def test_every_command_refuses_a_pipe_as_its_configuration_at_once(pipe, command):
    result = run(command, pipe, timeout=10)
    assert result.returncode == 1
    assert f"{pipe}:1:1: cannot be read: it is not a regular file" in result.stdout + result.stderr


@pytest.fixture
def slow_protoc(tmp_path):
    """A directory for PATH whose protoc takes as long as a file is there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "protoc"
    program.write_text(f"#!/bin/sh\nwhile [ -e {tmp_path}/held ]; do /bin/sleep 0.05; done\nexec /usr/bin/protoc \"$@\"\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_a_slow_compiler_holds_up_neither_admin_nor_signals(gateway, backend, tmp_path, slow_protoc):
    (tmp_path / "protos").mkdir()
    proto = tmp_path / "protos" / "a.proto"
    proto.write_text('syntax = "proto3"; package a; message M {} service S { rpc Do(M) returns (M); }')
    whole = configuration(backend)
    whole["clusters"]["kinds"]["schema"] = {"protos": [str(tmp_path / "protos")]}
    running = gateway(whole, environment=slow_protoc)
    (tmp_path / "held").touch()
    running.process.send(signal.SIGHUP)
    time.sleep(0.3)
    for _ in range(3):
        begun = time.monotonic()
        assert serves(running) and running.admin("/ready")[0] == 200
        assert time.monotonic() - begun < 5
    assert not any("reloaded" in line for line in running.process.lines)
    # What is asked for meanwhile comes next.
    running.process.send(signal.SIGHUP)
    (tmp_path / "held").unlink()
    running.process.wait_for(lambda line: line.startswith("reloaded generation=3"), "both reloads")
    (tmp_path / "held").touch()
    running.process.send(signal.SIGHUP)
    time.sleep(0.3)
    try:
        leaves(running)
    finally:
        # The compiler outlives the gateway; nothing holds it any more.
        (tmp_path / "held").unlink()


def test_standard_error_that_is_not_read_holds_up_nothing(backend, tmp_path):
    file = tmp_path / "martlet.yaml"
    file.write_text(json.dumps(configuration(backend, access_log="off", admin={"address": f"unix:{tmp_path}/admin.sock"})))
    reading, writing = os.pipe()
    child = subprocess.Popen([binary(), "serve", file], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writing)
    os.close(writing)
    try:
        text = b""
        while b"\nready\n" not in text:
            text += os.read(reading, 65536)
        # More refusals than a pipe holds, which nobody reads.
        file.write_text(json.dumps({"listeners": [{f"unknown{number}": 1} for number in range(300)]}))
        for _ in range(10):
            child.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
    finally:
        if child.poll() is None:
            child.kill()
        os.close(reading)
