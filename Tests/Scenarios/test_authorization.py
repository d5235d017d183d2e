"""Who may call what: every kind of rule, and how rules are put together."""

import grpc
import pytest

from harness.backend import ask
from harness.caller import Caller
from harness.gateway import SERVICE, authentication, cluster, configuration
from harness.library import NAME, Served, descriptors
from harness.waiting import eventually
from harness.web import Connect, Web, post
from harness.web_backend import WebBackend

OK, NOT_ALLOWED, WHO = grpc.StatusCode.OK, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture
def outcome(gateway, backend, signing_key):
    """Status of a call under these rules: `outcome({"allow": …}, scope="read")`."""
    started = {}

    def outcome(rules, *, token=True, metadata=(), method="Unary", route_only=None, **claims):
        key = repr(rules)
        if key not in started:
            started[key] = gateway(configuration(
                backend, authentication=authentication(signing_key), trusted_proxies=["127.0.0.0/8"],
                routes=[{"service": SERVICE, "cluster": "kinds", **rules}]))
        with Caller(started[key].address, token=signing_key.token(**claims) if token else None) as caller:
            try:
                caller.unary(ask(), metadata=metadata, method=method)
                return OK
            except grpc.RpcError as error:
                return error.code()
    return outcome


def test_without_a_word_an_authenticated_caller_is_needed(outcome):
    assert outcome({}) == OK
    assert outcome({}, token=False) == WHO


def test_anyone_is_said_aloud(outcome):
    assert outcome({"allow": "anyone"}, token=False) == OK


def test_a_bad_token_is_refused_even_where_anyone_may_call(outcome):
    assert outcome({"allow": "anyone"}, metadata=[("authorization", "Bearer x.y.z")], token=False) == WHO


def test_scopes_mean_all_of_them(outcome):
    rules = {"allow": {"scopes": ["read", "write"]}}
    assert outcome(rules, scope="read write") == OK
    assert outcome(rules, scope="write other read") == OK
    assert outcome(rules, scope=["read", "write"]) == OK
    assert outcome(rules, scope="read") == NOT_ALLOWED
    assert outcome(rules, scope="readwrite") == NOT_ALLOWED
    assert outcome(rules) == NOT_ALLOWED
    assert outcome(rules, token=False) == WHO


def test_claims_by_value_element_and_path(outcome):
    rules = {"allow": {"claim": {"role": "admin", "org.id": "7"}}}
    assert outcome(rules, role="admin", org={"id": "7"}) == OK
    assert outcome(rules, role=["user", "admin"], org={"id": 7}) == OK
    assert outcome(rules, role="admin") == NOT_ALLOWED
    assert outcome(rules, role="administrator", org={"id": "7"}) == NOT_ALLOWED


def test_claims_and_headers_by_the_one_matcher(outcome):
    rules = {"allow": {"claim": {"role": ["admin", {"prefix": "ops-"}], "level": {"minimum": 3}, "banned": {"present": False}}}}
    assert outcome(rules, role="admin", level=3) == OK
    assert outcome(rules, role=["user", "ops-eu"], level="12") == OK
    assert outcome(rules, role="admin", level=2) == NOT_ALLOWED
    assert outcome(rules, role="operator", level=3) == NOT_ALLOWED
    assert outcome(rules, role="admin", level=3, banned="yes") == NOT_ALLOWED
    rules = {"allow": {"claim": [{"path": ["https://acme.dev/role"], "suffix": "min"}]}, "deny": {"header": {"x-team": {"regex": "[a-c]+"}}}}
    assert outcome(rules, **{"https://acme.dev/role": "admin"}) == OK
    assert outcome(rules, **{"https://acme.dev/role": "user"}) == NOT_ALLOWED
    assert outcome(rules, metadata=[("x-team", "abc")], **{"https://acme.dev/role": "admin"}) == NOT_ALLOWED
    assert outcome(rules, metadata=[("x-team", "abd")], **{"https://acme.dev/role": "admin"}) == OK


def test_values_of_a_file_count_once_they_are_there(gateway, backend, signing_key, tmp_path):
    revoked = tmp_path / "revoked.txt"
    revoked.write_text("# none yet\n")
    running = gateway(configuration(
        backend, authentication=authentication(signing_key),
        routes=[{"service": SERVICE, "cluster": "kinds", "deny": {"claim": {"jti": {"file": str(revoked)}}}}]))
    with Caller(running.address, token=signing_key.token(jti="t1")) as caller, Caller(running.address, token=signing_key.token(jti="t2")) as other:
        assert caller.unary(ask("x")).text == "x"
        revoked.write_text("t0\n t1 \r\n")
        eventually(lambda: caller.refusal(ask()).code == NOT_ALLOWED, "the revoked token")
        assert other.unary(ask("x")).text == "x"
        # A list that is too long changes nothing, and says why.
        revoked.write_text("x" * (4 << 20) + "\nt2")
        running.process.wait_for(lambda line: "expected at most 4MiB" in line, "refused list")
        assert caller.refusal(ask()).code == NOT_ALLOWED and other.unary(ask("x")).text == "x"


def test_headers(outcome):
    rules = {"allow": {"header": {"x-team": "a"}}}
    assert outcome(rules, metadata=[("x-team", "a")]) == OK
    assert outcome(rules, metadata=[("x-team", "b")]) == NOT_ALLOWED
    assert outcome(rules) == NOT_ALLOWED


def test_addresses(outcome):
    rules = {"allow": {"address": ["10.0.0.0/8", "2001:db8::/32"]}}
    assert outcome(rules, metadata=[("x-forwarded-for", "10.9.9.9")]) == OK
    assert outcome(rules, metadata=[("x-forwarded-for", "2001:db8::1")]) == OK
    assert outcome(rules, metadata=[("x-forwarded-for", "10.9.9.9, 11.0.0.1")]) == NOT_ALLOWED, "the right-most stranger"
    assert outcome(rules) == NOT_ALLOWED


def test_any_all_and_not(outcome):
    rules = {"allow": {"any": [{"scopes": ["root"]},
                               {"all": [{"claim": {"role": "ops"}}, {"not": {"header": {"x-risky": "*"}}}]}]}}
    assert outcome(rules, scope="root") == OK
    assert outcome(rules, role="ops") == OK
    assert outcome(rules, role="ops", metadata=[("x-risky", "1")]) == NOT_ALLOWED
    assert outcome(rules, role="dev") == NOT_ALLOWED


def test_deny_comes_first(outcome):
    rules = {"allow": {"scopes": ["read"]}, "deny": {"header": {"x-legacy": "*"}}}
    assert outcome(rules, scope="read") == OK
    assert outcome(rules, scope="read", metadata=[("x-legacy", "")]) == NOT_ALLOWED


def test_a_methods_allow_replaces_and_its_deny_adds(outcome):
    rules = {"allow": {"scopes": ["read"]}, "deny": {"header": {"x-legacy": "*"}},
             "methods": {"Erase": {"allow": {"scopes": ["erase"]}, "deny": {"header": {"x-old": "*"}}}}}
    assert outcome(rules, method="Erase", scope="erase") == OK
    assert outcome(rules, method="Erase", scope="read") == NOT_ALLOWED
    assert outcome(rules, method="Erase", scope="erase", metadata=[("x-legacy", "1")]) == NOT_ALLOWED
    assert outcome(rules, method="Erase", scope="erase", metadata=[("x-old", "1")]) == NOT_ALLOWED
    assert outcome(rules, method="Unary", scope="read", metadata=[("x-old", "1")]) == OK


def test_not_does_not_let_strangers_in(outcome):
    assert outcome({"allow": {"not": {"claim": {"role": "banned"}}}}, token=False) == WHO
    assert outcome({"allow": {"not": {"claim": {"role": "banned"}}}}, role="x") == OK
    assert outcome({"allow": {"not": {"claim": {"role": "banned"}}}}, role="banned") == NOT_ALLOWED


def test_a_missing_scope_is_named_to_the_caller(gateway, backend, signing_key):
    running = gateway(configuration(
        backend, authentication=authentication(signing_key),
        routes=[{"service": SERVICE, "cluster": "kinds", "allow": {"scopes": ["orders.write"]}}]))
    with Caller(running.address, token=signing_key.token()) as caller:
        seen = caller.refusal(ask())
        assert "insufficient_scope" in seen.header("www-authenticate") and "orders.write" in seen.header("www-authenticate")
        assert seen.reason


def test_http_methods_over_every_protocol(gateway, backend, own, tmp_path):
    """As the caller sent them, whatever becomes of the call."""
    rest, library = own(WebBackend()), own(Served())
    descriptors(tmp_path / "library.binpb")
    reads = {"allow": {"http_method": ["GET", "HEAD"]}}
    running = gateway(configuration(
        clusters={"kinds": cluster(backend), "web": cluster(rest, protocol="http1"),
                  "books": cluster(library, schema={"descriptors": [str(tmp_path / "library.binpb")]})},
        routes=[{"path": "/ro/*", "cluster": "web", **reads},
                {"path": "/rw/*", "cluster": "web", "allow": "anyone", "deny": {"all": [{"http_method": "DELETE"}, {"not": {"header": {"x-sure": "*"}}}]}},
                {"service": NAME, "cluster": "books", **reads}, {"service": SERVICE, "cluster": "kinds", **reads}]))

    def status(method, path, version, **head):
        return post(running.address, version, path, head, b"{}" if method in ("POST", "PUT") else b"", method)[0]
    for version in ("http1", "http2"):
        for method, expected in {"GET": 200, "HEAD": 200, "POST": 403, "DELETE": 403, "PUT": 403}.items():
            assert status(method, "/ro/a", version) == expected, method
        assert status("GET", "/ro/a", version, **{"x-http-method-override": "DELETE"}) == 200
        assert status("DELETE", "/rw/a", version) == 403 and status("DELETE", "/rw/a", version, **{"x-sure": "1"}) == 200
        for method in ("delete", "Delete"):
            code, _, body = post(running.address, version, "/rw/a", {}, b"", method)
            assert code == 400 and b"capital letters" in body, method
        # A GET that means an RPC is a GET; a POST that means the same is none.
        assert status("GET", "/v1/books/a", version) == 200
        assert status("POST", f"/{NAME}/GetBook", version, **{"content-type": "application/json"}) == 403
        query = "?connect=v1&encoding=json&message=%7B%22name%22%3A%22books%2Fa%22%7D"
        assert status("GET", f"/{NAME}/GetBook{query}", version) == 200
    for protocol in (Web(False), Web(True), Connect(False), Connect(True)):
        head, body = protocol.request([ask().SerializeToString()])
        assert protocol.read(*post(running.address, "http2", f"/{SERVICE}/Unary", head, body)).code == NOT_ALLOWED.value[0]
    with Caller(running.address) as caller:
        assert caller.refusal(ask()).code == NOT_ALLOWED
    assert {request["method"] for request in rest.requests} == {"GET", "HEAD", "DELETE"}
