"""What the figures of a run hold for."""

import os
import platform
from pathlib import Path


def machine() -> dict:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "system": _system(),
            "load": os.getloadavg()}


def on_which_machine(machine: dict) -> str:
    return f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, Linux {machine['kernel']}"


def _system():
    release = platform.freedesktop_os_release()
    return release.get("PRETTY_NAME", release["NAME"])
