"""The scenarios' own tools, tried on each other: a scenario that passes must mean something."""

import grpc
import pytest

from harness import h2raw, tokens
from harness.backend import Backend, ask, metadata
from harness.caller import Caller, refused
from harness.certificates import server_context
from harness.redis import Redis

KINDS = "/martlet.scenarios.v1.Kinds"


def test_a_backend_answers_all_four_call_kinds_and_shows_what_it_saw(backend, tag):
    with Caller(backend.address) as caller:
        answer = caller.unary(ask("hello", tag=tag), metadata=[("x-one", "1"), ("x-raw-bin", b"\x00\xff")])
        assert answer.text == "hello" and answer.backend == "shared"
        assert metadata(answer)["x-one"] == ["1"] and metadata(answer)["x-raw-bin"] == [b"\x00\xff"]
        assert caller.collect([ask(payload=b"ab"), ask(payload=b"c")]).received_bytes == 3
        assert [item.index for item in caller.spread(ask(answers=3))] == [0, 1, 2]
        assert [item.text for item in caller.converse(iter([ask("a"), ask("b")]))] == ["a", "b"]
        assert backend.wait_for_call(tag, "done").method == "Unary"


def test_a_backend_holds_a_call_and_sees_it_cancelled(backend, tag):
    with Caller(backend.address) as caller:
        call = caller.unary_call(ask(tag=tag, hold=True))
        backend.wait_for_call(tag, "running")
        call.cancel()
        backend.wait_for_call(tag, "cancelled")
        late = caller.unary_call(ask(tag=f"{tag}-2", hold=True))
        backend.wait_for_call(f"{tag}-2", "running")
        backend.release(f"{tag}-2")
        assert late.result().backend == "shared"


def test_a_backend_fails_as_told(backend):
    with Caller(backend.address) as caller:
        seen = refused(lambda: caller.unary(ask(fail_code=9, fail_message="not now", trailing=[("x-why", "because")])))
        assert seen.code == grpc.StatusCode.FAILED_PRECONDITION and seen.message == "not now"
        assert seen.trailing["x-why"] == "because"


def test_a_backend_with_tls_wants_a_client_certificate(pki, server_identity):
    client = pki.issue("harness-client", client=True, common_name="harness")
    with Backend("secure", identity=server_identity, client_ca=pki.file) as backend:
        with Caller(backend.address, ca=pki, identity=client) as caller:
            assert caller.unary(ask("x")).peer_names == ["harness"]
        assert backend.seen().started == 1


@pytest.mark.parametrize("tls", [False, True], ids=["cleartext", "tls"])
def test_raw_http2_speaks_to_itself_and_to_grpcio(pki, server_identity, backend, tls):
    def script(peer, number):
        def respond(stream, fields):
            assert dict(fields)["te"] == "trailers"
            peer.headers(stream, [(":status", "103"), ("link", "</x>")])
            peer.answer(stream, peer.whole_body(stream)[5:].upper(), trailing=[("x-end", "yes")])
        peer.serve(respond)

    with h2raw.Server(script, tls=server_context(server_identity) if tls else None) as server:
        with h2raw.Client(server.address, tls=pki.client_context() if tls else None) as client:
            answer = client.call("/a/B", h2raw.grpc_message(b"abc"))
            assert answer.status == 200 and answer.grpc_status == 0 and answer.field("x-end") == "yes"
            assert h2raw.grpc_messages(answer.body) == [b"ABC"] and len(answer.informational) == 1
            client.ping()
        assert not server.failures
    with h2raw.Client(backend.address) as client:
        answer = client.call(f"{KINDS}/Nothing")
        assert answer.grpc_status == 12 and answer.trailers_only
        stream = client.request(f"{KINDS}/Unary", end=False)
        client.reset(stream)
        client.ping()
        assert client.call(f"{KINDS}/Unary").grpc_status == 0


def test_redis_with_password_and_tls(tmp_path, pki, server_identity):
    with Redis(tmp_path, password="geheim", identity=server_identity, authority=pki) as redis:
        assert redis.command("SET", "a", "1") == "OK" and redis.command("GET", "a") == b"1"
        assert redis.keys() == [b"a"] and redis.url.startswith("rediss://:geheim@127.0.0.1:")


def test_settings_of_redis_are_made_anew_where_it_does_not_start(tmp_path):
    attempts = []

    def settings():
        attempts.append(1)
        return ["nosuch", 1] if len(attempts) < 3 else ["maxclients", 99]
    with Redis(tmp_path, settings=settings) as server:
        assert len(attempts) == 3 and server.settings == ["maxclients", 99]


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS512"])
def test_tokens_verify_against_their_own_key_set(algorithm):
    import jwt
    key = tokens.SigningKey(algorithm)
    claims = {"iss": tokens.ISSUER, "aud": "x", "n": 1}
    by_library, by_hand = key.sign(claims), tokens.signed_raw(key, {"alg": algorithm, "kid": key.kid}, claims)
    for token in (by_library, by_hand):
        assert jwt.decode(token, jwt.PyJWK(key.jwk()), algorithms=[algorithm], audience="x")["n"] == 1
