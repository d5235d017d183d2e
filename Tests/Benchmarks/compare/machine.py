"""What the figures of a run hold for."""

import os
import platform
from pathlib import Path

from harness.peer import version_of


def machine() -> dict:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "system": _system(),
            "load": os.getloadavg()}


def libraries() -> dict:
    """What Martlet and the Debian peers are linked with, and the load generator."""
    return {"OpenSSL": version_of("openssl", "version"), "nghttp2": version_of("pkg-config", "--modversion", "libnghttp2"),
            "h2load": version_of("h2load", "--version")}


def on_which_machine(machine: dict) -> str:
    return f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, Linux {machine['kernel']}"


def _system():
    release = platform.freedesktop_os_release()
    return release.get("PRETTY_NAME", release["NAME"])
