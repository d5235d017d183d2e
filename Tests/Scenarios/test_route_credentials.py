"""What a route does with credentials: they must be good, are not looked at, count as none where they are bad, or only some issuers' count."""

import json

import pytest

from harness.backend import ask, metadata, pb
from harness.caller import Caller
from harness.gateway import SERVICE, authentication, cluster, configuration, run
from harness.library import NAME, Served, descriptors
from harness.tokens import ISSUER, SigningKey
from harness.web import Connect, Web, post
from harness.web_backend import WebBackend

OTHER = "https://partners.scenarios.test"
MODES = {"on": "on", "off": "off", "ignore": "ignore_invalid", "named": ["partners"]}
PROTOCOLS = {"grpc": None, "web": Web(False), "web-text": Web(True), "connect": Connect(True), "connect-stream": Connect(False)}


class Setup:
    def __init__(self, gateway, backend, own, tmp_path):
        self.key, self.other = SigningKey("ES256"), SigningKey("ES256")
        self.rest, library = own(WebBackend()), own(Served())
        descriptors(tmp_path / "library.binpb")
        issuers = authentication(self.key, name="own", forward_claims={"x-sub": "sub"})["issuers"] \
            + authentication(self.other, name="partners", issuer=OTHER, forward_claims={"x-sub": "sub"}, forward_token=True)["issuers"]
        routes = []
        for name, mode in MODES.items():
            common = {"headers": {"x-mode": name}, "allow": "anyone", "authentication": mode}
            routes += [{"service": SERVICE, "cluster": "kinds", **common}, {"path": "/web/*", "cluster": "web", **common},
                       {"service": NAME, "cluster": "books", **common}]
        self.gateway = gateway(configuration(
            clusters={"kinds": cluster(backend), "web": cluster(self.rest, protocol="http1"),
                      "books": cluster(library, schema={"descriptors": [str(tmp_path / "library.binpb")]})},
            authentication={"issuers": issuers}, routes=routes))

    def call(self, protocol, mode, token):
        """The code, and what the backend saw of authorization and x-sub."""
        head = {"x-mode": mode, "x-sub": "forged", **({} if token is None else {"authorization": token})}
        address = self.gateway.address
        if protocol in ("http1", "http2"):
            status = post(address, protocol, "/web/a", head, b"", "GET")[0]
            if status != 200:
                return status, None
            fields = self.rest.requests[-1]["fields"]
            return status, {name: [value for field, value in fields if field.lower() == name] for name in ("authorization", "x-sub")}
        if protocol == "json":
            return post(address, "http1", "/v1/books/a", head, b"", "GET")[0], None
        if protocol == "grpc":
            with Caller(address) as caller:
                def call():
                    return caller.unary(ask(), metadata=list(head.items()))
                try:
                    return 0, self.seen(call())
                except Exception as error:
                    return error.code().value[0], None
        protocol = PROTOCOLS[protocol]
        more, body = protocol.request([ask().SerializeToString()])
        result = protocol.read(*post(address, "http2", f"/{SERVICE}/Unary", {**head, **more}, body))
        return result.code, self.seen(pb.Answer.FromString(result.messages[0])) if result.code == 0 else None

    @staticmethod
    def seen(answer):
        fields = metadata(answer)
        return {name: fields.get(name, []) for name in ("authorization", "x-sub")}


@pytest.fixture
def setup(gateway, backend, own, tmp_path):
    return Setup(gateway, backend, own, tmp_path)


@pytest.mark.parametrize("protocol", [*PROTOCOLS, "http1", "http2", "json"])
def test_over_every_protocol(setup, protocol):
    good, partner, bad = f"Bearer {setup.key.token(sub='alice')}", f"Bearer {setup.other.token(iss=OTHER, sub='bob')}", "Bearer null"
    forged = f"Bearer {SigningKey('ES256', kid=setup.key.kid).token()}"
    expired = f"Bearer {setup.key.token(exp=1)}"
    fine, refused = (0, 16) if protocol in PROTOCOLS else (200, 401)

    def expect(mode, token, code, authorization=None, sub=None):
        got, fields = setup.call(protocol, mode, token)
        assert got == code, (mode, token)
        if fields is not None:
            assert fields == {"authorization": [] if authorization is None else [authorization], "x-sub": [] if sub is None else [sub]}, (mode, token)

    for _ in range(2):  # the second from the cache of tokens
        expect("on", good, fine, sub="alice")
        expect("on", partner, fine, partner, "bob")
        expect("named", partner, fine, partner, "bob")
        expect("named", good, refused)
        expect("ignore", good, fine, sub="alice")
    expect("on", bad, refused)
    expect("named", bad, refused)
    for mode in MODES:
        expect(mode, None, fine)
        expect(mode, "Basic dXNlcjpwYXNz", fine, "Basic dXNlcjpwYXNz")
    # Not looked at, and passed on as they are; what would name an identity is removed all the same.
    for token in (good, bad, forged, expired):
        expect("off", token, fine, token)
    for token in (bad, forged, expired, "Bearer a.b.c", "Basic x, Bearer y"):
        expect("ignore", token, fine)


def test_no_failed_login_where_nothing_is_looked_at(gateway, own, signing_key):
    rest = own(WebBackend())
    routes = [{"prefix": f"/{name}", "cluster": "web", "allow": "anyone", "authentication": mode} for name, mode in MODES.items() if name != "named"]
    whole = configuration(clusters={"web": cluster(rest, protocol="http1")}, routes=routes, workers=1,
                          authentication={**authentication(signing_key), "failed_logins": "1/s burst 1"})
    running = gateway(whole)

    def status(path, token):
        return post(running.address, "http1", path, {"authorization": f"Bearer {token}"}, b"", "GET")[0]
    for _ in range(5):
        assert status("/off", "bad") == 200 and status("/ignore", "bad") == 200
    assert status("/on", "bad") == 401
    assert status("/on", "worse") == 429
    # What is not verified for that counts as none; it is never refused.
    assert status("/ignore", signing_key.token()) == 200 and status("/off", "bad") == 200
    assert running.metrics().sum("martlet_authentication_total", outcome="ignored") == 6


def test_contradictions_are_mistakes(tmp_path, signing_key):
    file = tmp_path / "martlet.yaml"
    file.write_text(json.dumps(configuration(
        "127.0.0.1:1", authentication=authentication(signing_key),
        routes=[{"service": SERVICE, "cluster": "kinds", "authentication": "off"}, {"path": "/a", "cluster": "kinds", "authentication": ["own"]}])))
    checked = run("check", file)
    assert checked.returncode == 1
    assert "found off where only authenticated callers may call" in checked.stdout
    assert f'found "own", expected the name of an issuer' in checked.stdout and ISSUER not in checked.stdout
