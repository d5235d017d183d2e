"""Tokens: every algorithm, and every way a token can be wrong."""

import json
import time

import grpc
import pytest

from harness import tokens
from harness.backend import ask
from harness.caller import Caller, refusal
from harness.gateway import Gateway, SERVICE, cluster, configuration
from harness.tokens import AUDIENCE, ISSUER, SigningKey, good_claims, hmac_with_public_key, raw_token, signed_raw

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
              "HS256", "HS384", "HS512"]
SECOND_ISSUER = "https://second.scenarios.test"


@pytest.fixture(scope="module")
def keys():
    return {algorithm: SigningKey(algorithm) for algorithm in ALGORITHMS}


@pytest.fixture(scope="module")
def second_key():
    return SigningKey("ES256", kid="second")


@pytest.fixture(scope="module")
def caller(tmp_path_factory, backend, keys, second_key):
    """One gateway for the whole table: a bad token must not spoil the next good one."""
    folder = tmp_path_factory.mktemp("tokens")
    # Symmetric keys come from local files only.
    tokens.write_key_set(folder / "keys.json", *keys.values())
    whole = configuration(
        authentication={"issuers": [
            {"issuer": ISSUER, "audiences": [AUDIENCE, "billing"], "jwks": str(folder / "keys.json")},
            {"issuer": SECOND_ISSUER, "audiences": ["other"], "jwks": tokens.key_set(second_key)}]},
        clusters={"kinds": cluster(backend)}, routes=[{"service": SERVICE, "cluster": "kinds"}],
        # The table of bad tokens is longer than the patience with one stranger: every call has an address of its own.
        trusted_proxies=["127.0.0.0/8"])
    with Gateway(folder, whole) as gateway:
        yield _Table(gateway)


class _Table:
    def __init__(self, gateway):
        self.gateway, self._calls = gateway, 0

    def __call__(self, token=None, metadata=()):
        """None when the call went through, or its refusal."""
        self._calls += 1
        metadata = [*metadata, ("x-forwarded-for", f"10.0.{self._calls // 256}.{self._calls % 256}")]
        with Caller(self.gateway.address, token=token) as caller:
            try:
                caller.unary(ask(), metadata=metadata)
                return None
            except grpc.RpcError as error:
                return refusal(error)

    def good(self, token):
        refused = self(token)
        assert refused is None, refused

    def bad(self, token):
        refused = self(token)
        assert refused is not None, "went through"
        assert refused.code == grpc.StatusCode.UNAUTHENTICATED, refused
        assert refused.header("www-authenticate").startswith("Bearer")
        assert refused.reason
        return refused


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_is_verified(caller, keys, algorithm):
    caller.good(keys[algorithm].token())
    token = keys[algorithm].token()
    head, claims, signature = token.split(".")
    flipped = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    caller.bad(f"{head}.{claims}.{flipped}")


def test_a_good_token_again_and_again(caller, keys):
    token = keys["RS256"].token()
    for _ in range(5):
        caller.good(token)


def test_no_token(caller):
    refused = caller.bad(None)
    assert "invalid_token" not in refused.header("www-authenticate"), "RFC 6750: nothing is said of a token not given"


@pytest.mark.parametrize("authorization", [
    "Basic dXNlcjpwYXNz", "Bearer", "bearer", "Token x", "Bearer a b", "", "Bearer a.b.c", "Bearer ..", "Bearer ....",
    "Bearer " + "a" * 20_000])
def test_something_else_in_authorization(caller, authorization):
    refused = caller(metadata=[("authorization", authorization)])
    assert refused.code == grpc.StatusCode.UNAUTHENTICATED


def test_the_scheme_is_case_insensitive(caller, keys):
    assert caller(metadata=[("authorization", f"bearer {keys['ES256'].token()}")]) is None


def test_two_authorization_headers_are_one_too_many(caller, keys):
    from harness import h2raw
    token = keys["ES256"].token()
    with h2raw.Client(caller.gateway.address) as client:
        fields = [("authorization", f"Bearer {token}")]
        assert client.call(f"/{SERVICE}/Unary", fields=fields).grpc_status == 0
        assert client.call(f"/{SERVICE}/Unary", fields=fields * 2).grpc_status == 16


NOW = time.time


@pytest.mark.parametrize("claims", [
    lambda: {"exp": int(NOW()) - 30}, lambda: {"nbf": int(NOW()) + 30}, lambda: {"exp": NOW() + 60.5}, lambda: {"aud": ["x", AUDIENCE]},
    lambda: {"aud": "billing"}, lambda: {"nbf": int(NOW()) - 5}, lambda: {"text": "ü 🐦 \u0001"}, lambda: {"deep": {"a": [1, {"b": None}]}}],
    ids=["expired-within-leeway", "not-yet-within-leeway", "fraction", "any-of-aud", "other-aud", "nbf-past", "unicode", "nested"])
def test_claims_that_are_fine(caller, keys, claims):
    caller.good(keys["ES256"].token(**claims()))


@pytest.mark.parametrize("claims", [
    lambda: {"exp": int(NOW()) - 90}, lambda: {"exp": 0}, lambda: {"exp": str(int(NOW()) + 600)}, lambda: {"exp": None},
    lambda: {"exp": -1}, lambda: {"nbf": int(NOW()) + 90}, lambda: {"nbf": "soon"}, lambda: {"aud": "nobody"}, lambda: {"aud": []},
    lambda: {"aud": 5}, lambda: {"iss": "https://evil.test"}, lambda: {"iss": ISSUER + "/"}, lambda: {"iss": ISSUER.upper()}, lambda: {"iss": 1}],
    ids=["expired", "exp-0", "exp-text", "exp-null", "exp-negative", "not-yet", "nbf-text", "wrong-aud", "no-aud", "aud-number",
         "other-issuer", "issuer-slash", "issuer-case", "issuer-number"])
def test_claims_that_are_not(caller, keys, claims):
    key = keys["HS256"]
    caller.bad(signed_raw(key, {"alg": "HS256", "kid": key.kid}, {**good_claims(), **claims()}))


@pytest.mark.parametrize("missing", ["exp", "iss", "aud"])
def test_claims_that_are_missing(caller, keys, missing):
    caller.bad(keys["ES256"].token(without=[missing]))


class TestKeys:
    def test_each_issuer_has_its_own_keys_and_audiences(self, caller, keys, second_key):
        caller.good(second_key.token(iss=SECOND_ISSUER, aud="other"))
        caller.bad(second_key.token(iss=SECOND_ISSUER, aud=AUDIENCE))
        caller.bad(second_key.token(iss=ISSUER))
        caller.bad(keys["ES256"].token(iss=SECOND_ISSUER, aud="other"))

    def test_an_unknown_kid(self, caller, keys):
        caller.bad(keys["ES256"].token(headers={"kid": "no-such-key"}))

    def test_another_keys_kid(self, caller, keys):
        caller.bad(keys["ES256"].token(headers={"kid": keys["ES384"].kid}))

    def test_a_stranger_with_our_kid(self, caller, keys):
        caller.bad(SigningKey("ES256", kid=keys["ES256"].kid).token())

    def test_a_key_within_the_token_is_not_a_key(self, caller, keys):
        stranger = SigningKey("ES256", kid="mine")
        caller.bad(stranger.token(headers={"jwk": stranger.jwk()}))
        caller.bad(stranger.token(headers={"jku": "https://localhost/keys.json"}))


class TestAlgorithmConfusion:
    def test_none_in_any_spelling(self, caller, keys):
        for name in ("none", "None", "NONE", "nOnE", ""):
            caller.bad(raw_token({"alg": name, "typ": "JWT"}, good_claims()))
            caller.bad(raw_token({"alg": name, "kid": keys["RS256"].kid}, good_claims(), b"x"))

    def test_an_hmac_made_with_a_public_key(self, caller, keys):
        for algorithm in ("RS256", "ES256"):
            caller.bad(hmac_with_public_key(keys[algorithm], good_claims()))

    def test_the_key_decides_not_the_token(self, caller, keys):
        key = keys["RS256"]
        caller.bad(signed_raw(key, {"alg": "RS512", "kid": key.kid}, good_claims()))
        as_pss = SigningKey("PS256", kid=key.kid)
        caller.bad(as_pss.sign(good_claims(), {"kid": key.kid}))


class TestStrictness:
    @pytest.fixture
    def key(self, keys):
        return keys["HS256"]

    def header(self, key, **more):
        return {"alg": "HS256", "kid": key.kid, **more}

    def test_the_hand_made_token_is_good_when_nothing_is_wrong(self, caller, key):
        caller.good(signed_raw(key, self.header(key), good_claims()))

    def test_unknown_critical_headers(self, caller, key):
        caller.bad(signed_raw(key, self.header(key, crit=["exp2"], exp2=1), good_claims()))
        caller.bad(signed_raw(key, self.header(key, crit=[]), good_claims()))

    @pytest.mark.parametrize("change", [
        lambda text: text[:-1] + ',"iss":"https://evil.test"}', lambda text: '{"iss":"https://evil.test",' + text[1:],
        lambda text: text[:-1] + ',"\\u0069ss":"https://evil.test"}', lambda text: text + " x", lambda text: text[:-1],
        lambda text: text[:-1] + ",}", lambda text: "[" + text + "]", lambda text: text.replace('"', "'"),
        lambda text: text[:-1] + ',"x":01}', lambda text: text[:-1] + ',"x":NaN}', lambda text: text[:-1] + ',"x":"\n"}',
        lambda text: text[:-1] + ',"x":' + "[" * 5000 + "]" * 5000 + "}", lambda text: "\ufeff" + text, lambda text: "null"],
        ids=["iss-twice", "iss-twice-first", "iss-twice-escaped", "trailing", "cut-off", "comma", "array", "quotes", "octal", "NaN",
             "control", "deep", "bom", "null"])
    def test_claims_that_no_strict_reader_takes(self, caller, key, change):
        caller.bad(signed_raw(key, self.header(key), change(json.dumps(good_claims(), separators=(",", ":")))))

    def test_header_members_twice(self, caller, key):
        caller.bad(signed_raw(key, f'{{"alg":"HS256","alg":"none","kid":"{key.kid}"}}', good_claims()))

    def test_base64url_is_canonical(self, caller, key):
        head, claims, signature = signed_raw(key, self.header(key), good_claims()).split(".")
        # 32 bytes leave two bits over in the last letter: another letter with the same four bits decodes alike.
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        loose = signature[:-1] + letters[letters.index(signature[-1]) ^ 1]
        for wrong in (loose, signature + "=", signature + "A", signature + "\n", signature[:-1], signature.replace("-", "+").replace("_", "/") + "+"):
            if wrong != signature and "\n" not in wrong:
                caller.bad(f"{head}.{claims}.{wrong}")
        caller.bad(f"{head}=.{claims}.{signature}")
        caller.bad(f"{head}.{claims}.{signature}.")
        caller.bad(f"{head}.{claims}")

    def test_oversized_tokens(self, caller, key):
        caller.bad(signed_raw(key, self.header(key), good_claims(filler="x" * 40_000)))


def test_a_token_that_expires_in_the_cache_is_refused_then(gateway, backend):
    """With no leeway; the good answer comes from the cache until the moment it must not."""
    from harness.waiting import eventually
    key = SigningKey("ES256")
    running = gateway(configuration(
        backend, authentication={"issuers": [{"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": tokens.key_set(key), "leeway": "0s"}]},
        routes=[{"service": SERVICE, "cluster": "kinds"}]))
    token = key.token(exp=int(time.time()) + 6)
    with Caller(running.address, token=token) as caller:
        assert caller.unary(ask("x")).text == "x"

        def over():
            try:
                caller.unary(ask())
                return False
            except grpc.RpcError as error:
                return error.code() == grpc.StatusCode.UNAUTHENTICATED
        eventually(over, "the token's end")
        assert time.time() >= json.loads(tokens.base64.urlsafe_b64decode(token.split(".")[1] + "=="))["exp"]


def test_the_token_reaches_the_backend_only_when_that_is_said(gateway, backend):
    from harness.backend import metadata
    key = SigningKey("ES256")
    issuer = {"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": tokens.key_set(key), "forward_token": True}
    running = gateway(configuration(
        backend, authentication={"issuers": [issuer]}, routes=[{"service": SERVICE, "cluster": "kinds"}]))
    token = key.token()
    with Caller(running.address, token=token) as caller:
        assert metadata(caller.unary(ask()))["authorization"] == [f"Bearer {token}"]


def test_failed_verifications_are_limited_by_address_and_good_cached_tokens_pass(gateway, backend):
    key = SigningKey("ES256")
    running = gateway(configuration(
        backend, workers=1, routes=[{"service": SERVICE, "cluster": "kinds"}], authentication={
            "issuers": [{"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": tokens.key_set(key)}], "failed_logins": "1/s burst 100"}))
    stranger = SigningKey("ES256", kid=key.kid)
    with Caller(running.address, token=key.token()) as known:
        assert known.unary(ask("x")).text == "x"
        codes = []
        with Caller(running.address) as bad:
            for number in range(400):
                bad.token = stranger.token(n=number)
                codes.append(bad.refusal(ask()).code)
                if codes[-1] == grpc.StatusCode.RESOURCE_EXHAUSTED:
                    break
            # A second gives one more try, which a good token does not use up: of several at least one comes too early.
            calls = []
            for number in range(20):
                bad.token = key.token(fresh=number)
                calls.append(bad.unary_call(ask()))
            assert grpc.StatusCode.RESOURCE_EXHAUSTED in {call.code() for call in calls}, "unread, for it is not in the cache"
        assert codes[0] == grpc.StatusCode.UNAUTHENTICATED and codes[-1] == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert 100 <= len(codes) - 1 < 400
        assert known.unary(ask("still")).text == "still"


def test_expired_tokens_are_no_attack(gateway, backend):
    key = SigningKey("ES256")
    running = gateway(configuration(
        backend, workers=1, authentication={"issuers": [{"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": tokens.key_set(key)}]},
        routes=[{"service": SERVICE, "cluster": "kinds"}]))
    with Caller(running.address, token=key.token(exp=1000)) as caller:
        for _ in range(150):
            assert caller.refusal(ask()).code == grpc.StatusCode.UNAUTHENTICATED
