"""The steerable gRPC backend, a process of its own: `python -m harness.backend_server --name a`.

Prints `listening address=…` when it can be called. What a call does is in its request (scenarios.proto).
"""

import argparse
import asyncio
import re
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio

from . import stubs

pb = stubs.module("martlet/scenarios/v1/scenarios_pb2")
pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")


class _Call:
    def __init__(self, method):
        self.method, self.state, self.received, self.received_bytes, self.sent = method, "running", 0, 0, 0


class _Books:
    """What happened, by tag, and who waits for what."""

    def __init__(self):
        self.calls, self.gates, self.started, self.active, self.peak = {}, {}, 0, 0, 0

    def gate(self, tag):
        return self.gates.setdefault(tag, asyncio.Event())


class Kinds(pb_grpc.KindsServicer):
    def __init__(self, name, books):
        self.name, self.books = name, books

    async def Unary(self, request, context):
        return await self._one(context, "Unary", _once(request))

    async def Erase(self, request, context):
        return await self._one(context, "Erase", _once(request))

    async def Collect(self, requests, context):
        return await self._one(context, "Collect", requests)

    async def Spread(self, request, context):
        async for answer in self._run(context, "Spread", _once(request)):
            yield answer

    async def Converse(self, requests, context):
        async for answer in self._run(context, "Converse", requests):
            yield answer

    async def _one(self, context, method, requests):
        """Reads everything, then gives one answer, which is the last message's with the totals."""
        last = None
        async for answer in self._run(context, method, requests):
            last = answer
        return last or pb.Answer(backend=self.name)

    async def _run(self, context, method, requests):
        call = _Call(method)
        self.books.started += 1
        self.books.active += 1
        self.books.peak = max(self.books.peak, self.books.active)
        try:
            async for ask in requests:
                if ask.tag and call.received == 0:
                    self.books.calls.setdefault(ask.tag, []).append(call)
                call.received += 1
                call.received_bytes += len(ask.payload)
                async for answer in self._answers(context, call, ask):
                    call.sent += 1
                    yield answer
            call.state = "done"
        except grpc.aio.AbortError:
            call.state = "done"
            raise
        finally:
            if call.state == "running":
                call.state = "cancelled"
            self.books.active -= 1

    async def _answers(self, context, call, ask):
        if ask.initial or ask.metadata_first:
            await context.send_initial_metadata(_pairs(ask.initial))
        if ask.hold:
            await self.books.gate(ask.tag).wait()
        if ask.trailing:
            context.set_trailing_metadata(_pairs(ask.trailing))
        count = ask.answers if ask.HasField("answers") else (0 if ask.fail_code else 1)
        for index in range(count):
            yield self._answer(context, call, ask, index)
        if ask.fail_code:
            code = next(code for code in grpc.StatusCode if code.value[0] == ask.fail_code)
            await context.abort(code, ask.fail_message, trailing_metadata=_pairs(ask.trailing))

    def _answer(self, context, call, ask, index):
        remaining = context.time_remaining()
        answer = pb.Answer(
            backend=self.name, text=ask.text, payload=bytes(ask.answer_bytes), index=index, received=call.received,
            received_bytes=call.received_bytes, peer=context.peer(),
            # grpc says "no deadline" as a very long time, in some versions.
            time_remaining_ms=-1 if remaining is None or remaining > 1e8 else int(remaining * 1000),
            peer_names=[name.decode() for names in [context.peer_identities() or []] for name in names])
        if index == 0:
            for key, value in context.invocation_metadata():
                answer.metadata.add(key=key, value=value if isinstance(value, bytes) else value.encode())
        return answer


class Control(pb_grpc.ControlServicer):
    def __init__(self, books, health):
        self.books, self.health = books, health

    async def SetHealth(self, request, context):
        status = health_pb2.HealthCheckResponse
        await self.health.set("", status.SERVING if request.serving else status.NOT_SERVING)
        return pb.Nothing()

    async def Seen(self, request, context):
        calls = [pb.SeenCall(method=call.method, state=call.state, received=call.received, sent=call.sent)
                 for call in self.books.calls.get(request.tag, [])]
        peak, self.books.peak = self.books.peak, self.books.active
        return pb.SeenCalls(calls=calls, started=self.books.started, active=self.books.active, peak=peak)

    async def Release(self, request, context):
        self.books.gate(request.tag).set()
        return pb.Nothing()


async def _once(request):
    yield request


def _pairs(metadata):
    return tuple((item.key, item.value if item.key.endswith("-bin") else item.value.decode()) for item in metadata)


def _reflect(server, version):
    """grpcio-reflection is v1alpha; v1 is the same under another name."""
    from grpc_reflection.v1alpha import _async, reflection_pb2
    servicer = _async.ReflectionServicer(["martlet.scenarios.v1.Kinds", "martlet.scenarios.v1.Control", f"grpc.reflection.{version}.ServerReflection"])
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo, request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString)
    name = f"grpc.reflection.{version}.ServerReflection"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}),))


async def serve(arguments):
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
               ("grpc.max_metadata_size", 256 * 1024), ("grpc.absolute_max_metadata_size", 512 * 1024),
               ("grpc.so_reuseport", 0)]
    if arguments.streams:
        options.append(("grpc.max_concurrent_streams", arguments.streams))
    if arguments.connection_age_ms:
        options += [("grpc.max_connection_age_ms", arguments.connection_age_ms),
                    ("grpc.max_connection_age_grace_ms", 10_000)]
    server = grpc.aio.server(options=options)
    books = _Books()
    pb_grpc.add_KindsServicer_to_server(Kinds(arguments.name, books), server)
    health = health_aio.HealthServicer()
    pb_grpc.add_ControlServicer_to_server(Control(books, health), server)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    await health.set("", health_pb2.HealthCheckResponse.SERVING)
    for version in filter(None, arguments.reflection.split(",")):
        _reflect(server, version)
    if arguments.certificate:
        pair = (Path(arguments.private_key).read_bytes(), Path(arguments.certificate).read_bytes())
        roots = Path(arguments.client_ca).read_bytes() if arguments.client_ca else None
        port = server.add_secure_port(
            arguments.address, grpc.ssl_server_credentials([pair], roots, require_client_auth=roots is not None))
    else:
        port = server.add_insecure_port(arguments.address)
    # The scenarios' own direct line: Control needs no client certificate.
    control = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    address = re.sub(r":0$", f":{port}", arguments.address)
    print(f"listening address={address} control=127.0.0.1:{control}", flush=True)
    await server.wait_for_termination()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--address", default="127.0.0.1:0")
    parser.add_argument("--certificate")
    parser.add_argument("--private-key")
    parser.add_argument("--client-ca")
    parser.add_argument("--streams", type=int, help="SETTINGS_MAX_CONCURRENT_STREAMS")
    parser.add_argument("--reflection", default="", help="v1, v1alpha, or both with a comma")
    parser.add_argument("--connection-age-ms", type=int, help="after this, GOAWAY")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
