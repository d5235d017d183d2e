"""The short commands: keys, tokens, and the demo backend."""

import json
import stat

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from harness import stubs, tokens
from harness.backend import ask
from harness.caller import Caller, channel
from harness.gateway import SERVICE, authentication, configuration, run

ALGORITHMS = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


@pytest.fixture
def make_key(tmp_path):
    def make_key(algorithm):
        private, public = tmp_path / f"{algorithm}.key", tmp_path / f"{algorithm}.json"
        told = run("keys", "generate", "--algorithm", algorithm, "--private", private, "--jwks", public)
        assert told.returncode == 0, told.stderr
        return private, public
    return make_key


def mint(private, algorithm, *more):
    told = run("token", "mint", "--key", private, "--algorithm", algorithm, "--issuer", tokens.ISSUER, "--audience", tokens.AUDIENCE,
               "--subject", "alice", "--claim", "tenant=acme", "--expires", "1h", *more)
    assert told.returncode == 0, told.stderr
    return told.stdout.strip()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_minted_token_is_good_for_others_and_for_the_gateway(gateway, backend, make_key, algorithm):
    private, public = make_key(algorithm)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    token = mint(private, algorithm)
    key = jwt.PyJWK(json.loads(public.read_text())["keys"][0])
    claims = jwt.decode(token, key, algorithms=[algorithm], audience=tokens.AUDIENCE, issuer=tokens.ISSUER)
    assert claims["sub"] == "alice" and claims["tenant"] == "acme" and claims["exp"] - claims["iat"] == 3600
    assert jwt.get_unverified_header(token)["kid"] == json.loads(public.read_text())["keys"][0]["kid"]
    running = gateway(configuration(
        backend, authentication=authentication(str(public)), routes=[{"service": SERVICE, "cluster": "kinds"}]))
    with Caller(running.address, token=token) as caller:
        assert caller.unary(ask("x")).text == "x"


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES384", "EdDSA"])
def test_a_name_that_was_given_is_in_tokens_and_in_the_key_set(tmp_path, algorithm):
    private, public, name = tmp_path / "named.key", tmp_path / "named.json", 'my "key" é'
    told = run("keys", "generate", "--algorithm", algorithm, "--private", private, "--jwks", public, "--kid", name)
    assert told.returncode == 0, told.stderr
    key_set = json.loads(public.read_text())
    assert key_set["keys"][0]["kid"] == name
    token = mint(private, algorithm)
    assert jwt.get_unverified_header(token)["kid"] == name
    jwt.decode(token, jwt.PyJWK(key_set["keys"][0]), algorithms=[algorithm], audience=tokens.AUDIENCE, issuer=tokens.ISSUER)
    assert jwt.get_unverified_header(mint(private, algorithm, "--kid", "other"))["kid"] == "other"
    if algorithm != "HS256":
        assert serialization.load_pem_private_key(private.read_bytes(), None)
        assert json.loads(run("keys", "show", private, "--algorithm", algorithm).stdout)["keys"][0]["kid"] == name


def test_the_public_half_holds_no_secret(make_key):
    for algorithm in ("RS256", "ES256"):
        public = json.loads(make_key(algorithm)[1].read_text())
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(public["keys"][0])


def test_a_key_is_never_written_over(make_key):
    private, public = make_key("ES256")
    before = private.read_bytes()
    told = run("keys", "generate", "--algorithm", "ES256", "--private", private, "--jwks", public)
    assert told.returncode != 0 and private.read_bytes() == before


def test_inspect_shows_claims_without_believing_them(make_key):
    private, public = make_key("ES256")
    token = mint(private, "ES256")
    told = run("token", "inspect", token)
    assert told.returncode == 0 and "alice" in told.stdout and tokens.ISSUER in told.stdout
    told = run("token", "inspect", input=token + "\n")
    assert told.returncode == 0 and "alice" in told.stdout
    assert run("token", "inspect", "not-a-token").returncode != 0


@pytest.mark.parametrize("words", [
    ["token", "mint", "--key", "/no/such.key", "--algorithm", "ES256", "--issuer", "x", "--audience", "y", "--subject", "z"],
    ["keys", "generate", "--algorithm", "XS256", "--private", "a", "--jwks", "b"], ["nothing"], ["serve"]], ids=["no-key", "algorithm", "unknown", "no-file"])
def test_mistakes_are_told_and_end_with_a_status(words, tmp_path):
    told = run(*words, folder=tmp_path)
    assert told.returncode != 0 and told.stderr.strip()


def test_the_version_is_told():
    told = run("--version")
    assert told.returncode == 0 and told.stdout.strip().count(".") == 2


def test_help_for_a_command_that_is_not_there():
    for words in (["bogus"], ["keys", "bogus"], ["serve", "bogus"]):
        told = run("help", *words)
        assert told.returncode != 0 and "bogus" in told.stderr and not told.stdout
    for words in ([], ["keys"], ["keys", "show"], ["check"], ["help"]):
        told = run("help", *words)
        assert told.returncode == 0 and "USAGE" in told.stdout, told.stderr


def test_help_lists_what_there_is():
    told = run("--help")
    assert told.returncode == 0
    for command in ("serve", "ratelimit", "check", "token", "keys", "call", "demo"):
        assert command in told.stdout


class TestDemo:
    @pytest.fixture
    def demo(self, martlet):
        return martlet("demo", "--listen", "127.0.0.1:0", "--name", "blue")

    @pytest.fixture
    def stub(self, demo):
        with channel(demo.address) as opened:
            yield stubs.module("martlet/demo/v1/demo_pb2_grpc").DemoStub(opened)

    pb = stubs.module("martlet/demo/v1/demo_pb2")

    def test_all_four_call_kinds(self, stub):
        answer = stub.Echo(self.pb.EchoRequest(text="hello", sequence=7, payload=b"abc"), timeout=10)
        assert (answer.text, answer.sequence, answer.payload, answer.seen.server) == ("hello", 7, b"abc", "blue")
        answer = stub.Collect(iter([self.pb.CollectRequest(text=str(n), payload=bytes(n)) for n in range(5)]), timeout=10)
        assert answer.messages == 5 and answer.payload_bytes == 10 and list(answer.texts) == list("01234")
        assert [answer.sequence for answer in stub.Count(self.pb.CountRequest(**{"from": 3, "count": 4}), timeout=10)] == [3, 4, 5, 6]
        assert [answer.text for answer in stub.Chat(iter([self.pb.ChatRequest(text="a"), self.pb.ChatRequest(text="b")]), timeout=10)] == ["a", "b"]

    def test_failing_as_told(self, stub):
        with pytest.raises(grpc.RpcError) as error:
            stub.Echo(self.pb.EchoRequest(instructions={"fail_with_code": 9, "fail_message": "not now"}), timeout=10)
        assert error.value.code() == grpc.StatusCode.FAILED_PRECONDITION and error.value.details() == "not now"

    def test_health_checks_and_watches(self, demo):
        from grpc_health.v1 import health_pb2, health_pb2_grpc
        with channel(demo.address) as opened:
            stub = health_pb2_grpc.HealthStub(opened)
            for service in ("", "martlet.demo.v1.Demo"):
                assert stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status == health_pb2.HealthCheckResponse.SERVING
            with pytest.raises(grpc.RpcError) as error:
                stub.Check(health_pb2.HealthCheckRequest(service="nothing"), timeout=10)
            assert error.value.code() == grpc.StatusCode.NOT_FOUND
            watch = stub.Watch(health_pb2.HealthCheckRequest(service=""), timeout=10)
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            watch.cancel()

    def test_unknown_methods_and_rubbish(self, demo):
        with channel(demo.address) as opened:
            with pytest.raises(grpc.RpcError) as error:
                opened.unary_unary("/martlet.demo.v1.Demo/Nothing")(b"", timeout=10)
            assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
            with pytest.raises(grpc.RpcError) as error:
                opened.unary_unary("/martlet.demo.v1.Demo/Echo")(b"\xff\xff", timeout=10)
            assert error.value.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL)
