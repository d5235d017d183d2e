"""What a route may ask of a request: HTTP method, query parameters, headers, prefixes and regular expressions."""

import pytest

from harness import h2raw
from harness.backend import Backend, pb
from harness.gateway import SERVICE, Gateway, cluster, configuration
from harness.library import NAME, Served, descriptors
from harness.waiting import eventually
from harness.web import Connect, Web, post
from harness.web_backend import WebBackend

UNARY = f"/{SERVICE}/Unary"
PAGE = "https://app.acme.dev"
VERSIONS = ["http1", "http2"]
ROUTES = [
    {"name": "read", "path": "/orders", "http_method": ["GET", "HEAD"], "cluster": "a"},
    {"name": "create", "path": "/orders", "http_method": "POST", "cluster": "b"},
    {"name": "debug", "prefix": "/v1", "query": {"debug": ["1", "yes"]}, "cluster": "c"},
    {"name": "loud", "prefix": "/v1", "query": {"name": {"prefix": "é "}}, "cluster": "b"},
    {"name": "v1", "prefix": "/v1", "cluster": "a"},
    {"name": "user", "path": {"regex": "^/u/([^/]+)$"}, "cluster": "b"},
    {"name": "items", "path": {"regex": "/(u|g)/[0-9]+/items"}, "cluster": "c"},
    {"name": "beta", "path": "/h", "headers": {"x-version": {"suffix": "-beta"}}, "cluster": "a"},
    {"name": "numbered", "path": "/h", "headers": {"x-version": {"regex": "v[0-9]+"}}, "cluster": "b"},
    {"name": "unversioned", "path": "/h", "headers": {"x-version": {"present": False}}, "cluster": "c"},
    {"name": "hosts", "authority": ["a.acme.dev", "*.b.acme.dev"], "path": ["/l", "/l/*", {"regex": "/m[0-9]+"}], "cluster": "c"},
    {"name": "list", "path": ["/l", {"regex": "/m[0-9]+"}], "cluster": "a"},
    {"name": "shared", "path": "/shared", "http_method": "PUT", "cluster": "a", "cors": {"origins": [PAGE], "methods": ["PUT"]}},
]


@pytest.fixture(scope="module")
def webs():
    with WebBackend() as a, WebBackend() as b, WebBackend() as c:
        yield {"a": a, "b": b, "c": c}


@pytest.fixture(scope="module")
def running(tmp_path_factory, webs):
    clusters = {name: cluster(web, protocol="http1") for name, web in webs.items()}
    routes = [{"allow": "anyone", **route} for route in ROUTES]
    with Gateway(tmp_path_factory.mktemp("matches"), configuration(clusters=clusters, routes=routes, workers=1)) as gateway:
        yield gateway


@pytest.fixture(params=VERSIONS)
def go(request, running, webs):
    """Which backend a request came to, or the status; what is called twice is answered from the cache of heads."""
    def once(method, path, headers):
        before = {name: len(web.requests) for name, web in webs.items()}
        status, head, _ = post(running.address, request.param, path, headers, b"", method)
        reached = [name for name, web in webs.items() if len(web.requests) > before[name]]
        return reached[0] if reached else (status, head.get("allow"))

    def go(method, path, headers={}):
        first = once(method, path, headers)
        assert once(method, path, headers) == first
        return first
    return go


def test_by_http_method(go):
    assert go("GET", "/orders") == "a" and go("HEAD", "/orders") == "a"
    assert go("POST", "/orders") == "b"
    assert go("DELETE", "/orders") == (405, "GET, HEAD, POST")
    assert go("GET", "/orders?x=1") == "a", "the same path, after others took it"
    assert go("DELETE", "/other") == (404, None)


def test_by_query(go):
    assert go("GET", "/v1/a?debug=1") == "c" and go("GET", "/v1?x=2&debug=yes") == "c"
    assert go("GET", "/v1/a?debug=2&%64ebug=%31") == "c", "decoded, any of several"
    assert go("GET", "/v1/a?debug=2") == "a" and go("GET", "/v1/a?debug") == "a" and go("GET", "/v1/a") == "a"
    assert go("GET", "/v1/a?name=%C3%A9+x") == "b" and go("GET", "/v1/a?name=%C3%A9%2Bx") == "a"


def test_by_prefix(go):
    assert go("GET", "/v1") == "a" and go("GET", "/v1/") == "a" and go("PUT", "/v1/a/b") == "a"
    assert go("GET", "/v11") == (404, None) and go("GET", "/V1") == (404, None)


def test_by_regular_expression(go):
    assert go("GET", "/u/7") == "b" and go("GET", "/u/7?a=/") == "b" and go("GET", "/u/a%20b") == "b"
    assert go("GET", "/g/7/items") == "c" and go("GET", "/u/12/items") == "c"
    assert go("GET", "/u/7/x") == (404, None) and go("GET", "/u/x/items") == (404, None) and go("GET", "/u/") == (404, None)
    assert go("GET", "/u/7%2Fitems") == (400, None), "a server that decodes it would have come by another route"


def test_by_lists(go):
    for host in ["a.acme.dev", "x.b.acme.dev"]:
        assert [go("GET", path, {"host": host}) for path in ["/l", "/l/x", "/m12"]] == ["c", "c", "c"], host
        assert go("GET", "/m", {"host": host}) == (404, None)
    assert go("GET", "/l", {"host": "b.acme.dev"}) == "a" and go("GET", "/m1") == "a" and go("GET", "/l/x") == (404, None)


def test_by_header(go):
    assert go("GET", "/h", {"x-version": "v2-beta"}) == "a"
    assert go("GET", "/h", {"x-version": "v2"}) == "b"
    assert go("GET", "/h") == "c"
    assert go("GET", "/h", {"x-version": "v2x"}) == (404, None) and go("GET", "/h", {"x-version": ""}) == (404, None)


def test_a_header_sent_twice_is_no_value(running):
    with h2raw.Client(running.address) as client:
        twice = [("content-type", "text/plain"), ("x-version", "v2"), ("x-version", "v2")]
        assert client.call("/h", None, fields=twice).status == 404


def test_a_preflight_goes_where_what_it_asks_about_would(go):
    assert go("OPTIONS", "/shared", {"origin": PAGE, "access-control-request-method": "PUT"}) == (204, None)
    assert go("OPTIONS", "/shared", {"origin": PAGE, "access-control-request-method": "GET"}) == (405, "PUT")
    assert go("OPTIONS", "/shared", {"origin": PAGE}) == (405, "PUT")
    assert go("OPTIONS", "/orders", {"origin": PAGE, "access-control-request-method": "GET"}) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_page_may_read_that_its_method_is_not_allowed(running, version):
    status, head, body = post(running.address, version, "/shared", {"origin": PAGE}, b"", "DELETE")
    assert (status, head["access-control-allow-origin"], head["allow"]) == (405, PAGE, "PUT")
    assert "METHOD_NOT_ALLOWED" in body.decode()


def test_backtracking_has_no_hold(running):
    """60 KB that other engines would never come back from."""
    with h2raw.Client(running.address) as client:
        path = "/u/" + "1" * 50_000 + "/items!"
        assert client.call(path, None, fields=[("content-type", "text/plain")]).status == 404


@pytest.fixture(scope="module")
def grpc_running(tmp_path_factory):
    with Backend("a") as a, Backend("b") as b:
        routes = [{"service": SERVICE, "headers": {"x-version": {"prefix": "2."}}, "cluster": "b"},
                  {"path": {"regex": f"/{SERVICE.replace('.', '[.]')}/U[a-z]+"}, "http_method": "POST", "cluster": "a"},
                  {"prefix": f"/{SERVICE}", "http_method": "PUT", "cluster": "b"}]
        clusters = {"a": cluster(a), "b": cluster(b)}
        settings = configuration(clusters=clusters, routes=[{"allow": "anyone", **route} for route in routes])
        with Gateway(tmp_path_factory.mktemp("grpc"), settings) as gateway:
            yield gateway


def answered(message):
    return pb.Answer.FromString(message).backend


def test_grpc_by_header_and_regular_expression(grpc_running):
    with h2raw.Client(grpc_running.address) as client:
        def call(path, fields=()):
            answer = client.call(path, fields=fields)
            return answered(h2raw.grpc_messages(answer.body)[0]) if answer.grpc_status == 0 else answer
        assert call(UNARY) == "a" and call(UNARY, [("x-version", "1.2")]) == "a"
        assert call(UNARY, [("x-version", "2.1")]) == "b"
        other = call(f"/{SERVICE}/Erase")
        assert (other.status, other.grpc_status) == (200, 12) and b"method" in other.field("grpc-message").encode()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("caller", [Web(False), Web(True), Connect(True)], ids=lambda caller: caller.name)
def test_web_callers_by_header_and_regular_expression(grpc_running, version, caller):
    def call(path, **more):
        headers, body = caller.request([b""], unary=True)
        return caller.read(*post(grpc_running.address, version, path, {**headers, **more}, body))
    assert answered(call(UNARY).messages[0]) == "a"
    assert answered(call(UNARY, **{"x-version": "2.1"}).messages[0]) == "b"
    assert call(f"/{SERVICE}/Erase").code == 12


PACKAGE = SERVICE.rpartition(".")[0]


@pytest.fixture(scope="module", params=[[PACKAGE + ".*"], ["martlet.*"], ["a.A", SERVICE]], ids=["package", "above", "list"])
def listed(request, tmp_path_factory):
    with Backend("a") as a:
        routes = [{"service": request.param, "cluster": "a", "allow": "anyone", "methods": {"Erase": {"deny": "anyone"}}}]
        settings = configuration(clusters={"a": cluster(a)}, routes=routes)
        with Gateway(tmp_path_factory.mktemp("listed"), settings) as gateway:
            yield gateway


def test_grpc_by_packages_and_lists(listed):
    with h2raw.Client(listed.address) as client:
        answer = client.call(UNARY)
        assert answer.grpc_status == 0 and answered(h2raw.grpc_messages(answer.body)[0]) == "a"
        assert client.call(f"/{SERVICE}/Erase").grpc_status == 7, "a method's rules are those of every service"
        assert client.call(f"/{PACKAGE}/Unary").grpc_status == 12 and client.call(f"/x{SERVICE}/Unary").grpc_status == 12


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("caller", [Web(False), Web(True), Connect(True)], ids=lambda caller: caller.name)
def test_web_callers_by_packages_and_lists(listed, version, caller):
    headers, body = caller.request([b""], unary=True)
    assert answered(caller.read(*post(listed.address, version, UNARY, headers, body)).messages[0]) == "a"
    assert caller.read(*post(listed.address, version, f"/{SERVICE}/Erase", headers, body)).code == 7


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("service", ["martlet.*", ["x.Y", NAME]], ids=["package", "list"])
def test_rest_calls_by_packages_and_lists(tmp_path, version, service):
    descriptors(tmp_path / "library.binpb")
    routes = [{"service": service, "cluster": "books", "allow": "anyone", "methods": {"ReplaceBook": {"deny": "anyone"}}}]
    with Served() as server:
        books = {"endpoints": [server.address], "schema": {"descriptors": [str(tmp_path / "library.binpb")]}}
        with Gateway(tmp_path, configuration(clusters={"books": books}, routes=routes)) as gateway:
            def ask(method, path, body=b""):
                return post(gateway.address, version, path, {"content-type": "application/json"}, body, method)[0]
            assert ask("GET", "/v1/books/a") == 200
            assert ask("PUT", "/v1/shelves/1/books/a", b"{}") == 403


@pytest.mark.parametrize("version", VERSIONS)
def test_rest_calls_are_matched_by_their_own_method_and_query(tmp_path, version):
    """Not by the POST that they become."""
    descriptors(tmp_path / "library.binpb")
    routes = [{"service": NAME, "http_method": "HEAD", "cluster": "books", "deny": "anyone", "allow": "anyone"},
              {"service": NAME, "query": {"secret": "*"}, "cluster": "books", "deny": "anyone", "allow": "anyone"},
              {"service": NAME, "http_method": "GET", "cluster": "books", "allow": "anyone"}]
    with Served() as server:
        books = {"endpoints": [server.address], "schema": {"descriptors": [str(tmp_path / "library.binpb")]}}
        with Gateway(tmp_path, configuration(clusters={"books": books}, routes=routes)) as gateway:
            def ask(method, path, body=b""):
                status, head, _ = post(gateway.address, version, path, {"content-type": "application/json"}, body, method)
                return status, head.get("allow")
            assert ask("GET", "/v1/books/a") == (200, None)
            assert ask("HEAD", "/v1/books/a") == (403, None)
            assert ask("GET", "/v1/books/a?secret=") == (403, None)
            assert ask("POST", "/v1/shelves/1/books", b"{}") == (405, "GET, HEAD"), "bound to POST, and no route takes that"
            assert ask("PUT", "/nowhere") == (404, None)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_preflight_of_a_rest_call_is_matched_by_the_method_it_asks_about(tmp_path, version):
    descriptors(tmp_path / "library.binpb")
    routes = [{"service": NAME, "http_method": "GET", "cluster": "books", "allow": "anyone", "cors": {"origins": [PAGE]}}]
    with Served() as server:
        books = {"endpoints": [server.address], "schema": {"descriptors": [str(tmp_path / "library.binpb")]}}
        with Gateway(tmp_path, configuration(clusters={"books": books}, routes=routes)) as gateway:
            def ask(method, path, **more):
                status, head, _ = post(gateway.address, version, path, {"origin": PAGE, **more}, b"", method)
                return status, head.get("allow"), head.get("access-control-allow-origin")
            assert ask("OPTIONS", "/v1/books/a", **{"access-control-request-method": "GET"}) == (204, None, PAGE)
            assert ask("OPTIONS", "/v1/shelves/1/books", **{"access-control-request-method": "POST"}) == (405, "GET", PAGE)
            assert ask("OPTIONS", "/v1/books/a") == (405, "GET", PAGE)
            assert ask("GET", "/v1/books/a") == (200, None, PAGE)


@pytest.mark.parametrize("routed, other, allow", [("GET", "PUT", "GET, HEAD"), ("PUT", "GET", "PUT")])
def test_a_method_that_only_another_clusters_schema_has_is_refused_where_no_route_leads_there(tmp_path, routed, other, allow):
    descriptors(tmp_path / "library.binpb")
    archive = (tmp_path / "library.binpb").read_bytes().replace(b"Library", b"Archive")
    (tmp_path / "archive.binpb").write_bytes(archive)

    def schema(file, service, verb):
        method = {"GET": "GetBook", "PUT": "ReplaceBook"}[verb]
        rule = {"method": f"{service}/{method}", verb.lower(): "/v2/{name}", **({"body": "*"} if verb == "PUT" else {})}
        return {"descriptors": [str(tmp_path / file)], "rules": [rule]}
    routes = [{"service": NAME, "cluster": "library", "allow": "anyone"},
              {"service": "martlet.kinds.v1.Archive", "headers": {"x-key": "1"}, "cluster": "archive", "allow": "anyone"}]
    with Served() as server:
        clusters = {"library": {"endpoints": [server.address], "schema": schema("library.binpb", NAME, routed)},
                    "archive": {"endpoints": [server.address], "schema": schema("archive.binpb", "martlet.kinds.v1.Archive", other)}}
        with Gateway(tmp_path, configuration(clusters=clusters, routes=routes)) as gateway:
            def ask(method):
                head = {"content-type": "application/json"} if method == "PUT" else {}
                status, head, _ = post(gateway.address, "http1", "/v2/a", head, b"{}" if method == "PUT" else b"", method)
                return status, head.get("allow")
            assert ask(other) == (405, allow)
            assert ask(routed)[0] == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_values_of_files_and_numbers(gateway, webs, tmp_path, version):
    """A file's values count wherever values are compared, and anew once it has changed."""
    (tmp_path / "beta.txt").write_text("# testers\nalice\n bob \n")
    (tmp_path / "pages.txt").write_text(f"{PAGE}\nnull\n")
    running = gateway(configuration(clusters={name: cluster(web, protocol="http1") for name, web in webs.items()}, routes=[
        {"path": "/f", "headers": {"x-user": {"file": str(tmp_path / "beta.txt")}}, "query": {"v": {"minimum": 2, "maximum": 9}}, "cluster": "a",
         "allow": "anyone", "cors": {"origins": {"file": str(tmp_path / "pages.txt")}}},
        {"path": "/f", "cluster": "b", "allow": "anyone"}]))

    def went(user, v, origin="https://x.dev"):
        before = len(webs["a"].requests)
        status, head, _ = post(running.address, version, f"/f?v={v}", {"x-user": user, "origin": origin}, b"", "GET")
        assert status == 200
        return len(webs["a"].requests) > before, head.get("access-control-allow-origin")
    for user, v, expected in [("alice", 2, True), ("bob", "9.0", True), ("eve", 2, False), ("alice", 1.9, False), ("alice", "9.1", False),
                              ("alice", "two", False), ("", 2, False)]:
        assert went(user, v)[0] == expected, (user, v)
    assert went("alice", 2, PAGE)[1] == PAGE and went("alice", 2)[1] is None and went("alice", 2, "null")[1] is None
    (tmp_path / "beta.txt").write_text("eve\n")
    eventually(lambda: went("eve", 2)[0] and not went("alice", 2)[0], "the changed list")
