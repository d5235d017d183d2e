"""Public configurations of other gateways, translated: a folder each, with the translation and a table of requests.

    martlet.yaml     the translation
    requests.yaml    the table, written from the original: what is sent, and what must come of it
    envoy.yaml or nginx.conf    the same for the program that the original is for, where it can run here

The addresses of backends and listeners, and the names of files, stand in them as the original has them; here they are replaced by
what the run has.
"""

import json
import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import yaml

from . import certificates, probe, stubs, tokens
from .gateway import Martlet, run
from .key_server import KeyServer
from .stub_backend import StubBackend
from .waiting import eventually

FOLDER = Path(__file__).resolve().parents[1] / "translations"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/martlet.yaml"))
_KEYS = {"original", "peer", "authority", "listeners", "backends", "tokens", "client", "protos", "environment", "limits", "missing_keys",
         "requests"}
_ROW_KEYS = {"send", "as", "to", "authority", "headers", "body", "client", "expect", "gap", "differs"}
_EXPECT_KEYS = {"status", "code", "backend", "method", "path", "authority", "version", "headers", "response", "body", "attempts", "takes"}


@dataclass(frozen=True)
class Row:
    """One request of a table, in one protocol."""
    number: int
    protocol: str
    table: dict

    @property
    def title(self):
        return f"{self.number:02d} {self.table['send']} {self.protocol}"

    @property
    def gap(self):
        return self.table.get("gap")


class Translation:
    def __init__(self, name):
        self.name, self.folder = name, FOLDER / name
        self.table = yaml.safe_load((self.folder / "requests.yaml").read_text())
        assert self.table.keys() <= _KEYS, f"{name}: {self.table.keys() - _KEYS}"
        self.rows = []
        for number, row in enumerate(self.table["requests"], 1):
            assert row.keys() <= _ROW_KEYS and row["expect"].keys() <= _EXPECT_KEYS, (name, row)
            protocols = row.get("as", list(probe.PLAIN))
            self.rows += [Row(number, protocol, row) for protocol in ([protocols] if isinstance(protocols, str) else protocols)]

    @property
    def missing_keys(self):
        """Where martlet.yaml says what cannot be said yet; without any, it can be served."""
        return self.table.get("missing_keys", {})

    @property
    def peer(self):
        return self.table.get("peer")


class World:
    """The backends and files of a translation, and a gateway before them."""

    def __init__(self, translation, folder):
        self.translation, self.folder, table = translation, Path(folder), translation.table
        self._stack = ExitStack()
        self.pki = certificates.Authority(self.folder)
        server = self.pki.issue("server", ["localhost", "127.0.0.1", *_hosts(table)])
        self._texts = {"ca.pem": str(self.pki.file), "server.pem": str(server.certificate), "server.key": str(server.private_key)}
        self.clients = {None: None}
        for name, has in table.get("client", {}).items():
            authority = certificates.Authority(self.folder, "Other CA") if has.get("foreign") else self.pki
            self.clients[name] = authority.issue(name, has["names"], client=True)
        self._sign(table)
        messages = self._schema(table)
        self.backends = []
        for address, has in table["backends"].items():
            tls = certificates.server_context(server, alpn=("h2", "http/1.1")) if has.get("tls") else None
            replies = {path: messages(reply) for path, reply in has.get("replies", {}).items()}
            stub = self._stack.enter_context(StubBackend(has["name"], tls=tls, replies=replies))
            # What a gateway sends of its own accord, as spans, is no row's.
            if not has.get("aside"):
                self.backends.append(stub)
            self._texts[address] = stub.address
        if "limits" in table:
            (self.folder / "limits.yaml").write_text(self.replaced("limits.yaml"))
            service = self._stack.enter_context(Martlet("ratelimit", self.folder / "limits.yaml", name="ratelimit"))
            self._texts[table["limits"]] = service.address
        self.addresses = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def enter(self, context):
        return self._stack.enter_context(context)

    def replaced(self, file, more=None):
        """The text of a file of the translation with this run's addresses, files and keys."""
        return self.replace((self.translation.folder / file).read_text(), more)

    def replace(self, text, more=None):
        texts = {**self._texts, **(more or {})}
        for old in sorted(texts, key=len, reverse=True):
            text = re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-])", lambda _, new=texts[old]: new, text)
        return text

    def serve(self):
        """Starts martlet with the translation."""
        listeners = {listener["address"]: "127.0.0.1:0" for listener in self.translation.table["listeners"].values()}
        file = self.folder / "martlet.yaml"
        file.write_text('admin: { address: "127.0.0.1:0" }\n' + self.replaced("martlet.yaml", listeners))
        gateway = self.enter(Martlet("serve", file, name="gateway", environment=self.translation.table.get("environment")))
        self.addresses = gateway.listeners

    def check(self):
        """What `martlet check` says of it: keys with what is wrong of each."""
        file = self.folder / "martlet.yaml"
        file.write_text(self.replaced("martlet.yaml"))
        told = run("check", file, environment=self.translation.table.get("environment"))
        found = {}
        for line in (told.stdout + told.stderr).splitlines():
            if match := re.match(rf"{re.escape(str(file))}:\d+:\d+: +([^:]+): (.*)", line):
                found.setdefault(match[1], match[2])
        return told.returncode, found, told.stdout + told.stderr

    def wrong(self, row, *, gateway=True):
        """What is other than the table says, in words; empty where all of it is right. `gateway`: of martlet, not of a peer."""
        table, expect = row.table, dict(row.table["expect"])
        if gateway:
            expect.update({key: value for key, value in table.get("differs", {}).items() if key != "because"})
        method, path = table["send"].split(" ", 1)
        listener = table.get("to", next(iter(self.translation.table["listeners"])))
        client = self.clients[table.get("client")]
        secure = self.translation.table["listeners"][listener].get("tls")
        statuses = expect.get("status", 200)
        found = []
        if isinstance(statuses, list):
            # They are counted in one window of a minute.
            eventually(lambda: time.time() % 60 < 55, "the next minute")
        for status in statuses if isinstance(statuses, list) else [statuses]:
            for backend in self.backends:
                backend.forget()
            answer = probe.send(
                self.addresses[listener], method, self.replace(path), protocol=row.protocol,
                authority=table.get("authority", self.translation.table["authority"]),
                headers={name: self.replace(str(value)) for name, value in table.get("headers", {}).items()},
                body=str(table.get("body", "")).encode(), tls=self.pki.client_context(client, alpn=()) if secure else None)
            refused = status != 200 and isinstance(statuses, list)
            found += self._compare({**expect, "status": status, **({"backend": None} if refused else {})}, answer, method, path, row)
        return found

    def _compare(self, expect, answer, method, path, row):
        found = []

        def same(what, expected, got):
            if not _fits(expected, got):
                found.append(f"{what}: expected {expected!r}, found {got!r}")

        seen = [one for backend in self.backends for one in backend.seen]
        same("status", expect["status"], answer.status)
        if row.protocol in probe.RPC and ("code" in expect or "backend" in expect):
            same("gRPC status", expect.get("code", 0), answer.code)
        same("backend", expect.get("backend"), seen[-1].backend if seen else None)
        for name, value in expect.get("response", {}).items():
            same(f"response header {name}", self._value(value), answer.headers.get(name))
        if "body" in expect:
            same("body", self._value(expect["body"]), answer.body.decode(errors="replace"))
        if "takes" in expect and answer.seconds < expect["takes"]:
            found.append(f"took {answer.seconds:.3f} s, expected {expect['takes']} s or more")
        if expect.get("backend") and seen:
            got = seen[-1]
            same("attempts", expect.get("attempts", 1), len(seen))
            same("method", expect.get("method", method), got.method)
            same("path", self._value(expect.get("path", path)), got.path)
            authority = row.table.get("authority", self.translation.table["authority"])
            same("authority", self._value(expect.get("authority", authority)), got.authority)
            if "version" in expect:
                same("version", expect["version"], got.version)
            for name, value in expect.get("headers", {}).items():
                same(f"header {name}", self._value(value), got.header(name))
        return found

    def _value(self, value):
        return self.replace(value) if isinstance(value, str) else value

    def _sign(self, table):
        if "tokens" not in table:
            return
        key = tokens.SigningKey("RS256")
        for scheme, identity in (("https", self.pki.issue("keys", ["localhost"])), ("http", None)):
            self._texts[f"{scheme}://keys.test/jwks.json"] = self._stack.enter_context(KeyServer(identity, tokens.key_set(key))).url
        self._texts["keys.json"] = str(tokens.write_key_set(self.folder / "keys.json", key))
        other = tokens.SigningKey("ES256", kid=key.kid)
        for name, claims in table["tokens"].items():
            claims = dict(claims)
            without = claims.pop("without", []) + (["aud"] if "aud" not in claims else [])
            self._texts[f"${name}"] = key.token(without=without, **claims)
            # The same, by a key that is in no set.
            self._texts[f"${name}-forged"] = other.token(without=without, **claims)

    def _schema(self, table):
        """Compiles the translation's proto files; a function from {type: {…}} to the message's bytes."""
        if "protos" not in table:
            return lambda reply: b""
        from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
        file = self.folder / "schema.binpb"
        stubs.descriptor_set(file, self.translation.folder, table["protos"])
        self._texts["schema.binpb"] = str(file)
        pool = descriptor_pool.DescriptorPool()
        for each in descriptor_pb2.FileDescriptorSet.FromString(file.read_bytes()).file:
            pool.Add(each)

        def encoded(reply):
            if isinstance(reply, list):
                return [encoded(each) for each in reply]
            (kind, fields), = reply.items()
            message = message_factory.GetMessageClass(pool.FindMessageTypeByName(kind))()
            return json_format.ParseDict(fields, message).SerializeToString()
        return encoded


def _hosts(table):
    """The names by which backends are known: their certificates have them."""
    return [host for address in table["backends"] if not re.fullmatch(r"[\d.]+", host := address.rsplit(":", 1)[0])]


def _fits(expected, got):
    """The value matcher of the language: a text is exact, "*" present, None absent, a list any of, a mapping regex, prefix or json."""
    if expected is None or got is None:
        return expected is None and got is None
    if isinstance(expected, list):
        return any(_fits(one, got) for one in expected)
    if isinstance(expected, dict):
        (kind, value), = expected.items()
        if kind == "json":
            try:
                return json.loads(got) == value
            except ValueError:
                return False
        if kind == "tokens":
            return set(value) <= {each.strip().lower() for each in got.split(",")}
        return {"regex": lambda: re.fullmatch(value, got) is not None, "prefix": lambda: got.startswith(value),
                "contains": lambda: value in got, "not": lambda: got != value}[kind]()
    return expected == "*" or expected == got
