"""grpcio's server of martlet.kinds.v1.Library, and the descriptor set of it."""

from concurrent import futures

import grpc
from google.api import httpbody_pb2
from google.protobuf import descriptor_pb2, empty_pb2

from . import stubs
from .gateway import Gateway, configuration

kinds = stubs.module("kinds_pb2")
old = stubs.module("kinds2_pb2")
new = stubs.module("kinds_editions_pb2")
kinds_grpc = stubs.module("kinds_pb2_grpc")
NAME = "martlet.kinds.v1.Library"


class Library(kinds_grpc.LibraryServicer):
    def Echo(self, ask, context):
        return ask

    EchoOld = EchoNew = Echo

    def GetBook(self, ask, context):
        if ask.name.endswith("/none"):
            context.abort(grpc.StatusCode[context_code(ask.name)], "no such book")
        context.send_initial_metadata([("x-shelf", "7")])
        context.set_trailing_metadata([("x-last", "yes"), ("x-left", str(round(context.time_remaining() or 0)))])
        return kinds.Book(name=ask.name, title=",".join(ask.read_mask.paths))

    def ListBooks(self, ask, context):
        return kinds.ListBooksResponse(books=[kinds.Book(name=f"{ask.parent}/books/{tag}", pages=ask.page_size) for tag in ask.tags])

    def CreateBook(self, ask, context):
        return ask.book

    def UpdateBook(self, ask, context):
        return ask.book

    def ReplaceBook(self, ask, context):
        return ask

    def BurnBook(self, ask, context):
        return empty_pb2.Empty()

    def WatchBooks(self, ask, context):
        if ask.page_size == 0:
            context.abort(grpc.StatusCode.NOT_FOUND, "nothing to watch")
        for number in range(ask.page_size):
            yield kinds.Book(pages=number)
        context.set_trailing_metadata([("x-count", str(ask.page_size))])
        if ask.tags:
            context.abort(grpc.StatusCode.DATA_LOSS, "torn")

    def ImportBooks(self, asks, context):
        return kinds.ListBooksResponse(books=list(asks))

    def ExchangeBooks(self, asks, context):
        yield from asks

    def Upload(self, ask, context):
        return httpbody_pb2.HttpBody(content_type=ask.file.content_type, data=ask.file.data[::-1])


def context_code(name):
    return name.split("/")[1]


class Served:
    """A server of `Library` as long as the block lasts; with gzip it compresses whatever its caller reads."""

    def __init__(self, compression=None, threads=8):
        self.server = grpc.server(futures.ThreadPoolExecutor(threads), compression=compression)
        kinds_grpc.add_LibraryServicer_to_server(Library(), self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(None)


def gateway_before(address, folder, **route):
    """A gateway that has the schema, with one route to the server."""
    return Gateway(folder, configuration_before(address, folder, **route))


def configuration_before(address, folder, **route):
    descriptors(folder / "library.binpb")
    books = {"endpoints": [address], "schema": {"descriptors": [str(folder / "library.binpb")]}}
    routes = [{"service": NAME, "cluster": "books", "allow": "anyone", **route}]
    return configuration(clusters={"books": books}, routes=routes, workers=1)


def descriptors(path):
    """The set of kinds.proto and all that it imports."""
    found = descriptor_pb2.FileDescriptorSet()

    def add(file):
        if file.name not in [known.name for known in found.file]:
            for other in file.dependencies:
                add(other)
            file.CopyToProto(found.file.add())

    add(kinds.DESCRIPTOR)
    path.write_bytes(found.SerializeToString())
