"""`martlet call`: the gRPC client for people, against grpcio's servers and through the gateway."""

import base64
import json
import subprocess

import pytest
from google.protobuf import descriptor_pb2
from google.rpc import error_details_pb2, status_pb2

from harness import tokens
from harness.backend import Backend, pb
from harness.gateway import SERVICE, authentication, binary, configuration, run

STATUS = 64


@pytest.fixture(scope="module")
def kinds():
    """grpcio's server with grpcio's reflection in both versions."""
    with Backend("kinds", reflection="v1,v1alpha") as process:
        yield process


def call(address, *words, **options):
    return run("call", address, *words, **options)


def answers(told):
    assert told.returncode == 0, told.stderr
    return [json.loads(line) for line in told.stdout.splitlines()]


@pytest.fixture(scope="module")
def descriptors(tmp_path_factory):
    """The scenarios' definitions as a file for --descriptors."""
    files = descriptor_pb2.FileDescriptorSet()
    pb.DESCRIPTOR.CopyToProto(files.file.add())
    path = tmp_path_factory.mktemp("descriptors") / "scenarios.pb"
    path.write_bytes(files.SerializeToString())
    return path


class TestTheFourKinds:
    def test_unary(self, kinds):
        assert answers(call(kinds.address, f"{SERVICE}/Unary", '{"text": "hello"}'))[0]["text"] == "hello"
        # A method may be written with a dot, and what is left out is an empty message.
        assert answers(call(kinds.address, f"{SERVICE}.Unary"))[0]["backend"] == "kinds"

    def test_a_stream_of_requests(self, kinds, tmp_path):
        method = f"{SERVICE}/Collect"
        asks = ['{"text": "a"}', '{"text": "b"}', '{"text": "c"}']
        lines = tmp_path / "asks.ndjson"
        lines.write_text("\n".join(asks))
        for told in (call(kinds.address, method, *asks), call(kinds.address, method, "[" + ",".join(asks) + "]"),
                     call(kinds.address, method, f"@{lines}"), call(kinds.address, method, "-", input="\n".join(asks)),
                     call(kinds.address, method, input=" ".join(asks))):
            answer, = answers(told)
            assert (answer["text"], answer["received"]) == ("c", 3)
        assert answers(call(kinds.address, method, input="")) == [{"backend": "kinds"}]

    def test_a_stream_of_answers(self, kinds):
        told = answers(call(kinds.address, f"{SERVICE}/Spread", '{"answers": 3}'))
        assert [answer.get("index", 0) for answer in told] == [0, 1, 2]
        assert answers(call(kinds.address, f"{SERVICE}/Spread", '{"answers": 0}')) == []

    def test_both_at_once(self, kinds):
        told = answers(call(kinds.address, f"{SERVICE}/Converse", '{"text": "a"} {"text": "b"}'))
        assert [answer["text"] for answer in told] == ["a", "b"]

    def test_answers_are_printed_before_the_next_question_is_asked(self, kinds):
        child = subprocess.Popen(
            [str(binary()), "call", kinds.address, f"{SERVICE}/Converse", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            for text in ("one", "two"):
                child.stdin.write(json.dumps({"text": text}) + "\n")
                child.stdin.flush()
                assert json.loads(child.stdout.readline())["text"] == text
            child.stdin.close()
            assert child.wait(30) == 0
        finally:
            child.kill()
            child.wait()

    def test_a_large_stream_arrives_whole(self, kinds, tmp_path):
        lines = tmp_path / "asks.ndjson"
        payload = base64.b64encode(bytes(30_000)).decode()
        lines.write_text("".join(json.dumps({"payload": payload}) + "\n" for _ in range(100)))
        answer, = answers(call(kinds.address, f"{SERVICE}/Collect", f"@{lines}"))
        assert (answer["received"], int(answer["receivedBytes"])) == (100, 3_000_000)

    def test_pretty_answers_are_the_same_json(self, kinds):
        plain = call(kinds.address, f"{SERVICE}/Unary", '{"text": "a\\"b, {c}"}')
        pretty = call(kinds.address, "--pretty", f"{SERVICE}/Unary", '{"text": "a\\"b, {c}"}')
        assert plain.stdout.count("\n") == 1 and pretty.stdout.count("\n") > 3
        assert json.loads(pretty.stdout)["text"] == json.loads(plain.stdout)["text"] == 'a"b, {c}'


class TestTheSchema:
    @pytest.mark.parametrize("version", ["v1", "v1alpha"])
    def test_either_version_of_reflection(self, own, version):
        backend = own(Backend("one", reflection=version))
        assert answers(call(backend.address, f"{SERVICE}/Unary", '{"text": "x"}'))[0]["text"] == "x"
        told = call(backend.address, "list")
        assert told.stdout.splitlines() == [f"grpc.reflection.{version}.ServerReflection", "martlet.scenarios.v1.Control", SERVICE]

    def test_methods_are_listed(self, kinds):
        told = call(kinds.address, "list", SERVICE)
        assert told.stdout.splitlines() == [f"{SERVICE}/{method}" for method in ("Unary", "Collect", "Spread", "Converse", "Erase")]

    def test_symbols_are_described(self, kinds):
        told = call(kinds.address, "describe", SERVICE)
        assert "rpc Converse(stream martlet.scenarios.v1.Ask) returns (stream martlet.scenarios.v1.Answer);" in told.stdout
        told = call(kinds.address, "describe", f"{SERVICE}/Unary")
        for line in ("rpc Unary(martlet.scenarios.v1.Ask)", "  optional int32 answers = 4;", "  repeated martlet.scenarios.v1.Metadatum initial = 10;", "message Answer {"):
            assert line in told.stdout
        everything = call(kinds.address, "describe").stdout
        assert "service Kinds {" in everything and "service Control {" in everything

    def test_descriptors_need_no_reflection_and_for_words_no_server(self, own, descriptors):
        backend = own(Backend("bare"))
        told = call(backend.address, f"{SERVICE}/Unary", '{"text": "x"}')
        assert told.returncode == STATUS + 12 and "--descriptors" in told.stderr
        assert answers(call(backend.address, f"{SERVICE}/Unary", '{"text": "x"}', "--descriptors", descriptors))[0]["text"] == "x"
        assert SERVICE in run("call", "list", "--descriptors", descriptors).stdout.splitlines()
        assert "message Ask {" in run("call", "describe", "martlet.scenarios.v1.Ask", "--descriptors", descriptors).stdout

    def test_the_demo_backend_reflects_and_grpcio_agrees(self, martlet):
        from google.protobuf.descriptor_pool import DescriptorPool
        from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
        from harness.caller import channel
        demo = martlet("demo", "--listen", "127.0.0.1:0")
        assert call(demo.address, "list").stdout.splitlines() == ["grpc.health.v1.Health", "martlet.demo.v1.Demo"]
        assert answers(call(demo.address, "martlet.demo.v1.Demo/Echo", '{"text": "hi"}'))[0]["text"] == "hi"
        with channel(demo.address) as opened:
            database = ProtoReflectionDescriptorDatabase(opened)
            assert set(database.get_services()) == {"martlet.demo.v1.Demo", "grpc.health.v1.Health"}
            pool = DescriptorPool(database)
            assert len(pool.FindServiceByName("martlet.demo.v1.Demo").methods) == 4
            assert pool.FindMessageTypeByName("martlet.demo.v1.Instructions").fields_by_name["delay_ms"].number == 1
            with pytest.raises(KeyError):
                pool.FindMessageTypeByName("martlet.demo.v1.Nothing")


class TestMistakes:
    @pytest.mark.parametrize("json_text, said", [
        ('{"initial": [{"key": 1}]}', "initial[0].key: expected a string"), ('{"txet": "x"}', "txet: no such field"),
        ('{"text": "x"', "the JSON ends too early"), ('{"answers": 3000000000}', "answers: out of the range"), ("[]", "expected an object")])
    def test_bad_json_is_told_with_the_place(self, kinds, tag, json_text, said):
        told = call(kinds.address, f"{SERVICE}/Unary", json_text)
        assert told.returncode == 1 and said in told.stderr and not told.stdout

    def test_the_message_of_a_stream_is_told_too(self, kinds):
        told = call(kinds.address, f"{SERVICE}/Collect", "-", input='{"text": "a"} {"text": 2}')
        assert told.returncode == 1 and "[1].text: expected a string" in told.stderr

    @pytest.mark.parametrize("method, said", [
        (f"{SERVICE}/Unarry", f'did you mean "{SERVICE}/Unary"?'), ("Kinds/Spread", f'did you mean "{SERVICE}/Spread"?'),
        (f"{SERVICE.lower()}/unary", f'did you mean "{SERVICE}/Unary"?'), (SERVICE, "its methods are Unary, Collect"), ("x/Y", "there is no method")])
    def test_an_unknown_method(self, kinds, method, said):
        told = call(kinds.address, method, "{}")
        assert told.returncode == 1 and said in told.stderr

    def test_unknown_names_in_list_and_describe(self, kinds):
        assert f'did you mean "{SERVICE}"?' in call(kinds.address, "list", SERVICE + "s").stderr
        told = call(kinds.address, "describe", "martlet.scenarios.v1.Asks")
        assert told.returncode == 1 and 'did you mean "martlet.scenarios.v1.Ask"?' in told.stderr

    @pytest.mark.parametrize("words", [
        [], ["127.0.0.1:1"], ["nowhere", "list"], ["127.0.0.1:0", "list"], ["127.0.0.1:1", "list", "a", "b"], ["127.0.0.1:1", "a/B", "-", "{}"],
        ["127.0.0.1:1", "list", "-H", "no-colon"], ["127.0.0.1:1", "list", "-H", "grpc-timeout: 1S"], ["127.0.0.1:1", "list", "-H", "x-bin: *"],
        ["127.0.0.1:1", "list", "--deadline", "soon"], ["127.0.0.1:1", "list", "--cert", "x"], ["127.0.0.1:1", "list", "--insecure", "--ca", "x"]])
    def test_a_bad_command_line(self, words):
        told = run("call", *words)
        assert told.returncode == STATUS and told.stderr

    def test_files_that_are_not_there(self, kinds, tmp_path):
        for words in (["--token", "@/no/such"], ["--descriptors", "/no/such"], ["--ca", "/no/such"]):
            told = call(kinds.address, "list", *words)
            assert told.returncode == 1 and "/no/such: No such file" in told.stderr
        told = call(kinds.address, f"{SERVICE}/Unary", "@/no/such")
        assert told.returncode == 1 and "/no/such" in told.stderr
        bad = tmp_path / "bad.pb"
        bad.write_bytes(b"\x0a\xff")
        assert "FileDescriptorSet" in call(kinds.address, "list", "--descriptors", bad).stderr

    def test_nobody_there(self, closed_port):
        told = call(closed_port, "list")
        assert told.returncode == 2 and "Connection refused" in told.stderr
        told = call("nowhere.invalid:1", "list")
        assert told.returncode == 2 and "nowhere.invalid" in told.stderr


class TestStatuses:
    @pytest.mark.parametrize("code", [1, 5, 9, 16])
    def test_the_exit_status_is_the_code(self, kinds, code):
        told = call(kinds.address, f"{SERVICE}/Unary", json.dumps({"failCode": code, "failMessage": "not now"}))
        assert told.returncode == STATUS + code and told.stderr.strip().endswith(": not now")

    def test_answers_before_a_failure_are_printed(self, kinds):
        told = call(kinds.address, f"{SERVICE}/Spread", '{"answers": 2, "failCode": 10}')
        assert told.returncode == STATUS + 10 and len(told.stdout.splitlines()) == 2 and "ABORTED" in told.stderr

    def test_details_are_readable(self, kinds):
        status = status_pb2.Status(code=3, message="bad order")
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field="items[2].id", description="must not be empty")
        bad.field_violations.add(field="name", description="is too long")
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(1500)
        known = pb.Tag(tag="seen")
        for detail in (error_details_pb2.ErrorInfo(reason="BAD_ORDER", domain="acme.dev", metadata={"id": "7"}), bad, retry, known):
            status.details.add().Pack(detail)
        quota = error_details_pb2.QuotaFailure()
        quota.violations.add(subject="tenant:acme", description="5 a minute")
        status.details.add().Pack(quota)
        packed = base64.b64encode(status.SerializeToString()).decode()
        told = call(kinds.address, f"{SERVICE}/Unary", json.dumps({
            "failCode": 3, "failMessage": "bad order", "trailing": [{"key": "grpc-status-details-bin", "value": packed}]}))
        assert told.returncode == STATUS + 3
        assert told.stderr.splitlines() == [
            "INVALID_ARGUMENT: bad order", "  ErrorInfo: reason BAD_ORDER, domain acme.dev, id=7",
            "  BadRequest: items[2].id: must not be empty; name: is too long", "  RetryInfo: retry after 1.5s",
            '  martlet.scenarios.v1.Tag: {"@type":"type.googleapis.com/martlet.scenarios.v1.Tag","tag":"seen"}',
            "  QuotaFailure: tenant:acme: 5 a minute"]

    def test_a_deadline(self, kinds, tag):
        told = call(kinds.address, "--deadline", "3s", f"{SERVICE}/Unary", json.dumps({"tag": tag, "hold": True}))
        assert told.returncode == STATUS + 4 and "DEADLINE_EXCEEDED" in told.stderr
        kinds.wait_for_call(tag, state="cancelled")
        answer, = answers(call(kinds.address, "--deadline", "1h", f"{SERVICE}/Unary", "{}"))
        assert 3_000_000 < int(answer["timeRemainingMs"]) <= 3_600_000


class TestMetadata:
    def test_headers_are_sent(self, kinds):
        binary_value = base64.b64encode(b"\x00\xff").decode()
        answer, = answers(call(kinds.address, "-H", "x-tenant: acme", "-H", f"x-raw-bin:{binary_value}", "--token", "abc", f"{SERVICE}/Unary"))
        seen = {item["key"]: base64.b64decode(item.get("value", "")) for item in answer["metadata"]}
        assert (seen["x-tenant"], seen["x-raw-bin"], seen["authorization"]) == (b"acme", b"\x00\xff", b"Bearer abc")

    def test_head_and_trailers_are_told(self, kinds):
        ask = {"initial": [{"key": "x-first", "value": "MQ=="}], "trailing": [{"key": "x-last", "value": "Mg=="}]}
        told = call(kinds.address, "-v", "--token", "secret-token", f"{SERVICE}/Unary", json.dumps(ask))
        assert told.returncode == 0 and "< x-first: 1" in told.stderr and "< x-last: 2" in told.stderr
        assert told.stderr.splitlines()[-1] == "OK" and "secret-token" not in told.stderr


class TestThroughTheGateway:
    @pytest.fixture
    def running(self, gateway, kinds, server_identity, signing_key):
        return gateway(configuration(
            kinds, identity=server_identity, authentication=authentication(signing_key),
            routes=[{"service": SERVICE, "cluster": "kinds", "allow": {"scopes": ["read"]}, "methods": {"Spread": {"limits": ["1/day"]}}},
                    {"service": "grpc.reflection.v1.ServerReflection", "cluster": "kinds"}]))

    @pytest.fixture
    def token(self, signing_key, tmp_path):
        file = tmp_path / "token"
        file.write_text(signing_key.token(scope="read") + "\n")
        return f"@{file}"

    def test_tls_and_a_token(self, running, pki, token):
        trust = ["--ca", pki.file]
        answer, = answers(call(running.address, *trust, "--token", token, f"{SERVICE}/Unary", '{"text": "x"}'))
        assert answer["text"] == "x"

    def test_refusals_with_their_details(self, running, pki, token, signing_key):
        trust = ["--ca", pki.file]
        told = call(running.address, *trust, f"{SERVICE}/Unary")
        assert told.returncode == STATUS + 16 and "UNAUTHENTICATED" in told.stderr and "ErrorInfo: reason" in told.stderr
        told = call(running.address, *trust, "--token", signing_key.token(scope="other"), f"{SERVICE}/Unary")
        assert told.returncode == STATUS + 7 and "PERMISSION_DENIED" in told.stderr
        assert answers(call(running.address, *trust, "--token", token, f"{SERVICE}/Spread"))
        told = call(running.address, *trust, "--token", token, f"{SERVICE}/Spread")
        assert told.returncode == STATUS + 8
        for detail in ("RESOURCE_EXHAUSTED", "  ErrorInfo: reason", "  QuotaFailure: ", "  RetryInfo: retry after "):
            assert detail in told.stderr

    def test_a_certificate_that_is_not_trusted(self, running, pki, token):
        told = call(running.address, "--tls", "--token", token, "list")
        assert told.returncode == 2 and "certificate" in told.stderr
        told = call(running.address, "--ca", pki.file, "--server-name", "other.test", "--token", token, "list")
        assert told.returncode == 2 and "certificate" in told.stderr
        assert SERVICE in call(running.address, "--insecure", "--token", token, "list").stdout
        assert SERVICE in call(running.address, "--ca", pki.file, "--server-name", "localhost", "--token", token, "list").stdout

    def test_tls_to_a_server_without(self, kinds):
        told = call(kinds.address, "--insecure", "list")
        assert told.returncode == 2 and told.stderr

    def test_a_client_certificate(self, own, pki, server_identity):
        backend = own(Backend("mutual", identity=server_identity, client_ca=pki.file, reflection="v1"))
        client = pki.issue("call-client", client=True, common_name="alice")
        shown = ["--ca", pki.file, "--cert", client.certificate, "--key", client.private_key]
        assert answers(call(backend.address, *shown, f"{SERVICE}/Unary", '{"text": "x"}'))[0]["text"] == "x"
        assert call(backend.address, "--ca", pki.file, "list").returncode in (2, STATUS + 14)
