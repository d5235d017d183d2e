"""`martlet check`: every mistake at once, each at its place, with what was found and what was expected."""

import re
import textwrap

import pytest

from harness.gateway import ROOT, run

GOOD = """\
listeners:
  - address: 127.0.0.1:8443
authentication:
  issuers:
    - { issuer: "https://auth.acme.dev", audiences: [orders], jwks: "https://auth.acme.dev/jwks.json" }
  tenant: claim tenant
  plan: claim plan
plans:
  free: { limits: [50/s burst 100, 10000/day] }
  pro:  { limits: [2000/s, 5000000/month] }
rate_limits: { store: "redis://127.0.0.1:6379" }
clusters:
  orders: { endpoints: [10.0.0.11:50051, 10.0.0.12:50051] }
routes:
  - service: acme.orders.v1.Orders
    cluster: orders
    allow: { scopes: [orders.read] }
    methods:
      CreateOrder: { allow: { scopes: [orders.write] }, limits: [10/s per tenant] }
"""


def test_what_can_never_work_is_told(check, pki, tmp_path):
    for key, value, words in [
            ("  - service: acme.orders.v1.Orders", "  - path: /v1/{id}", 'found "/v1/{id}", expected a path as callers send it'),
            ("  - service: acme.orders.v1.Orders", "  - path: ^/v1/[a-z]+$", "a regular expression is written { regex: … }"),
            ('"https://auth.acme.dev/jwks.json"', str(pki.file), "the certificate of an authority"),
            ("    cluster: orders\n", "    <<: { cluster: orders }\n", "found a merge key (<<)"),
            ("    cluster: orders\n", "    cluster: orders\n    retry: { true: [unavailable] }\n", 'did you mean "on"?')]:
        text = GOOD.replace(key, value)
        assert text != GOOD
        status, lines = check(text)
        assert status == 1 and any(words in line for line in lines), lines


def test_a_text_alone_is_a_list_of_one(check):
    text = (GOOD.replace("audiences: [orders]", "audiences: orders").replace("scopes: [orders.read]", "scopes: orders.read")
            .replace("endpoints: [10.0.0.11:50051, 10.0.0.12:50051]", "endpoints: 10.0.0.11:50051")
            .replace("    cluster: orders\n", '    cluster: orders\n    cors: { origins: "*", methods: POST, credentials: false }\n'))
    assert check(text) == check(GOOD)


@pytest.fixture
def check(tmp_path):
    """Exit status and the lines told about this text."""
    def check(text, **options):
        file = tmp_path / "martlet.yaml"
        file.write_text(text)
        told = run("check", "martlet.yaml", folder=tmp_path, **options)
        return told.returncode, [line for line in (told.stdout + told.stderr).splitlines() if line.strip()]
    return check


def documented(pattern):
    """What matches in README.md and in the pages of the handbook."""
    pages = [ROOT / "README.md", *sorted((ROOT / "Sources/martlet/Martlet.docc").glob("*.md"))]
    return [found for page in pages for found in re.findall(pattern, page.read_text(), re.DOTALL)]


def replaced(old, new):
    assert old in GOOD
    return GOOD.replace(old, new)


def place(old, new, needle):
    """The line and column of `needle` in the changed text."""
    text = replaced(old, new)
    before = text[:text.index(needle)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def test_the_short_configuration_of_the_manual_is_right(check):
    assert check(GOOD)[0] == 0


#   what is changed              into                                    where          what is said
WRONG = [
    ("rate_limits:",              "rate_limit:",                          "rate_limit:", ['unknown key', 'did you mean "rate_limits"']),
    ("endpoints:",                "endpionts:",                           "endpionts",   ['unknown key', 'did you mean "endpoints"']),
    ("127.0.0.1:8443",            "127.0.0.1:99999",                      "127.0.0.1:99999", ["127.0.0.1:99999", "expected"]),
    ("50/s burst 100",            "50/fortnight",                         None,          ["expected", "s, min, h, day, week or month"]),
    ("10000/day",                 "10000/day burst 5",                    None,          ["burst"]),
    ("cluster: orders",           "cluster: order",                       "order\n",     ['"order"', 'did you mean "orders"']),
    ("audiences: [orders], ",     "",                                     None,          ["audiences"]),
    ("redis://127.0.0.1:6379",    "redis//127.0.0.1:6379",                None,          ["redis//127.0.0.1:6379", "expected"]),
    ("tenant: claim tenant",      "tenant: header x",                     "header x",    ["header x", "claim"]),
    ("scopes: [orders.read]",     "scope: [orders.read]",                 "scope:",      ['unknown key', 'did you mean "scopes"']),
    ("10/s per tenant",           "10/s per tennant",                     None,          ["tenant"]),
    ("    cluster: orders\n",     "    cluster: orders\n    timeout: 5 parsecs\n", "5 parsecs", ['"5 parsecs"', "duration"]),
    ("    cluster: orders\n",     "    cluster: orders\n    transcode: yes\n", "transcode", ["unknown key"]),
    ("listeners:",                "workers: none\nlisteners:",            "none",        ['"none"', "auto"]),
    ("10.0.0.12:50051]",          "10.0.0.12]",                           "10.0.0.12]",  ["10.0.0.12"]),
    ("    allow: { scopes: [orders.read] }\n", "    allow: anyone\n    limits: [5/s per tenant]\n", None, ["tenant"]),
]


@pytest.mark.parametrize("old, new, needle, said", WRONG, ids=[case[1].strip()[:30].replace("\n", " ") or "left out" for case in WRONG])
def test_a_mistake_is_told_with_its_place(check, old, new, needle, said):
    status, lines = check(replaced(old, new))
    assert status == 1
    assert all(re.match(r"martlet\.yaml:\d+:\d+: ", line) for line in lines), lines
    told = "\n".join(lines)
    for words in said:
        assert words in told, told
    if needle:
        line, column = place(old, new, needle)
        assert any(entry.startswith(f"martlet.yaml:{line}:{column}:") for entry in lines), (line, column, lines)


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(check):
    text = GOOD
    for old, new in (("127.0.0.1:8443", "nowhere"), ("50/s burst 100", "50/x"), ("endpoints", "endpionts"), ("orders.read]", "orders.read], rolls: x")):
        text = text.replace(old, new)
    status, lines = check(text)
    assert status == 1 and len(lines) >= 4
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("text, said", [
    ("listeners: [\n", "martlet.yaml:"), ("a: 1\na: 2\n", '"a"'), ("", "expected"), ("- 1\n", "expected"), ("listeners:\n\t- x\n", "martlet.yaml:"),
    ("clusters: { a: { endpoints: [[::1]:50051] } }\n", "quote"), ("x: *unknown\n", "martlet.yaml:")],
    ids=["open-list", "duplicate", "empty", "list", "tab", "brackets", "alias"])
def test_what_is_no_yaml_or_no_mapping(check, text, said):
    status, lines = check(text)
    assert status == 1 and said in "\n".join(lines)


def test_a_route_that_can_never_be_reached(check):
    status, lines = check(GOOD + "  - service: acme.orders.v1.Orders\n    cluster: orders\n    headers: { x-a: b }\n")
    assert status == 1 and "routes[1]" in "\n".join(lines)


def test_needing_a_caller_where_nobody_is_authenticated(check):
    status, lines = check(textwrap.dedent("""\
        listeners: [{ address: 127.0.0.1:0 }]
        clusters: { a: { endpoints: [127.0.0.1:1] } }
        routes: [{ service: a.B, cluster: a }]
        """))
    assert status == 1 and "allow" in "\n".join(lines)


def test_variables_come_from_the_environment_and_secrets_are_not_told(check):
    text = replaced("redis://127.0.0.1:6379", "redis://:${PASSWORD}@127.0.0.1:x")
    status, lines = check(text, environment={"PASSWORD": "s3cret-of-mine"})
    assert status == 1 and "s3cret-of-mine" not in "\n".join(lines)
    status, lines = check(replaced("127.0.0.1:8443", "${NOT_SET_ANYWHERE}"))
    assert status == 1 and "NOT_SET_ANYWHERE" in "\n".join(lines)
    assert check(replaced("127.0.0.1:8443", "${PLACE}"), environment={"PLACE": "127.0.0.1:8443"})[0] == 0


def test_files_and_places_are_looked_at_beside_mistakes_in_the_text(check, tmp_path):
    (tmp_path / "a.log").write_text("")
    text = GOOD.replace("address: 127.0.0.1:8443", "address: unix:/nonexistent/martlet.sock\n    tls: { certificate: nope, private_key: nope.key }")
    text = text.replace("orders.read]", "orders.read], rolls: x").replace("12:50051] }", "12:50051], tls: { ca: nope.ca } }")
    status, lines = check(f"access_log: /nonexistent/x.log\n{text}")
    told = "\n".join(lines)
    assert status == 1 and len(lines) == 6, lines
    for words in ("/nonexistent/x.log", "/nonexistent/martlet.sock", '"nope"', '"nope.key"', '"nope.ca"', "rolls"):
        assert words in told, told
    for path, expected in (("/tmp", 1), ("./a.log", 0), ("./new.log", 0), ("access.log", 1)):
        status, lines = check(f"access_log: {path}\n{GOOD}")
        assert status == expected, lines
    assert "with a slash" in lines[0]
    assert not (tmp_path / "new.log").exists()


def test_serve_refuses_places_that_check_refuses(tmp_path):
    (tmp_path / "martlet.yaml").write_text(
        "admin: { address: 127.0.0.1:0 }\n" + GOOD.replace("127.0.0.1:8443", "unix:/nonexistent/martlet.sock"))
    told = run("serve", "martlet.yaml", folder=tmp_path)
    assert told.returncode == 1 and "martlet.yaml:3:14: listeners[0].address: " in told.stderr


def test_rules_of_the_rate_limit_service_are_checked_as_such(check):
    examples = documented(r"```\n(listeners:.*?)```")
    assert len(examples) == 1
    status, lines = check(examples[0])
    assert status == 0 and lines == ["martlet.yaml: good, as a configuration of martlet ratelimit"]
    status, lines = check(examples[0].replace("minute", "minuet").replace("listeners:", "routs: 1\nlisteners:"))
    assert status == 1 and 'did you mean "minute"' in lines[1] and "routs" in lines[0]
    assert lines[2:] == ["martlet.yaml: checked, as a configuration of martlet ratelimit"]


@pytest.mark.parametrize("text, said", [
    ("a: &a [*a]\n", "martlet.yaml:1:8: found \"*a\" inside of what &a names"),
    ("a: 1\n---\nb: 1\n", "martlet.yaml:2:1: found a second document, expected one"),
    ("a: " + "[" * 2000 + "]" * 2000, "found more than 32 levels of nesting")], ids=["itself", "second", "deep"])
def test_yaml_stops_in_plain_words(check, text, said):
    status, lines = check(text)
    assert status == 1 and len(lines) == 1 and said in lines[0], lines


def test_a_byte_order_mark_is_no_mistake(check):
    assert check("\ufeff" + GOOD)[0] == 0


def test_a_limit_is_told_as_it_is_written(check):
    text = replaced("redis://127.0.0.1:6379", "grpc://127.0.0.1:1").replace("10/s per tenant", "5_000 / 2 min per header x-lim")
    status, lines = check(text)
    assert status == 1 and '"5_000 / 2 min per header x-lim"' in "\n".join(lines), lines


def test_a_secret_in_the_file_is_a_warning_only(check):
    status, lines = check(replaced("redis://127.0.0.1:6379", "redis://:s3cret-of-mine@127.0.0.1:6379"))
    assert status == 0 and "warning" in "\n".join(lines) and "s3cret-of-mine" not in "\n".join(lines)


def test_a_file_that_is_not_there(tmp_path):
    told = run("check", tmp_path / "nothing.yaml")
    assert told.returncode == 1 and "nothing.yaml" in told.stdout + told.stderr


def test_serve_refuses_what_check_refuses_with_the_same_words(tmp_path, check):
    status, lines = check(replaced("endpoints:", "endpionts:"))
    told = run("serve", "martlet.yaml", folder=tmp_path)
    assert told.returncode == status == 1
    assert [line for line in told.stderr.splitlines() if "endpionts" in line] == [line for line in lines if "endpionts" in line]


def test_documented_configurations_are_accepted(check):
    """README and the handbook: the page of every key among them. A configuration copied from there must not be refused."""
    examples = documented(r"```yaml\n(.*?)```")
    assert len(examples) >= 2
    for example in examples:
        status, lines = check(example, environment={"REDIS_PASSWORD": "x"})
        # Its certificates and key files are not here, and what `retry` shows is meant to be warned of; nothing else may be wrong.
        wrong = [line for line in lines if not re.search(
            r"no such file|cannot be (read|opened)|not found|retry: warning: found a retry of", line.lower())]
        assert wrong == [], wrong
