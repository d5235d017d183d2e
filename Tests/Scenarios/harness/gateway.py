"""`martlet` as a process: the gateway, the rate-limit service, the demo backend and the short commands."""

import json
import os
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

from .processes import Process, parse_pairs
from .waiting import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[3]


def binary():
    """The program under test: MARTLET_BINARY, or what `swift build` left."""
    said = os.environ.get("MARTLET_BINARY")
    return Path(said) if said else ROOT / ".build" / "debug" / "martlet"


_CRASHES = {signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV}


class Martlet:
    """A long-running command, once it said `ready`."""

    def __init__(self, *words, cpus=None, environment=None, name="martlet"):
        self.process = Process([binary(), *words], cpus=cpus, environment=environment, name=name)
        self.listeners, self.admin_address = {}, None
        try:
            self.process.wait_for(lambda line: line.strip() == "ready", "ready")
        except AssertionError:
            self.process.stop()
            raise
        for line in list(self.process.lines):
            if line.startswith("listening "):
                pairs = parse_pairs(line)[1]
                self.listeners[pairs.get("name", str(len(self.listeners)))] = pairs["address"]
            elif line.startswith("admin "):
                self.admin_address = parse_pairs(line)[1]["address"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        status = self.stop()
        # Whatever the scenario looked at, a crash is a failure: at the end, too.
        assert -status not in _CRASHES, f"{self.process.name} crashed with {signal.Signals(-status).name}:\n{self.process.output()}"

    @property
    def address(self):
        """The first listener's."""
        return next(iter(self.listeners.values()))

    def stop(self):
        if self.process.running():
            # The second SIGTERM ends a drain at once: a scenario that is over waits for nobody.
            self.process.send(signal.SIGTERM)
            self.process.send(signal.SIGTERM)
        return self.process.stop()


class Gateway(Martlet):
    """`martlet serve` with this configuration (a dictionary, or text)."""

    def __init__(self, folder, configuration, **options):
        self.file = Path(folder) / "martlet.yaml"
        self.write(configuration)
        super().__init__("serve", self.file, name="gateway", **options)

    def write(self, configuration):
        text = configuration if isinstance(configuration, str) else json.dumps(configuration, indent=1)
        self.file.write_text(text)

    def reload(self, configuration, *, expect="reloaded"):
        """SIGHUP with this configuration; returns the line that says what became of it."""
        before = len(self.process.lines)
        self.write(configuration)
        self.process.send(signal.SIGHUP)
        return self.process.wait_for(lambda line: expect in line, f"line with {expect!r}", start=before)

    def admin(self, path):
        """Status and text of an admin page."""
        try:
            with urllib.request.urlopen(f"http://{self.admin_address}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()

    def metrics(self):
        return Metrics(self.admin("/metrics")[1])

    def log(self, fits=lambda line: True):
        """Access-log lines so far, as dictionaries."""
        lines = []
        for line in list(self.process.stdout_lines):
            if line.startswith("{"):
                entry = json.loads(line)
                if fits(entry):
                    lines.append(entry)
        return lines

    def wait_for_log(self, fits, what="access-log line"):
        return eventually(lambda: self.log(fits), what)[0]


class Metrics:
    """One reading of /metrics, by name and labels."""

    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if line and not line.startswith("#"):
                match = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?', line)
                assert match, f"not in the exposition format: {line!r}"
                labels = dict(re.findall(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"', match[2] or ""))
                self.samples.append((match[1], labels, float(match[3])))

    def sum(self, name, **labels):
        """Of all samples of this name that have these labels; None if there are none."""
        found = [value for sample, has, value in self.samples
                 if sample == name and all(has.get(label) == value for label, value in labels.items())]
        return sum(found) if found else None

    def names(self):
        return {name for name, _, _ in self.samples}


def run(*words, input=None, environment=None, folder=None, timeout=60):
    """A short command: its CompletedProcess, with text."""
    return subprocess.run(
        [str(binary()), *map(str, words)], input=input, capture_output=True, text=True, cwd=folder, timeout=timeout,
        env={**os.environ, **(environment or {})})


# What a scenario's configuration is made of. Every part is what DESIGN.md's language says, as a dictionary.

SERVICE = "martlet.scenarios.v1.Kinds"


def listener(identity=None, **more):
    entry = {"name": "public", "address": "127.0.0.1:0", **more}
    if identity:
        entry["tls"] = {"certificate": str(identity.certificate), "private_key": str(identity.private_key),
                        **entry.get("tls", {})}
    return entry


def cluster(*endpoints, **more):
    return {"endpoints": [getattr(endpoint, "address", endpoint) for endpoint in endpoints], **more}


def open_route(cluster="kinds", **more):
    """A route for everybody."""
    return {"name": "kinds", "service": SERVICE, "cluster": cluster, "allow": "anyone", **more}


def configuration(*endpoints, listeners=None, routes=None, clusters=None, identity=None, **more):
    """The smallest gateway before these endpoints, and whatever is said otherwise."""
    return {
        "admin": {"address": "127.0.0.1:0"},
        "listeners": listeners or [listener(identity)],
        "clusters": clusters or {"kinds": cluster(*endpoints)},
        "routes": routes or [open_route()],
        **more,
    }


def authentication(*keys_or_file, issuer=None, audiences=None, **more):
    """One issuer with these keys inline (or a file, or an address)."""
    from . import tokens
    jwks = keys_or_file[0] if len(keys_or_file) == 1 and isinstance(keys_or_file[0], str) else tokens.key_set(*keys_or_file)
    return {"issuers": [{"issuer": issuer or tokens.ISSUER, "audiences": audiences or [tokens.AUDIENCE], "jwks": jwks, **more}]}
