"""Where keys come from: inline, a file, HTTPS; and how they change while calls go on."""

import grpc
import pytest

from harness import certificates, tokens
from harness.backend import ask
from harness.caller import Caller
from harness.gateway import SERVICE, authentication, configuration
from harness.key_server import KeyServer
from harness.tokens import SigningKey, key_set
from harness.waiting import eventually


@pytest.fixture
def key_server(own, server_identity):
    return own(KeyServer(server_identity))


@pytest.fixture
def start(gateway, backend, pki):
    """A gateway whose one issuer has this key set, and whose key server is trusted by our authority."""
    def start(jwks, **issuer):
        return gateway(configuration(
            backend, authentication=authentication(jwks, **{name: value for name, value in {"jwks_ca": str(pki.file), **issuer}.items() if value is not None}), routes=[{"service": SERVICE, "cluster": "kinds"}]))
    return start


def outcome(gateway, token):
    """None when the call goes through, or the status."""
    with Caller(gateway.address, token=token) as caller:
        try:
            caller.unary(ask())
            return None
        except grpc.RpcError as error:
            return error.code()


def test_inline_and_file_key_sets(gateway, backend, tmp_path):
    first, second = SigningKey("ES256"), SigningKey("RS256")
    file = tokens.write_key_set(tmp_path / "keys.json", second)
    running = gateway(configuration(backend, routes=[{"service": SERVICE, "cluster": "kinds"}], authentication={"issuers": [
        {"issuer": "https://one.test", "audiences": ["a"], "jwks": key_set(first)},
        {"issuer": "https://two.test", "audiences": ["a"], "jwks": str(file)}]}))
    assert outcome(running, first.token(iss="https://one.test", aud="a")) is None
    assert outcome(running, second.token(iss="https://two.test", aud="a")) is None


def test_a_fetched_key_set(start, key_server):
    key = SigningKey("ES256")
    key_server.serve(key_set(key))
    assert outcome(start(key_server.url), key.token()) is None
    path, headers = key_server.requests[0]
    assert path == "/jwks.json" and {name.lower() for name in headers} >= {"host"}


def test_the_systems_authorities_are_trusted_unless_said_otherwise(gateway, backend, key_server, pki):
    key = SigningKey("ES256")
    key_server.serve(key_set(key))
    running = gateway(configuration(
        backend, authentication=authentication(key_server.url), routes=[{"service": SERVICE, "cluster": "kinds"}]),
        environment={"SSL_CERT_FILE": str(pki.file)})
    assert outcome(running, key.token()) is None


def test_a_chunked_answer_is_read(start, key_server):
    key = SigningKey("ES256")
    key_server.serve(key_set(key), transfer_encoding="chunked")
    assert outcome(start(key_server.url), key.token()) is None


def test_a_redirect_is_followed_within_https(start, key_server, own, server_identity):
    key = SigningKey("ES256")
    with KeyServer(server_identity, key_set(key)) as other:
        key_server.redirect(other.url)
        assert outcome(start(key_server.url), key.token()) is None


def test_a_key_set_that_never_loaded_throws_nobodys_token_away(start, key_server):
    key = SigningKey("ES256")
    key_server.fail(500)
    running = start(key_server.url)
    assert outcome(running, key.token()) == grpc.StatusCode.UNAVAILABLE
    key_server.serve(key_set(key))
    eventually(lambda: outcome(running, key.token()) is None, "the key set, fetched again", within=60)


@pytest.mark.parametrize("document", [
    b"<html>", b"{}", b'{"keys": 5}', b'{"keys": []}', b"[" * 100_000, b'{"keys": [' + b'{"kty":"RSA"},' * 300_000 + b"]}"],
    ids=["html", "empty", "number", "no-keys", "deep", "huge"])
def test_a_document_that_is_no_key_set_breaks_nothing(start, key_server, document):
    key_server.serve(document)
    running = start(key_server.url)
    assert outcome(running, SigningKey("ES256").token()) in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED)
    assert running.process.running()


def test_symmetric_keys_are_not_taken_from_the_network(start, key_server):
    key = SigningKey("HS256")
    key_server.serve(key_set(key))
    assert outcome(start(key_server.url), key.token()) in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED)


def test_a_server_that_is_not_who_it_says_gives_no_keys(gateway, backend, own, tmp_path, pki):
    other = certificates.Authority(tmp_path, "Other CA")
    key = SigningKey("ES256")
    server = own(KeyServer(other.issue("keys", ["localhost"]), key_set(key)))
    running = gateway(configuration(
        backend, authentication=authentication(server.url, jwks_ca=str(pki.file)), routes=[{"service": SERVICE, "cluster": "kinds"}]))
    assert outcome(running, key.token()) == grpc.StatusCode.UNAVAILABLE
    assert not server.requests


def test_a_new_key_is_found_when_a_token_names_it(start, key_server):
    """Key rotation at the issuer, without waiting for the hour of the next refresh."""
    old, new = SigningKey("ES256", kid="old"), SigningKey("ES256", kid="new")
    key_server.serve(key_set(old))
    running = start(key_server.url)
    assert outcome(running, old.token()) is None
    key_server.serve(key_set(old, new))
    eventually(lambda: outcome(running, new.token()) is None, "the new key")
    assert outcome(running, old.token()) is None


def test_unknown_kids_do_not_hammer_the_issuer(start, key_server):
    key = SigningKey("ES256")
    key_server.serve(key_set(key))
    running = start(key_server.url)
    assert outcome(running, key.token()) is None
    for number in range(20):
        outcome(running, SigningKey("ES256", kid=f"made-up-{number}").token())
    assert len(key_server.requests) <= 5


def test_keys_are_kept_while_the_issuer_is_away(start, key_server):
    key = SigningKey("ES256")
    key_server.serve(key_set(key), cache_control="max-age=1")
    running = start(key_server.url)
    assert outcome(running, key.token()) is None
    key_server.fail(503)
    outcome(running, SigningKey("ES256", kid="unknown").token())
    assert outcome(running, key.token(n=2)) is None


def test_a_slow_issuer_slows_nobody_who_does_not_need_it(gateway, backend, key_server, pki):
    key = SigningKey("ES256")
    key_server.serve(key_set(key))
    key_server.hold()
    running = gateway(configuration(
        backend, authentication=authentication(key_server.url, jwks_ca=str(pki.file)),
        routes=[{"service": SERVICE, "headers": {"x-open": "1"}, "cluster": "kinds", "allow": "anyone"},
                {"service": SERVICE, "cluster": "kinds"}]))
    with Caller(running.address) as caller:
        assert caller.unary(ask("x"), metadata=[("x-open", "1")], timeout=20).text == "x"
    key_server.let_go()
    eventually(lambda: outcome(running, key.token()) is None, "the key set")


def test_a_changed_key_file_is_taken_at_reload(gateway, backend, tmp_path):
    old, new = SigningKey("ES256"), SigningKey("ES256")
    file = tokens.write_key_set(tmp_path / "keys.json", old)
    whole = configuration(backend, authentication=authentication(str(file)), routes=[{"service": SERVICE, "cluster": "kinds"}])
    running = gateway(whole)
    token = old.token()
    assert outcome(running, token) is None
    tokens.write_key_set(file, new)
    running.reload(whole)
    eventually(lambda: outcome(running, new.token()) is None, "the new key")
    assert outcome(running, token) == grpc.StatusCode.UNAUTHENTICATED, "its key is gone, and the cached token with it"


def test_an_unknown_kid_fetches_its_own_issuers_keys_and_no_others(gateway, backend, own, pki, server_identity):
    keys = [SigningKey("ES256", kid=f"key-{number}") for number in range(2)]
    servers = [own(KeyServer(server_identity, key_set(key))) for key in keys]
    issuers = [f"https://{number}.test" for number in range(2)]
    running = gateway(configuration(backend, routes=[{"service": SERVICE, "cluster": "kinds"}], authentication={"issuers": [
        {"issuer": issuer, "audiences": ["a"], "jwks": server.url, "jwks_ca": str(pki.file)} for issuer, server in zip(issuers, servers)]}))
    eventually(lambda: [len(server.requests) for server in servers] == [1, 1], "a fetch of each")
    for _ in range(5):
        outcome(running, SigningKey("ES256", kid="made-up").token(iss=issuers[0], aud="a"))
        outcome(running, SigningKey("ES256", kid="made-up").token(iss="https://nobody.test", aud="a"))
    eventually(lambda: len(servers[0].requests) == 2, "a fetch of the first issuer's keys")
    assert len(servers[1].requests) == 1
    # One issuer's made-up keys hold no other's rotation back.
    outcome(running, SigningKey("ES256", kid="made-up").token(iss=issuers[0], aud="a"))
    rotated = SigningKey("ES256", kid="rotated")
    servers[1].serve(key_set(keys[1], rotated))
    eventually(lambda: outcome(running, rotated.token(iss=issuers[1], aud="a")) is None, "the second issuer's new key")


def test_not_ready_while_no_issuer_has_keys(start, key_server):
    key = SigningKey("ES256")
    key_server.fail(500)
    running = start(key_server.url)
    status, text = running.admin("/ready")
    assert status == 503 and "no issuer's keys have been fetched yet" in text
    assert running.admin("/live")[0] == 200
    key_server.serve(key_set(key))
    eventually(lambda: running.admin("/ready") == (200, "ready\n"), "readiness", within=60)
    # From then on an issuer that is away, and a reload, take no readiness away.
    key_server.fail(500)
    outcome(running, SigningKey("ES256", kid="unknown").token())
    assert running.admin("/ready")[0] == 200
    assert outcome(running, key.token()) is None


def test_one_issuer_that_is_away_keeps_nothing_from_the_others(gateway, backend, key_server, pki):
    key = SigningKey("ES256")
    key_server.fail(500)
    running = gateway(configuration(backend, routes=[{"service": SERVICE, "cluster": "kinds"}], authentication={"issuers": [
        {"issuer": "https://one.test", "audiences": ["a"], "jwks": key_set(key)},
        {"issuer": "https://two.test", "audiences": ["a"], "jwks": key_server.url, "jwks_ca": str(pki.file)}]}))
    assert running.admin("/ready")[0] == 200
    assert outcome(running, key.token(iss="https://one.test", aud="a")) is None
    assert outcome(running, key.token(iss="https://two.test", aud="a")) == grpc.StatusCode.UNAVAILABLE


def test_keys_that_cannot_be_used_and_sets_that_are_too_large_are_told(start, key_server):
    key = SigningKey("ES256")
    good = key_set(key)
    key_server.serve({"keys": [{"kty": "RSA", "kid": "torn", "e": "AQAB"}, *good["keys"]]})
    running = start(key_server.url)
    assert outcome(running, key.token()) is None
    running.process.wait_for(lambda line: line.endswith('/jwks.json: key 1 ("torn") is not used: "n" is missing'), "notice")


def test_a_set_that_is_too_large_is_told_as_that(start, key_server):
    key_server.serve(b'{"keys": [], "filler": "' + b"x" * (1 << 20) + b'"}')
    running = start(key_server.url)
    running.process.wait_for(lambda line: "/jwks.json: it is larger than 512 KiB; there are none yet" in line, "notice")


def test_keys_in_the_clear_where_that_is_said(start, own):
    key, server = SigningKey("ES256"), own(KeyServer(None))
    server.serve(key_set(key))
    running = start(server.url, jwks_ca=None, jwks_insecure=True)
    running.process.wait_for(lambda line: "keys are fetched in cleartext" in line, "the warning")
    assert outcome(running, key.token()) is None
    assert outcome(running, SigningKey("ES256").token()) == grpc.StatusCode.UNAUTHENTICATED


def test_audiences_any_and_elsewhere(gateway, backend):
    key, other = SigningKey("ES256"), SigningKey("ES256")
    running = gateway(configuration(backend, routes=[{"service": SERVICE, "cluster": "kinds"}], authentication={"issuers": [
        {"issuer": "https://any.test", "audiences": "any", "jwks": key_set(key)},
        {"issuer": "https://pool.test", "audiences": ["app"], "audience_claim": "client_id", "jwks": key_set(other)}]}))
    running.process.wait_for(lambda line: "audiences: warning: found any" in line, "the warning")
    assert outcome(running, key.token(iss="https://any.test", without=["aud"])) is None
    assert outcome(running, key.token(iss="https://any.test", aud="whoever")) is None
    assert outcome(running, other.token(iss="https://pool.test", without=["aud"], client_id="app")) is None
    assert outcome(running, other.token(iss="https://pool.test", without=["aud"], client_id="other")) == grpc.StatusCode.UNAUTHENTICATED
    assert outcome(running, other.token(iss="https://pool.test", aud="other", client_id="app")) == grpc.StatusCode.UNAUTHENTICATED
