"""Claims on their way to the backend as headers, and nothing that a caller could forge."""

import pytest

from harness.backend import ask, metadata
from harness.caller import Caller
from harness.gateway import SERVICE, authentication, configuration, run

FORWARDED = {"x-sub": "sub", "x-roles": "realm.roles", "x-level": "level", "x-admin": "admin", "x-name": "name"}


@pytest.fixture
def seen(gateway, backend, signing_key):
    running = gateway(configuration(
        backend, authentication=authentication(signing_key, forward_claims=FORWARDED),
        routes=[{"service": SERVICE, "headers": {"x-open": "1"}, "cluster": "kinds", "allow": "anyone"},
                {"service": SERVICE, "cluster": "kinds"}]))

    def seen(metadata_sent=(), anonymous=False, **claims):
        with Caller(running.address, token=None if anonymous else signing_key.token(**claims)) as caller:
            return metadata(caller.unary(ask(), metadata=metadata_sent))
    return seen


@pytest.mark.parametrize("claims, header, value", [
    ({"sub": "alice"}, "x-sub", "alice"),
    ({"level": 7}, "x-level", "7"),
    ({"level": -2.5}, "x-level", "-2.5"),
    ({"admin": True}, "x-admin", "true"),
    ({"admin": False}, "x-admin", "false"),
    ({"realm": {"roles": ["a", "b"]}}, "x-roles", "a,b"),
    ({"realm": {"roles": ["a,b", "c"]}}, "x-roles", "a%2Cb,c"),
    ({"name": "Zoë"}, "x-name", "Zo%C3%AB"),
    ({"name": "a,b"}, "x-name", "a,b"),
    ({"name": "line\nbreak"}, "x-name", "line%0Abreak"),
    ({"name": "tab\tand\x7f"}, "x-name", "tab%09and%7F"),
], ids=lambda value: str(value)[:30])
def test_a_claim_as_a_header(seen, claims, header, value):
    assert seen(**claims)[header] == [value]


@pytest.mark.parametrize("claims, header", [({}, "x-level"), ({"realm": {}}, "x-roles"), ({"realm": "flat"}, "x-roles"),
                                            ({"level": None}, "x-level")])
def test_a_missing_claim_sends_no_header(seen, claims, header):
    assert header not in seen(**claims)


@pytest.mark.parametrize("anonymous", [False, True], ids=["with-token", "without-token"])
def test_what_the_caller_sends_under_these_names_is_removed(seen, anonymous):
    forged = [("x-roles", "root"), ("x-level", "99"), ("x-admin", "true")] + ([("x-open", "1")] if anonymous else [])
    got = seen(forged, anonymous=anonymous)
    assert not {"x-roles", "x-level", "x-admin"} & set(got)


@pytest.mark.parametrize("target", [":path", "connection", "te", "grpc-timeout", "host", "authorization", "content-type",
                                    "transfer-encoding", "X Y", ""])
def test_targets_that_are_mistakes(tmp_path, signing_key, target):
    import json
    file = tmp_path / "martlet.yaml"
    file.write_text(json.dumps(configuration(
        "127.0.0.1:1", authentication=authentication(signing_key, forward_claims={target: "sub"}))))
    told = run("check", file)
    assert told.returncode == 1 and "forward_claims" in told.stdout + told.stderr
