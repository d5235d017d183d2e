"""Where schemas come from: reflection, asked again and again; folders of descriptor sets."""

import json
import os
import shutil
import socket
from concurrent import futures
from importlib import resources

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2

from harness import stubs
from harness.gateway import Gateway, configuration, run
from harness.waiting import eventually
from harness.web import post

kinds = stubs.module("kinds_pb2")
kinds_grpc = stubs.module("kinds_pb2_grpc")
NAME = "martlet.kinds.v1.Library"


class Library(kinds_grpc.LibraryServicer):
    def Echo(self, ask, context):
        return ask

    def GetBook(self, ask, context):
        return kinds.Book(name=ask.name)


def description(*without):
    """kinds.proto and all that it imports as a descriptor set, without some methods of its service."""
    found = descriptor_pb2.FileDescriptorSet()

    def add(file):
        if file.name not in [known.name for known in found.file]:
            for other in file.dependencies:
                add(other)
            file.CopyToProto(found.file.add())

    add(kinds.DESCRIPTOR)
    methods = found.file[-1].service[0].method
    for method in [method for method in methods if method.name in without]:
        methods.remove(method)
    return found


class Server:
    """The library, and a reflection that can be told what to say."""

    def __init__(self, version="v1", port=0):
        self.server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        kinds_grpc.add_LibraryServicer_to_server(Library(), self.server)
        self.servicer = reflection.ReflectionServicer([NAME])
        self.add(version)
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.server.start()

    def add(self, version, servicer=None):
        handler = grpc.stream_stream_rpc_method_handler(
            lambda asks, context: (servicer or self.servicer).ServerReflectionInfo(asks, context),
            request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
            response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString)
        name = f"grpc.reflection.{version}.ServerReflection"
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}),))

    def tell(self, found):
        pool = descriptor_pool.DescriptorPool()
        for file in found.file:
            pool.Add(file)
        self.servicer = reflection.ReflectionServicer([NAME], pool)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(None).wait()


def serving(port, schema="reflection", routes=None):
    books = {"endpoints": [f"127.0.0.1:{port}"], "schema": schema}
    routes = routes or [{"service": NAME, "cluster": "books", "allow": "anyone"}]
    return configuration(clusters={"books": books}, routes=routes, workers=2)


def get(gateway, path="/v1/books/a"):
    status, _, body = post(gateway.address, "http1", path, {}, b"", "GET")
    return status, body


def schema(gateway):
    return json.loads(gateway.admin("/clusters")[1])["clusters"][0]["schema"]


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_a_backend_tells_its_schema_before_the_gateway_is_ready(tmp_path, own, version):
    server = own(Server(version))
    with Gateway(tmp_path, serving(server.port)) as gateway:
        status, body = get(gateway)
        assert (status, json.loads(body)) == (200, {"name": "a"})
        assert schema(gateway)["services"] == 1
        assert gateway.metrics().sum("martlet_schema_services", cluster="books") == 1


def test_a_backend_that_comes_later_is_asked_later_and_said_to_be_away_once(tmp_path, own):
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
        with Gateway(tmp_path, serving(port)) as gateway:
            assert get(gateway)[0] != 200
            assert "refused" in schema(gateway)["trouble"]
            place.close()
            own(Server(port=port))
            eventually(lambda: get(gateway)[0] == 200)
            assert "trouble" not in schema(gateway)
            gateway.process.wait_for(lambda line: line.startswith("schema books: ") and "1 services" in line, "notice")
            said = [line for line in gateway.process.lines if line.startswith("schema books:")]
            assert len(said) == 2 and "no schema is available" in said[0] and "1 services" in said[1]


def test_another_schema_is_taken_up_by_itself_and_a_bad_one_is_not(tmp_path, own):
    server = own(Server())
    server.tell(description("GetBook"))
    with Gateway(tmp_path, serving(server.port, {"reflection": {"interval": "1s"}})) as gateway:
        assert get(gateway)[0] != 200
        server.tell(description())
        eventually(lambda: get(gateway)[0] == 200)
        server.servicer = reflection.ReflectionServicer([])
        eventually(lambda: "trouble" in schema(gateway))
        assert get(gateway)[0] == 200


def test_a_folder_of_descriptor_sets_is_one_schema_and_its_files_are_taken_up_as_they_change(tmp_path, own):
    server = own(Server())
    folder = tmp_path / "sets" / "inner"
    folder.mkdir(parents=True)
    (folder / "README").write_text("no set")
    whole = description("GetBook")
    for number, file in enumerate(whole.file):
        (folder / f"{number}.binpb").write_bytes(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString())
    with Gateway(tmp_path, serving(server.port, {"descriptors": [str(tmp_path / "sets")]})) as gateway:
        assert get(gateway)[0] != 200
        last = descriptor_pb2.FileDescriptorSet(file=[description().file[-1]])
        (folder / "new").write_bytes(last.SerializeToString())
        (folder / "new").rename(folder / f"{len(whole.file) - 1}.binpb")
        eventually(lambda: get(gateway)[0] == 200)
        # The same names once more, in another file: said by name, and the schema in service stays.
        (folder / "new").write_bytes(last.SerializeToString().replace(b"kinds.proto", b"other.proto"))
        (folder / "new").rename(folder / "other.binpb")
        gateway.process.wait_for(lambda line: "martlet.kinds.v1.Library is defined in kinds.proto and again in other.proto" in line, "the conflict")
        assert get(gateway)[0] == 200


@pytest.mark.parametrize("kind", ["folder", "file", "protos"])
def test_what_is_no_file_is_refused_and_waited_for_by_nobody(tmp_path, own, request, kind):
    """To open a pipe that nobody writes to takes as long as nobody does."""
    server = own(Server())
    if kind == "protos":
        named, pipe = request.getfixturevalue("protos"), tmp_path / "protos" / "pipe.proto"
    else:
        (tmp_path / "sets").mkdir()
        source = tmp_path / "sets" / "library.binpb"
        source.write_bytes(description().SerializeToString())
        named = {"descriptors": [str(source if kind == "file" else source.parent)]}
        pipe = source if kind == "file" else source.parent / "pipe.binpb"
    with Gateway(tmp_path, serving(server.port, named)) as gateway:
        assert get(gateway)[0] == 200
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "pipe").rename(pipe)
        gateway.process.wait_for(lambda line: "not a regular file" in line, "the pipe")
        gateway.process.wait_for(lambda line: line.startswith("reload refused (changed: "), "that nothing was taken up")
        assert gateway.admin("/ready")[0] == 200 and get(gateway)[0] == 200
        assert "not a regular file" in run("check", gateway.file).stdout


def test_why_a_backend_does_not_describe_itself_is_said_in_one_line(tmp_path, own):
    class Lost:
        def ServerReflectionInfo(self, asks, context):
            for one in asks:
                answer = reflection_pb2.ServerReflectionResponse(original_request=one)
                if one.HasField("list_services"):
                    answer.list_services_response.service.add(name=NAME)
                else:
                    answer.error_response.error_code, answer.error_response.error_message = 5, "lost\0in\x1b[31m the mail"
                yield answer
    server = own(Server())
    server.servicer = Lost()
    with Gateway(tmp_path, serving(server.port)) as gateway:
        gateway.process.wait_for(lambda line: line.startswith("schema books:") and r"lost\u{0}in\u{1b}[31m the mail" in line, "the reason")


class Teller:
    """Answers by reflection with the library's own file, and what a test does to each answer."""

    def __init__(self, change=lambda answers: answers, services=(NAME,)):
        self.change, self.services, self.streams = change, services, 0

    def ServerReflectionInfo(self, asks, context):
        self.streams += 1
        files = [file for file in description().file if not file.name.startswith("google/protobuf/")]
        for one in asks:
            answer = reflection_pb2.ServerReflectionResponse(original_request=one)
            if one.HasField("list_services"):
                for service in self.services:
                    answer.list_services_response.service.add(name=service)
            elif one.file_containing_symbol == NAME:
                answer.file_descriptor_response.file_descriptor_proto.extend(file.SerializeToString() for file in files)
            else:
                answer.error_response.error_code, answer.error_response.error_message = 5, "not here"
            yield from self.change(answer, context) or [answer]


def test_files_of_protocol_buffers_need_not_be_told_and_a_service_without_a_file_costs_no_other(tmp_path, own):
    server = own(Server())
    server.servicer = Teller(lambda answer, context: None, (NAME, "gone.Service"))
    with Gateway(tmp_path, serving(server.port)) as gateway:
        assert get(gateway)[0] == 200
        gateway.process.wait_for(lambda line: "gone.Service is not described: not here" in line, "notice")


def test_two_answers_to_each_question_lose_nothing(tmp_path, own):
    server = own(Server())
    server.servicer = Teller(lambda answer, context: [answer, answer])
    with Gateway(tmp_path, serving(server.port)) as gateway:
        assert get(gateway)[0] == 200


def test_a_stream_that_ends_over_a_question_is_begun_again_without_it(tmp_path, own):
    server = own(Server())

    def change(answer, context):
        if answer.HasField("error_response"):
            context.abort(grpc.StatusCode.NOT_FOUND, "no such file")
    server.servicer = Teller(change, ("gone.Service", NAME))
    with Gateway(tmp_path, serving(server.port, {"reflection": {"interval": "1s"}})) as gateway:
        assert get(gateway)[0] == 200
        # Later it does not answer at all: what it told stays.
        before = server.servicer.streams

        def refuse(answer, context):
            context.abort(grpc.StatusCode.UNAVAILABLE, "going")
        server.servicer.change = refuse
        eventually(lambda: server.servicer.streams > before + 1)
        assert get(gateway)[0] == 200


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.NOT_FOUND])
def test_any_failure_of_v1_has_v1alpha_tried(tmp_path, own, code):
    server = own(Server("v1alpha"))

    class Refusing:
        def ServerReflectionInfo(self, asks, context):
            context.abort(code, "not this one")
            yield
    server.add("v1", Refusing())
    with Gateway(tmp_path, serving(server.port)) as gateway:
        assert get(gateway)[0] == 200
        gateway.process.wait_for(lambda line: "grpc.reflection.v1alpha" in line, "notice")
    told = run("call", f"127.0.0.1:{server.port}", "list")
    assert NAME in told.stdout.splitlines(), told.stderr


LIBRARY = """syntax = "proto3";
package martlet.kinds.v1;
import "google/api/annotations.proto";
message GetBookRequest { string name = 1; }
message Book { string name = 1; %s }
service Library {
  rpc GetBook(GetBookRequest) returns (Book) { option (google.api.http) = { get: "/v1/%s/{name}" }; }
}
"""


@pytest.fixture
def protos(tmp_path):
    """A folder of proto files, and one of what they import."""
    if shutil.which("protoc") is None:
        pytest.skip("protoc is not installed")
    imports = tmp_path / "imports" / "google" / "api"
    imports.mkdir(parents=True)
    for name in ["annotations", "http"]:
        shutil.copy(resources.files("google.api") / f"{name}.proto", imports)
    (tmp_path / "protos" / "v1").mkdir(parents=True)
    (tmp_path / "protos" / "v1" / "library.proto").write_text(LIBRARY % ("", "books"))
    return {"protos": [str(tmp_path / "protos"), str(tmp_path / "imports")]}


def test_a_folder_of_protos_is_compiled_and_what_changes_is_taken_up(tmp_path, own, protos):
    server = own(Server())
    file = tmp_path / "protos" / "v1" / "library.proto"
    with Gateway(tmp_path, serving(server.port, protos)) as gateway:
        assert get(gateway)[0] == 200
        file.write_text(LIBRARY % ("", "volumes"))
        eventually(lambda: get(gateway, "/v1/volumes/a")[0] == 200)
        file.write_text(LIBRARY % ("Paper paper = 2;", "books"))
        gateway.process.wait_for(lambda line: f"{file}:5:" in line and '"Paper" is not defined' in line, "the mistake")
        assert get(gateway, "/v1/volumes/a")[0] == 200


def test_check_compiles_too(tmp_path, protos):
    file = tmp_path / "protos" / "v1" / "library.proto"
    configured = tmp_path / "martlet.yaml"
    configured.write_text(json.dumps(serving(1, protos)))
    assert run("check", configured).returncode == 0
    file.write_text(LIBRARY % ("Paper paper = 2;", "books"))
    told = run("check", configured)
    assert told.returncode == 1 and f'{file}:5:33: "Paper" is not defined' in told.stdout, told.stdout


def test_check_tells_which_route_takes_a_call_of_another(tmp_path):
    descriptors = tmp_path / "library.binpb"
    descriptors.write_bytes(description().SerializeToString())
    archive = tmp_path / "archive.binpb"
    archive.write_bytes(description().SerializeToString().replace(b"Library", b"Archive"))
    clusters = {name: {"endpoints": ["127.0.0.1:1"], "schema": {"descriptors": [str(file)]}}
                for name, file in [("library", descriptors), ("archive", archive)]}
    routes = [{"path": "/v1/files/*", "cluster": "archive", "allow": "anyone"},
              {"path": "/v1/books/*", "authority": "other.test", "cluster": "library", "allow": "anyone"},
              {"service": NAME, "cluster": "library", "allow": "anyone"},
              {"service": "martlet.kinds.v1.Archive", "cluster": "archive", "authority": "other.test", "allow": "anyone"}]
    configured = tmp_path / "martlet.yaml"
    configured.write_text(json.dumps(configuration(clusters=clusters, routes=routes)))
    told = run("check", configured)
    assert told.returncode == 0, told.stdout
    lines = [line.split("warning: ")[1] for line in told.stdout.splitlines() if "warning: " in line]
    assert lines == [
        'takes POST /v1/files/{name=**} and 1 more, which routes[2] ("martlet.kinds.v1.Library") would by the schema of its cluster; '
        "rules and limits there do not apply",
        'takes POST /v1/files/{name=**} and 1 more, which routes[3] ("martlet.kinds.v1.Archive") would by the schema of its cluster; '
        "rules and limits there do not apply",
        'takes GET /v1/books/{name}, which routes[3] ("martlet.kinds.v1.Archive") would by the schema of its cluster; '
        "rules and limits there do not apply"], lines
    configured.write_text(json.dumps(configuration(clusters=clusters, routes=[
        {"prefix": "/v1/files", "http_method": "GET", "cluster": "archive", "allow": "anyone"},
        {"path": {"regex": "/v1/books:[a-z]+"}, "cluster": "archive", "allow": "anyone"},
        {"prefix": "/v1", "query": {"old": "*"}, "cluster": "archive", "allow": "anyone"},
        {"service": NAME, "cluster": "library", "allow": "anyone"}])))
    told = run("check", configured)
    assert told.returncode == 0, told.stdout
    lines = [line.split("warning: ")[1].split(", which")[0] for line in told.stdout.splitlines() if "warning: " in line]
    assert lines == ["takes GET /v1/files/{name=**}", "takes POST /v1/books:import and 1 more"], "by method and path, and not for some queries"
    configured.write_text(json.dumps(configuration(clusters=clusters, routes=[
        {"service": NAME, "cluster": "library", "allow": "anyone"},
        {"service": "martlet.kinds.v1.Archive", "cluster": "archive", "allow": "anyone"}])))
    told = run("check", configured)
    assert ('GET /v1/books/{name} is martlet.kinds.v1.Archive.GetBook of cluster "archive", and martlet.kinds.v1.Library.GetBook of '
            'cluster "library" on routes[0] ("martlet.kinds.v1.Library"), which takes it') in told.stdout, told.stdout


def test_check_compares_the_names_on_routes_with_the_schema(tmp_path):
    descriptors = tmp_path / "library.binpb"
    descriptors.write_bytes(description().SerializeToString())
    books = {"endpoints": ["127.0.0.1:1"], "schema": {"descriptors": [str(descriptors)]}}
    clusters = {"books": books, "other": {"endpoints": ["127.0.0.1:2"]}}
    configured = tmp_path / "martlet.yaml"

    def check(*routes, **more):
        configured.write_text(json.dumps(configuration(
            clusters=clusters, routes=[{"allow": "anyone", **route} for route in (*routes, {"cluster": "other"})], **more)))
        told = run("check", configured)
        return told.returncode, [line.split(": ", 1)[1].strip() for line in told.stdout.splitlines() if " routes[" in line]

    methods = {"GetBok": {"timeout": "1s"}, "GetBook": {}, "Steal": {}}
    said = f'which {NAME} does not have in the schema of cluster "books"'
    mistakes = [f'routes[0].methods.GetBok: found "GetBok", {said}; did you mean "GetBook"?',
                f'routes[0].methods.Steal: found "Steal", {said}']
    wrong = {"service": NAME, "cluster": "books", "methods": methods}
    assert check(wrong) == (1, mistakes)
    # Beside a mistake in the text too.
    status, lines = check(wrong, workers="many")
    assert (status, lines) == (1, mistakes)
    # Where another cluster may have them, nobody can be sure.
    split = {"service": NAME, "clusters": {"books": 1, "other": 1}, "methods": methods}
    assert check(split) == (0, [line.replace(": found", ": warning: found") for line in mistakes])
    # What descriptors leave out may be there.
    assert check({"service": NAME[:-1], "cluster": "books", "methods": methods}) == (0, [
        f'routes[0].service: warning: found "{NAME[:-1]}", which the schema of cluster "books" does not have; did you mean "{NAME}"?'])
    assert check({"service": NAME, "cluster": "books", "methods": {"GetBook": {}}},
                 {"service": "grpc.health.v1.Health", "cluster": "books"},
                 {"service": "a.B", "cluster": "other", "methods": {"Any": {}}}) == (0, [])


def test_names_that_a_told_schema_does_not_have_are_warned_of_when_it_comes(tmp_path, own):
    server = own(Server())
    routes = [{"service": NAME, "cluster": "books", "allow": "anyone", "methods": {"GetBok": {"timeout": "1s"}}}]
    with Gateway(tmp_path, serving(server.port, routes=routes)) as gateway:
        gateway.process.wait_for(
            lambda line: "routes[0].methods.GetBok: warning: found" in line and 'did you mean "GetBook"?' in line, "the warning")


def test_rules_of_the_configuration_take_the_place_of_annotations(tmp_path, own):
    server = own(Server())
    rules = [{"method": f"{NAME}/GetBook", "get": "/books/{name}", "additional": [{"get": "/volumes/{name}", "response_body": "name"}]},
             {"method": f"{NAME}.Echo", "custom": {"method": "ECHO", "path": "/echo"}, "body": "*"}]
    with Gateway(tmp_path, serving(server.port, {"reflection": {}, "rules": rules})) as gateway:
        assert json.loads(get(gateway, "/books/a")[1]) == {"name": "a"}
        assert get(gateway, "/volumes/a")[1] == b'"a"'
        assert get(gateway, "/v1/books/a")[0] == 404
        assert post(gateway.address, "http1", "/echo", {"content-type": "application/json"}, b'{"aBool":true}', "ECHO")[2] == b'{"aBool":true}'


def test_rules_that_do_not_fit_are_mistakes(tmp_path):
    descriptors = tmp_path / "library.binpb"
    descriptors.write_bytes(description().SerializeToString())
    rules = [{"method": f"{NAME}/GetBooks", "get": "/a"}, {"method": f"{NAME}/GetBook", "get": "/a/{title}"}]
    configured = tmp_path / "martlet.yaml"
    configured.write_text(json.dumps(serving(1, {"descriptors": [str(descriptors)], "rules": rules})))
    told = run("check", configured)
    assert told.returncode == 1
    assert f"clusters.books.schema.rules[0].method: {NAME}.GetBooks: no such method" in told.stdout
    assert "rules[1].method: " in told.stdout and "has no field title" in told.stdout


def test_a_route_says_how_its_json_is_written_and_read(tmp_path, own):
    server = own(Server())
    routes = [{"service": NAME, "cluster": "books", "allow": "anyone", **more} for more in [
        {"headers": {"x-plain": "*"}}, {"headers": {"x-parameters": "*"}, "json": {"unknown_query_parameters": "ignore"}},
        {"json": {"names": "proto", "enums": "numbers", "defaults": "print", "unknown_fields": "ignore"}}]]
    with Gateway(tmp_path, serving(server.port, routes=routes)) as gateway:
        path, body = f"/{NAME}/Echo", b'{"colour":"COLOUR_RED","anInt32":7,"nobody":1}'
        status, _, answer = post(gateway.address, "http1", path, {"content-type": "application/json"}, body)
        said = json.loads(answer)
        assert (status, said["colour"], said["an_int32"], said["a_bool"], said["strings"]) == (200, 1, 7, False, [])
        assert get(gateway, "/v1/books/a?nobody=1")[0] == 400
        assert post(gateway.address, "http1", "/v1/books/a?nobody=1", {"x-parameters": "1"}, b"", "GET")[0] == 200
        assert post(gateway.address, "http1", path, {"content-type": "application/json", "x-parameters": "1"}, body)[0] == 400
        plain = {"content-type": "application/json", "x-plain": "1"}
        status, _, answer = post(gateway.address, "http1", path, plain, body)
        assert status == 400 and b"nobody" in answer
        assert json.loads(post(gateway.address, "http1", path, plain, b'{"colour":"COLOUR_RED","anInt32":7}')[2]) == {"colour": "COLOUR_RED", "anInt32": 7}


@pytest.mark.parametrize("place", ["route", "listener"])
def test_protocols_can_be_narrowed(tmp_path, own, place):
    server = own(Server())
    whole = {**serving(server.port), "workers": 1}
    (whole["routes"] if place == "route" else whole["listeners"])[0]["protocols"] = ["grpc", "connect"]
    with Gateway(tmp_path, whole) as gateway:
        assert get(gateway)[0] == 404
        assert post(gateway.address, "http1", f"/{NAME}/Echo", {"content-type": "application/grpc-web"}, b"\0\0\0\0\0")[2].count(b"grpc-status: 12") == 1
        assert post(gateway.address, "http1", f"/{NAME}/Echo", {"content-type": "application/proto"}, b"")[0] == 200
        # What a refused call meant is not how the next one on that worker is read.
        refused = post(gateway.address, "http1", f"/{NAME}/Echo", {"content-type": "application/json"}, b'{"anInt32":7}')
        assert refused[0] in (404, 415)
        message = kinds.Kinds(an_int32=9).SerializeToString()
        assert post(gateway.address, "http1", f"/{NAME}/Echo", {"content-type": "application/proto"}, message)[::2] == (200, message)
        with grpc.insecure_channel(gateway.address) as channel:
            kinds_grpc.LibraryStub(channel).Echo(kinds.Kinds())
