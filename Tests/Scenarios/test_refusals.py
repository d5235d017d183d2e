"""Every refusal of our own, as gRPC callers and as JSON callers see it."""

import json

import pytest

from harness import h2raw
from harness.gateway import SERVICE, authentication, cluster, configuration, open_route
from google.rpc import error_details_pb2, status_pb2

UNARY = f"/{SERVICE}/Unary"
MESSAGE = h2raw.grpc_message(b"")


@pytest.fixture
def running(gateway, backend, silent, signing_key):
    return gateway(configuration(
        authentication=authentication(signing_key),
        clusters={"kinds": cluster(backend), "nobody": cluster("127.0.0.1:1"), "silent": cluster(silent)},
        routes=[
            {"name": "over", "path": UNARY, "headers": {"x-case": "over"}, "cluster": "kinds", "allow": "anyone",
             "limits": ["1/day per header x-who"]},
            {"name": "nobody", "path": UNARY, "headers": {"x-case": "nobody"}, "cluster": "nobody", "allow": "anyone"},
            open_route("silent", headers={"x-case": "slow"}, name="slow", timeout="200ms"),
            {"name": "scoped", "service": SERVICE, "headers": {"x-case": "scoped"}, "cluster": "kinds", "allow": {"scopes": ["write"]}},
            {"name": "closed", "service": SERVICE, "cluster": "kinds"}]))


#        name               gRPC HTTP  fields
CASES = [
    ("no-route",            12, 404, lambda key: []),
    ("no-token",            16, 401, lambda key: []),
    ("bad-token",           16, 401, lambda key: [("authorization", "Bearer a.b.c")]),
    ("not-allowed",          7, 403, lambda key: [("x-case", "scoped"), ("authorization", f"Bearer {key.token()}")]),
    ("over",                 8, 429, lambda key: [("x-case", "over")]),
    ("nobody",              14, 503, lambda key: [("x-case", "nobody")]),
    ("slow",                 4, 504, lambda key: [("x-case", "slow")]),
]


# A backend that speaks only gRPC does not hold a JSON call, so a JSON caller has no slow one.
FORMS = [(form, *case) for form in ("grpc", "json") for case in CASES if (form, case[0]) != ("json", "slow")]


@pytest.mark.parametrize("form, name, grpc_status, http_status, fields", FORMS, ids=[f"{case[0]}-{case[1]}" for case in FORMS])
def test_a_refusal_in_the_callers_own_protocol(running, signing_key, form, name, grpc_status, http_status, fields):
    path = "/no.such.Service/Method" if name == "no-route" else UNARY
    sent = fields(signing_key) + [("x-who", form)] + ([("content-type", "application/json")] if form == "json" else [])
    with h2raw.Client(running.address) as client:
        if name == "over":
            client.call(path, MESSAGE, fields=sent)
        answer = client.call(path, MESSAGE, fields=sent)
        head = dict(answer.head)
        if form == "grpc":
            assert answer.status == 200 and answer.grpc_status == grpc_status
            assert head["content-type"].startswith("application/grpc")
            assert answer.trailers_only, "nothing was sent before"
            details = answer.field("grpc-status-details-bin")
            status = status_pb2.Status.FromString(_decode(details))
            assert status.code == grpc_status and len(details) <= 1400
            info = error_details_pb2.ErrorInfo()
            assert any(item.Unpack(info) for item in status.details)
            assert info.domain and info.reason.replace("_", "").isupper()
        else:
            assert answer.status == http_status
            assert head["content-type"].startswith("application/json") and "grpc-status" not in head
            body = json.loads(answer.body)
            assert body["code"] == grpc_status and body["message"]
            kinds = [detail["@type"] for detail in body["details"]]
            assert "type.googleapis.com/google.rpc.ErrorInfo" in kinds
            assert int(head["content-length"]) == len(answer.body)
        if grpc_status == 16:
            assert answer.field("www-authenticate").startswith("Bearer")
        if name == "bad-token":
            assert 'error="invalid_token"' in answer.field("www-authenticate")
        if name == "not-allowed":
            assert 'error="insufficient_scope"' in answer.field("www-authenticate")
        if name == "over":
            assert int(answer.field("retry-after")) >= 1
        client.ping()


def _decode(text):
    import base64
    return base64.b64decode(text + "=" * (-len(text) % 4))


def test_the_rules_name_goes_to_the_log_and_not_to_the_caller(running, signing_key):
    with h2raw.Client(running.address) as client:
        answer = client.call(UNARY, MESSAGE, fields=[("x-case", "scoped"), ("authorization", f"Bearer {signing_key.token()}")])
        assert "scoped" not in repr(answer)
    line = running.wait_for_log(lambda line: line.get("grpc_status") == 7)
    assert "scoped" in json.dumps(line)


def test_head_only_answers_to_head(running):
    with h2raw.Client(running.address) as client:
        answer = client.call("/nothing", None, method="HEAD", fields=[("content-type", "application/json")])
        assert answer.status == 404 and answer.body == b""


def test_a_refused_upload_does_not_hold_the_connection(running):
    """The refusal comes before the body; whoever goes on sending is told to stop, and others are served."""
    with h2raw.Client(running.address) as client:
        stream = client.request(UNARY, bytes(10_000), end=False)
        assert client.answer(stream).grpc_status == 16
        assert client.call("/no.such.Service/Method").grpc_status == 12
        client.ping()
