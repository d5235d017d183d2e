"""systemd, played by a socket of our own, and the unit that is given with the program."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness.gateway import ROOT, configuration
from harness.service_manager import ServiceManager


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_start_reload_refusal_and_end_are_told(gateway, backend, tmp_path, kind):
    name = f"{tmp_path}/notify" if kind == "path" else f"@martlet-test-{os.getpid()}-{time.monotonic_ns()}"
    manager = ServiceManager(name)
    running = gateway(configuration(backend), environment={"NOTIFY_SOCKET": name})
    assert manager.next() == {"READY": "1", "STATUS": "serving generation=1"}

    asked = time.monotonic_ns() // 1000
    running.reload(configuration(backend))
    message = manager.next()
    assert message["RELOADING"] == "1" and asked <= int(message["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert manager.next() == {"READY": "1", "STATUS": "reloaded generation=2"}

    running.reload({"listeners": []}, expect="reload refused")
    assert manager.next()["RELOADING"] == "1"
    message = manager.next()
    assert message["READY"] == "1" and message["STATUS"].startswith("reload refused")

    running.process.send(signal.SIGTERM)
    assert manager.wait_for("STOPPING")["STOPPING"] == "1"
    assert running.process.exit_status() == 0


def test_the_rate_limit_service_tells_too(martlet, tmp_path):
    file = tmp_path / "limits.yaml"
    file.write_text('{"admin": {"address": "127.0.0.1:0"}, "listeners": [{"address": "127.0.0.1:0"}], "domains": [{"domain": "shop"}]}')
    manager = ServiceManager(f"{tmp_path}/notify")
    running = martlet("ratelimit", file, environment={"NOTIFY_SOCKET": f"{tmp_path}/notify"})
    assert manager.next()["READY"] == "1"
    running.process.send(signal.SIGHUP)
    assert manager.next()["RELOADING"] == "1"
    assert manager.next() == {"READY": "1", "STATUS": "reloaded"}
    running.process.send(signal.SIGTERM)
    assert manager.next()["STOPPING"] == "1"


@pytest.mark.parametrize("name", ["/nowhere/notify", "relative", "vsock:2:1", "@"])
def test_a_manager_that_is_not_there_changes_nothing(gateway, backend, name):
    running = gateway(configuration(backend), environment={"NOTIFY_SOCKET": name})
    assert running.admin("/ready")[0] == 200


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_unit_is_one(tmp_path):
    unit = (Path(ROOT) / "Deploy/systemd/martlet.service").read_text().replace("/usr/bin/martlet", "/bin/true")
    (tmp_path / "martlet.service").write_text(unit)
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "martlet.service"], capture_output=True, text=True, timeout=60)
    complaints = [line for line in result.stderr.splitlines() if "martlet.service" in line]
    assert result.returncode == 0 and not complaints, result.stderr
