"""HTTP and JSON in front of a gRPC backend, by a descriptor set: json_format is the judge of what a message means."""

import json
import random
import struct

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as F

from harness.gateway import Gateway, configuration
from harness.library import NAME, Served, descriptors, kinds, new, old
from harness.waiting import eventually
from harness.web import post

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rest")
    descriptors(folder / "library.binpb")
    routes = [{"service": NAME, "cluster": "books", "allow": "anyone",
               "methods": {"BurnBook": {"deny": {"header": {"x-child": "*"}}}}}]
    with Served() as server:
        books = {"endpoints": [server.address], "schema": {"descriptors": [str(folder / "library.binpb")]}}
        with Gateway(folder, configuration(clusters={"books": books}, routes=routes, workers=1)) as gateway:
            yield gateway


def ask(gateway, method, path, body=b"", headers=JSON, version="http1"):
    status, head, body = post(gateway.address, version, path, headers, body, method)
    return status, head, body


# Random messages

INTEGERS = {F.TYPE_INT32: (-2**31, 2**31 - 1), F.TYPE_SINT32: (-2**31, 2**31 - 1), F.TYPE_SFIXED32: (-2**31, 2**31 - 1),
            F.TYPE_UINT32: (0, 2**32 - 1), F.TYPE_FIXED32: (0, 2**32 - 1), F.TYPE_INT64: (-2**63, 2**63 - 1),
            F.TYPE_SINT64: (-2**63, 2**63 - 1), F.TYPE_SFIXED64: (-2**63, 2**63 - 1), F.TYPE_UINT64: (0, 2**64 - 1),
            F.TYPE_FIXED64: (0, 2**64 - 1)}


def scalar(rng, field):
    if field.type in INTEGERS:
        low, high = INTEGERS[field.type]
        return rng.choice([low, high, 0, 1, rng.randint(low, high)])
    if field.type == F.TYPE_DOUBLE:
        return rng.choice([0.0, -0.0, -1.5, 1e300, 5e-324, rng.uniform(-1e6, 1e6), float("inf"), float("-inf"), float("nan")])
    if field.type == F.TYPE_FLOAT:
        return struct.unpack("f", struct.pack("f", rng.uniform(-1e6, 1e6)))[0]
    if field.type == F.TYPE_BOOL:
        return rng.random() < 0.5
    if field.type == F.TYPE_ENUM:
        return rng.choice(field.enum_type.values).number
    text = "".join(rng.choice("aZ9 \"\\\n\u00e9\u20ac\U0001f600</") for _ in range(rng.randint(0, 12)))
    return text if field.type == F.TYPE_STRING else text.encode()


def fill(rng, message, depth=0):
    name = message.DESCRIPTOR.full_name
    if name == "google.protobuf.Timestamp":
        message.seconds, message.nanos = rng.randint(-62135596800, 253402300799), rng.choice([0, 1, 500_000_000, 123_456_000])
    elif name == "google.protobuf.Duration":
        message.seconds, message.nanos = rng.randint(0, 315576000000), rng.choice([0, 1, 500_000_000])
    elif name == "google.protobuf.FieldMask":
        message.paths.extend(rng.choices(["a", "b_c", "d.e_f"], k=rng.randint(0, 3)))
    elif name == "google.protobuf.Any":
        inner = kinds.Book(title="inside", pages=3)
        message.Pack(inner)
    elif name in ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"):
        json_format.ParseDict({"google.protobuf.Struct": {"a": 1.5, "b": [None, True]}, "google.protobuf.Value": {"x": ["y"]},
                               "google.protobuf.ListValue": [1.0, "two", None]}[name], message)
    else:
        for field in message.DESCRIPTOR.fields:
            if field.is_required or rng.random() >= (0.7 if depth else 0.5):
                put(rng, message, field, depth)
        for extension in message.DESCRIPTOR.file.pool.FindAllExtensions(message.DESCRIPTOR):
            if not extension.message_type and rng.random() < 0.3:
                message.Extensions[extension] = scalar(rng, extension)
    return message


def put(rng, message, field, depth):
    inner = field.message_type
    if inner and inner.full_name.startswith("martlet.kinds") and not inner.GetOptions().map_entry and depth > 2 and not field.is_required:
        return
    if inner and inner.GetOptions().map_entry:
        key, value = inner.fields_by_name["key"], inner.fields_by_name["value"]
        target = getattr(message, field.name)
        for _ in range(rng.randint(1, 3)):
            if value.message_type:
                fill(rng, target[scalar(rng, key)], depth + 1)
            else:
                target[scalar(rng, key)] = scalar(rng, value)
    elif field.is_repeated:
        for _ in range(rng.randint(1, 3)):
            if inner:
                fill(rng, getattr(message, field.name).add(), depth + 1)
            else:
                getattr(message, field.name).append(scalar(rng, field))
    elif inner:
        getattr(message, field.name).SetInParent()
        fill(rng, getattr(message, field.name), depth + 1)
    else:
        setattr(message, field.name, scalar(rng, field))


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("method, kind", [("Echo", kinds.Kinds), ("EchoOld", old.Old), ("EchoNew", new.New)], ids=["proto3", "proto2", "editions"])
def test_random_messages_mean_the_same_as_json_format_says(running, method, kind, seed):
    """The backend's own reader sees what we wrote, and json_format reads what we print."""
    message = fill(random.Random(seed), kind())
    # What is lenient means the same: fields by their proto names, enums by number.
    options = {"preserving_proto_field_name": True, "use_integers_for_enums": True} if seed % 3 == 0 else {}
    status, head, body = ask(running, "POST", f"/{NAME}/{method}", json_format.MessageToJson(message, **options).encode(),
                             version=["http1", "http2"][seed % 2])
    assert status == 200 and head["content-type"] == "application/json", body
    assert told(json_format.Parse(body, kind())) == told(message)
    assert json.loads(body) == json.loads(json_format.MessageToJson(message))


def told(message):
    """As bytes, because not a number is not equal to itself."""
    return message.SerializeToString(deterministic=True)


@pytest.mark.parametrize("method, path, body, wanted", [
    ("GET", "/v1/shelves/1/books/2?readMask=title,pages", b"", {"name": "shelves/1/books/2", "title": "title,pages"}),
    ("GET", "/v1/books/a%2Fb", b"", {"name": "a/b"}),
    ("GET", "/v1/shelves/1/books?tags=x&tags=y&page_size=3", b"",
     [{"name": "shelves/1/books/x", "pages": 3}, {"name": "shelves/1/books/y", "pages": 3}]),
    ("POST", "/v1/shelves/1/books", b'{"title":"t"}', {"title": "t"}),
    ("PATCH", "/v1/shelves/1/books/2", b'{"title":"t"}', {"name": "shelves/1/books/2", "title": "t"}),
    ("POST", "/v1/shelves/1/books/2:burn", b"{}", {}),
])
def test_rules_find_their_methods(running, method, path, body, wanted):
    status, _, body = ask(running, method, path, body)
    assert (status, json.loads(body)) == (200, wanted)


@pytest.mark.parametrize("method, path, body, status, code, words", [
    ("POST", "/v1/shelves/1/books", b'{"titel":"t"}', 400, 3, "titel"),
    ("POST", "/v1/shelves/1/books", b'{"title":', 400, 3, "ends too early"),
    ("PATCH", "/v1/shelves/1/books/2", b'{"name":"other"}', 400, 3, "name"),
    ("GET", "/v1/shelves/1/books/2?colour=red", b"", 400, 3, "colour"),
    ("DELETE", "/v1/shelves/1/books", b"", 405, 12, ""),
    ("GET", "/v2/nothing", b"", 404, 12, ""),
    ("GET", "/v1/books/x%2FNOT_FOUND%2Fnone", b"", 404, 5, "no such book"),
    ("GET", "/v1/books/x%2FUNAVAILABLE%2Fnone", b"", 503, 14, "no such book"),
    ("GET", "/v1/books/x%2FRESOURCE_EXHAUSTED%2Fnone", b"", 429, 8, "no such book"),
])
def test_errors_have_their_http_status_and_say_why(running, method, path, body, status, code, words):
    seen, head, body = ask(running, method, path, body)
    told = json.loads(body)
    assert (seen, told["code"]) == (status, code) and words in told["message"], told
    if status == 405:
        assert head["allow"] == "GET, HEAD, LOCK, POST"


def test_rules_of_a_method_apply_however_it_is_called(running):
    path = "/v1/shelves/1/books/2:burn"
    assert ask(running, "POST", path, b"{}")[0] == 200
    assert ask(running, "POST", path, b"{}", {**JSON, "x-child": "1"})[0] == 403


@pytest.mark.parametrize("accept, kind, read", [
    ("*/*", "application/json", json.loads),
    ("text/html, */*;q=0.8", "application/json", json.loads),
    ("application/x-ndjson", "application/x-ndjson", lambda body: [json.loads(line) for line in body.splitlines()]),
    ("application/json", "application/json", json.loads),
    ("text/event-stream", "text/event-stream",
     lambda body: [json.loads(part.split(b"data: ")[1]) for part in body.split(b"\n\n") if part]),
])
def test_streams_come_in_the_form_that_the_caller_accepts(running, accept, kind, read):
    path = "/v1/shelves/1/books:watch"
    status, head, body = ask(running, "GET", path + "?pageSize=3", headers={"accept": accept})
    assert (status, head["content-type"]) == (200, kind)
    assert read(body) == [{}, {"pages": 1}, {"pages": 2}]
    status, head, body = ask(running, "GET", path + "?pageSize=2&tags=torn", headers={"accept": accept})
    assert status == 200 and read(body)[-1]["code"] == 15
    status, head, body = ask(running, "GET", path, headers={"accept": accept})
    assert (status, head["content-type"]) == (404, "application/json") and json.loads(body)["code"] == 5


@pytest.mark.parametrize("body", [b'{"pages":1}\n{"pages":2}\n', b'[{"pages":1},{"pages":2}]'])
def test_a_client_stream_is_lines_or_an_array(running, body):
    status, _, answer = ask(running, "POST", "/v1/books:import", body)
    assert (status, json.loads(answer)) == (200, {"books": [{"pages": 1}, {"pages": 2}]})


def test_raw_bodies_pass_as_they_are(running):
    status, head, body = ask(running, "POST", "/v1/files/a/b", b"\0\1\2", {"content-type": "image/png"})
    assert (status, head["content-type"], body) == (200, "image/png", b"\2\1\0")


def test_a_changed_descriptor_set_is_taken_up_and_a_bad_one_is_not(tmp_path):
    file = tmp_path / "library.binpb"
    descriptors(file)
    good = file.read_bytes()
    file.write_bytes(good.replace(b"Library", b"Archive"))
    server = Served()
    books = {"endpoints": [server.address], "schema": {"descriptors": [str(file)]}}
    routes = [{"path": "/*", "cluster": "books", "allow": "anyone"}]
    with server, Gateway(tmp_path, configuration(clusters={"books": books}, routes=routes, workers=1)) as gateway:
        def status():
            return ask(gateway, "GET", "/v1/books/a")[0]

        assert status() != 200
        replace(file, good)
        eventually(lambda: status() == 200)
        gateway.process.wait_for(lambda line: line.startswith("reloaded") and str(file) in line, "what was taken up")
        replace(file, b"\xff\xff")
        gateway.process.wait_for(lambda line: "descriptor set" in line, "the mistake")
        assert status() == 200


def replace(file, content):
    other = file.with_suffix(".new")
    other.write_bytes(content)
    other.rename(file)


def test_a_route_says_how_its_json_looks(tmp_path):
    descriptors(tmp_path / "library.binpb")
    with Served() as server:
        books = {"endpoints": [server.address], "schema": {"descriptors": [str(tmp_path / "library.binpb")]}}
        route = {"service": NAME, "cluster": "books", "allow": "anyone", "json": {"streams": "lines", "pretty": True, "untyped_bodies": "read"}}
        with Gateway(tmp_path, configuration(clusters={"books": books}, routes=[route], workers=1)) as gateway:
            path = "/v1/shelves/1/books:watch?pageSize=2"
            # What the caller names goes before what the route prefers.
            assert ask(gateway, "GET", path, headers={"accept": "*/*"})[1]["content-type"] == "application/x-ndjson"
            status, _, body = ask(gateway, "GET", path, headers={"accept": "application/json"})
            assert (status, body) == (200, b'[\n  {},\n  {\n    "pages": 1\n  }\n]\n')
            status, _, body = ask(gateway, "POST", "/v1/shelves/1/books", b'{"title":"t"}', {})
            assert (status, body) == (200, b'{\n  "title": "t"\n}\n')
            # What is typed otherwise stays refused.
            assert ask(gateway, "POST", "/v1/shelves/1/books", b'{"title":"t"}', {"content-type": "text/plain"})[0] == 415
