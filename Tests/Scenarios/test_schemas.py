"""Where schemas come from: reflection, asked again and again; folders of descriptor sets."""

import json
import socket
from concurrent import futures

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2

from harness import stubs
from harness.gateway import Gateway, configuration
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
        handler = grpc.stream_stream_rpc_method_handler(
            lambda asks, context: self.servicer.ServerReflectionInfo(asks, context),
            request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
            response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString)
        name = f"grpc.reflection.{version}.ServerReflection"
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}),))
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.server.start()

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
            said = [line for line in gateway.process.lines if line.startswith("schema books:")]
            assert len(said) == 2 and "there is none yet" in said[0] and "1 services" in said[1]


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
