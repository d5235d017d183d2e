"""What can be called by HTTP is told: the OpenAPI document, and the page to try calls from."""

import base64
import hashlib
import json
import re

import pytest
from test_schemas import NAME, Server, description, get, serving

from harness import browser
from harness.gateway import Gateway, authentication, run
from harness.waiting import eventually
from harness.web import post


def ask(gateway, path, headers={}, method="GET", version="http1"):
    status, head, body = post(gateway.address, version, path, headers, b"", method)
    return status, head, body


def document(gateway, headers={}):
    status, head, body = ask(gateway, "/openapi.json", headers)
    assert (status, head["content-type"]) == (200, "application/json"), body
    return json.loads(body)


def references(tree):
    """All that it refers to."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from [value] if name == "$ref" else references(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from references(value)


def test_the_document_tells_paths_parameters_and_bodies(tmp_path, own):
    server = own(Server())
    with Gateway(tmp_path, {**serving(server.port), "openapi": {"title": "Library", "allow": "anyone"}}) as gateway:
        told = document(gateway)
        assert (told["openapi"], told["info"]["title"]) == ("3.1.0", "Library")
        for reference in set(references(told)):
            place = told
            for part in reference.removeprefix("#/").split("/"):
                place = place[part]
        paths = told["paths"]
        # A method without a rule by its own path; one with rules by those.
        assert set(paths[f"/{NAME}/Echo"]) == {"post"} and f"/{NAME}/GetBook" not in paths
        book = paths["/v1/shelves/{shelves}/books/{books}"]
        assert set(book) == {"get", "put", "patch"}
        assert [(entry["name"], entry["in"]) for entry in book["get"]["parameters"]] == [
            ("shelves", "path"), ("books", "path"), ("readMask", "query")]
        assert book["patch"]["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/martlet.kinds.v1.Book"}
        assert paths["/v1/files/{name}"]["get"]["parameters"][0]["x-takes-slashes"] is True
        watch = paths["/v1/shelves/{shelves}/books:watch"]["get"]["responses"]["200"]["content"]
        assert set(watch) == {"application/json", "application/x-ndjson", "text/event-stream"}
        fields = told["components"]["schemas"]["martlet.kinds.v1.Kinds"]["properties"]
        assert fields["anInt64"] == {"type": "string", "format": "int64"}
        assert fields["timestamp"] == {"type": "string", "format": "date-time"}
        assert fields["kindsByInt32"]["additionalProperties"] == {"$ref": "#/components/schemas/martlet.kinds.v1.Kinds"}
        assert "securitySchemes" not in told["components"]
        status, head, body = ask(gateway, "/openapi.json", method="HEAD")
        assert (status, body) == (200, b"") and int(head["content-length"]) > 10_000
        assert ask(gateway, "/openapi.json", method="DELETE")[0] == 405
        assert ask(gateway, "/openapi.json", version="http2")[0] == 200
        line = gateway.wait_for_log(lambda line: line.get("route") == "openapi")
        assert "cluster" not in line


def test_the_document_tells_who_may_call_how_often_and_what_each_caller_can(tmp_path, own, signing_key):
    server = own(Server())
    routes = [
        {"service": NAME, "cluster": "books", "authority": "a.test", "limits": ["100/s burst 200 per address"], "timeout": "15s",
         "methods": {"GetBook": {"allow": {"scopes": ["books.read"]}, "limits": [{"count": 5, "per": "min", "mode": "shadow"}]},
                     "Echo": {"allow": "anyone"}}},
        {"service": NAME, "cluster": "books", "authority": "b.test", "protocols": ["grpc"], "allow": "anyone"}]
    whole = {**serving(server.port, routes=routes), "authentication": authentication(signing_key), "openapi": {"allow": "anyone"}}
    with Gateway(tmp_path, whole) as gateway:
        told = document(gateway, {"host": "a.test"})
        book = told["paths"]["/v1/books/{name}"]["get"]
        assert book["security"] == [{"token": ["books.read"]}] and book["x-limits"] == ["100/s burst 200 per address"]
        assert {"401", "403", "429"} <= set(book["responses"])
        assert "security" not in told["paths"][f"/{NAME}/Echo"]["post"]
        assert told["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
        # Who calls another host is not told of this one, and of nothing that speaks gRPC alone.
        assert document(gateway, {"host": "b.test"})["paths"] == {}
        assert document(gateway, {"host": "c.test"})["paths"] == {}


def test_the_document_tells_only_what_the_route_takes_by_method_and_path(tmp_path, own):
    server = own(Server())
    routes = [{"service": NAME, "http_method": "GET", "cluster": "books", "authority": "a.test", "allow": "anyone"},
              {"prefix": "/v1/shelves", "cluster": "books", "authority": "b.test", "allow": "anyone"},
              {"path": {"regex": "/v1/books(/.*)?"}, "http_method": "GET", "cluster": "books", "authority": "c.test", "allow": "anyone"}]
    with Gateway(tmp_path, {**serving(server.port, routes=routes), "openapi": {"allow": "anyone"}}) as gateway:
        told = document(gateway, {"host": "a.test"})["paths"]
        assert {verb for path in told.values() for verb in path} == {"get"} and "/v1/books/{name}" in told
        told = document(gateway, {"host": "b.test"})["paths"]
        assert all(path.startswith("/v1/shelves/") for path in told)
        assert set(told["/v1/shelves/{shelves}/books/{books}"]) == {"get", "put", "patch"}
        assert set(document(gateway, {"host": "c.test"})["paths"]) == {"/v1/books/{name}"}
        assert ask(gateway, "/v1/books/a", {"host": "c.test"})[0] == 200
        assert ask(gateway, "/v1/shelves/1/books", {"host": "c.test"})[0] == 404


def test_the_document_is_for_those_who_may_read_it_and_follows_the_schema(tmp_path, own, signing_key):
    server = own(Server())
    server.tell(description("GetBook"))
    whole = {**serving(server.port, {"reflection": {"interval": "1s"}}), "authentication": authentication(signing_key),
             "openapi": {"document": "/v1/api.json", "page": "off"}}
    with Gateway(tmp_path, whole) as gateway:
        headers = {"authorization": "Bearer " + signing_key.token()}
        assert ask(gateway, "/v1/api.json")[0] == 401
        assert ask(gateway, "/docs", headers)[0] == 404
        def paths():
            return json.loads(ask(gateway, "/v1/api.json", headers)[2])["paths"]
        assert "/v1/books/{name}" not in paths()
        server.tell(description())
        eventually(lambda: "/v1/books/{name}" in paths())


def test_the_page_is_one_piece_whose_script_alone_may_run(tmp_path, own):
    server = own(Server())
    with Gateway(tmp_path, {**serving(server.port), "openapi": {"title": "<script>alert(1)</script>", "allow": "anyone"}}) as gateway:
        status, head, body = ask(gateway, "/docs")
        assert (status, head["content-type"]) == (200, "text/html; charset=utf-8")
        page = body.decode()
        data, script = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
        assert json.loads(data)["info"]["title"] == "<script>alert(1)</script>"
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in head["content-security-policy"]
        assert not re.search(r"(?:src|href)=", page)


@pytest.mark.parametrize("openapi, routes, message", [
    ({}, None, "found no allow, so only authenticated callers may call"),
    ({"allow": "anyone", "page": "/openapi.json"}, None, "which the document has"),
    ({"allow": "anyone", "document": "openapi"}, None, "expected a path such as /openapi.json"),
    ({"allow": "anyone"}, [{"path": "/docs", "cluster": "books", "allow": "anyone"}], "never reached: openapi is served at /docs"),
])
def test_mistakes_are_told(tmp_path, openapi, routes, message):
    configured = tmp_path / "martlet.yaml"
    configured.write_text(json.dumps({**serving(1, routes=routes), "openapi": openapi}))
    told = run("check", configured)
    assert told.returncode == 1 and message in told.stdout, told.stdout


TRY = b"""<script>
(async () => {
  const found = { calls: document.querySelectorAll("details").length };
  const run = async (id, fill) => {
    const form = document.getElementById(id).querySelector("form");
    fill(form);
    form.querySelector("button").click();
    const answer = form.querySelector("pre");
    for (let turn = 0; turn < 2000 && !answer.textContent.endsWith("}"); turn++) await new Promise(after => setTimeout(after, 10));
    return answer.textContent;
  };
  found.get = await run("martlet.kinds.v1.Library.GetBook_2", form => { form.querySelector("input").value = "a b"; });
  found.post = await run("martlet.kinds.v1.Library.Echo", form => { form.querySelector("textarea").value = '{"aBool": true}'; });
  await fetch("/results", { method: "POST", body: JSON.stringify(found) });
})().catch(error => fetch("/results", { method: "POST", body: JSON.stringify({ error: String(error) }) }));
</script>"""


class Front(browser.Page):
    """The gateway's page with a hand that tries it, before the gateway itself."""

    def __init__(self, gateway):
        super().__init__("callers.html")
        handler = self.server.RequestHandlerClass
        results = self.results

        def pass_on(self):
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length)
            if self.path == "/results":
                results.put(json.loads(body))
                return self.answer(200, "text/plain", b"")
            path = "/docs" if self.path == "/" else self.path
            headers = {name: self.headers[name] for name in ("accept", "content-type") if name in self.headers}
            status, head, answer = post(gateway.address, "http1", path, headers, body, self.command)
            self.answer(status, head["content-type"], answer + (TRY if self.path == "/" else b""))

        handler.do_GET = handler.do_POST = pass_on


@pytest.mark.skipif(not browser.CHROMIUM, reason="needs Debian's chromium")
@pytest.mark.timeout(240)
def test_the_page_calls_in_a_browser(tmp_path, own):
    server = own(Server())
    with Gateway(tmp_path, {**serving(server.port), "openapi": {"allow": "anyone"}}) as gateway, Front(gateway) as page:
        found = page.shown(tmp_path / "profile")
    assert found["calls"] > 5, found
    assert found["get"].startswith("200\n") and found["get"].endswith('{"name":"a b"}'), found
    assert found["post"].startswith("200\n") and found["post"].endswith('{"aBool":true}'), found
