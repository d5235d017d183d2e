"""A gRPC call from the command line, for Scripts/quickstart: the demo service, JSON in and out."""

import argparse
import json
import os
import sys
from importlib import import_module, resources
from pathlib import Path

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".cache" / "quickstart"
#          request class     request is a stream, answer is a stream
METHODS = {"Echo": ("EchoRequest", False, False), "Collect": ("CollectRequest", True, False),
           "Count": ("CountRequest", False, True), "Chat": ("ChatRequest", True, True)}


def main():
    parser = argparse.ArgumentParser(
        prog="Scripts/call", description="Calls martlet.demo.v1.Demo through the quickstart's gateway.",
        epilog="""Example: Scripts/call --token "$(cat .cache/quickstart/token.pro)" Count '{"count": 3}'""")
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("message", nargs="*", default=["{}"], help="JSON; several for a stream of requests")
    parser.add_argument("--token", help="sent as `authorization: Bearer …`")
    parser.add_argument("--header", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--address", help="default: where the quickstart's gateway listens")
    parser.add_argument("--timeout", type=float, default=10, metavar="SECONDS")
    parser.add_argument("--until-refused", type=int, metavar="N", help="call again, at most N times, until an answer is a refusal")
    arguments = parser.parse_args()
    address = arguments.address or (FOLDER / "address").read_text().strip()
    credentials = grpc.ssl_channel_credentials((FOLDER / "ca.crt").read_bytes())
    with grpc.secure_channel(address, credentials, options=[("grpc.enable_http_proxy", 0)]) as channel:
        for attempt in range(arguments.until_refused or 1):
            if not call(channel, arguments):
                # A refusal that was waited for is what was wanted.
                return 0 if arguments.until_refused else 1
    return 1 if arguments.until_refused else 0


def call(channel, arguments):
    """One call, told on standard output; whether it was answered with OK."""
    name, streams_in, streams_out = METHODS[arguments.method]
    messages, service = generated()
    kind = getattr(messages, name)
    requests = [json_format.Parse(text, kind()) for text in arguments.message]
    metadata = [tuple(header.split("=", 1)) for header in arguments.header]
    if arguments.token:
        metadata.append(("authorization", f"Bearer {arguments.token}"))
    method = getattr(service.DemoStub(channel), arguments.method)
    try:
        answer = method(iter(requests) if streams_in else requests[0], metadata=metadata, timeout=arguments.timeout)
        for message in answer if streams_out else [answer]:
            print("   ", "OK", json.dumps(json_format.MessageToDict(message), ensure_ascii=False), flush=True)
        return True
    except grpc.RpcError as error:
        print("   ", error.code().name, "-", error.details())
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                tell(status_pb2.Status.FromString(value))
        return False


def tell(status):
    """The details of a refusal, a line each."""
    for detail in status.details:
        kind = getattr(error_details_pb2, detail.type_url.rsplit(".", 1)[-1], None)
        if kind:
            message = kind()
            detail.Unpack(message)
            print("       ", kind.DESCRIPTOR.name, json.dumps(json_format.MessageToDict(message)))


def generated():
    """The demo service's Python code, generated into the cache when its definition is newer."""
    output, definition = FOLDER / "stubs", ROOT / "Protos/martlet/demo/v1/demo.proto"
    made = output / "martlet/demo/v1/demo_pb2_grpc.py"
    if not made.exists() or made.stat().st_mtime < definition.stat().st_mtime:
        from grpc_tools import protoc
        output.mkdir(parents=True, exist_ok=True)
        bundled = resources.files("grpc_tools") / "_proto"
        arguments = ["protoc", f"-I{ROOT / 'Protos'}", f"-I{bundled}", f"--python_out={output}", f"--grpc_python_out={output}", str(definition)]
        if protoc.main(arguments) != 0:
            sys.exit("protoc failed")
    sys.path.insert(0, str(output))
    return import_module("martlet.demo.v1.demo_pb2"), import_module("martlet.demo.v1.demo_pb2_grpc")


if __name__ == "__main__":
    sys.exit(main())
