"""Writes Tests/TranscodingTests/Generated: the schema of Tests/Scenarios/protos, and messages of it as protobuf and as JSON.

What is right there is what the protobuf package's json_format says. Needs grpcio-tools and googleapis-common-protos:

    python3 Scripts/transcoding_fixtures.py
"""

import base64
import json
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import google.api
import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor as Field

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROTOS = ROOT / "Tests/Scenarios/protos"
TARGET = ROOT / "Tests/TranscodingTests/Generated"
MESSAGES = ["martlet.kinds.v1.Kinds", "martlet.kinds.v2.Old", "martlet.kinds.v3.New"]
IN_ANY = ["martlet.kinds.v1.Book", "google.protobuf.Duration", "google.protobuf.Struct", "google.protobuf.Int64Value"]

chance = random.Random(5)


def descriptors():
    include = [PROTOS, pathlib.Path(list(google.api.__path__)[0]).parent.parent, pathlib.Path(grpc_tools.__file__).parent / "_proto"]
    with tempfile.NamedTemporaryFile() as output:
        subprocess.run(
            [sys.executable, "-m", "grpc_tools.protoc", *[f"-I{folder}" for folder in include], "--include_imports",
             f"--descriptor_set_out={output.name}", *sorted(str(file) for file in PROTOS.glob("kinds*.proto"))],
            check=True)
        return descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(output.name).read_bytes())


def text():
    return "".join(chance.choice(['a', 'Z', '"', '\\', '/', '\n', '\x01', 'é', '€', '😀', 'plain ']) for _ in range(chance.choice([0, 1, 3, 20])))


def integer(bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return chance.choice([0, 1, low, high, chance.randint(low, high), chance.randint(max(low, -200), 200)])


def scalar(field):
    kind = field.type
    if kind in (Field.TYPE_DOUBLE, Field.TYPE_FLOAT):
        value = chance.choice([0.0, 1.5, -0.1, 1e21, math.inf, -math.inf, math.nan, chance.uniform(-1e6, 1e6)])
        return value if kind == Field.TYPE_DOUBLE else struct.unpack("<f", struct.pack("<f", value))[0]
    if kind in (Field.TYPE_INT64, Field.TYPE_SFIXED64, Field.TYPE_SINT64):
        return integer(64, True)
    if kind in (Field.TYPE_UINT64, Field.TYPE_FIXED64):
        return integer(64, False)
    if kind in (Field.TYPE_INT32, Field.TYPE_SFIXED32, Field.TYPE_SINT32):
        return integer(32, True)
    if kind in (Field.TYPE_UINT32, Field.TYPE_FIXED32):
        return integer(32, False)
    if kind == Field.TYPE_BOOL:
        return chance.random() < 0.5
    if kind == Field.TYPE_STRING:
        return text()
    if kind == Field.TYPE_BYTES:
        return bytes(chance.randrange(256) for _ in range(chance.choice([0, 1, 2, 3, 40])))
    return chance.choice([value.number for value in field.enum_type.values])


def fill(message, depth, density, pool):
    name = message.DESCRIPTOR.full_name
    if name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
        sign = chance.choice([1, -1]) if name.endswith("Duration") else 1
        message.seconds = sign * chance.choice([0, 1, 1700000000, 253402300799])
        message.nanos = sign * chance.choice([0, 1, 500000000, 123000])
    elif name == "google.protobuf.FieldMask":
        message.paths.extend(chance.sample(["a", "foo_bar", "x.y_z"], chance.randrange(3)))
    elif name == "google.protobuf.Value":
        chosen = chance.randrange(6 if depth < 4 else 4)
        json_format.ParseDict([None, 1.5, text(), True, {"a": [1, None]}, [{}, text()]][chosen], message)
    elif name == "google.protobuf.Struct":
        json_format.ParseDict({text(): chance.choice([1, None, [], {"b": {"c": "d"}}]) for _ in range(3)}, message)
    elif name == "google.protobuf.ListValue":
        json_format.ParseDict([1, text(), [None], {"x": False}], message)
    elif name == "google.protobuf.Any":
        inner = message_factory.GetMessageClass(pool.FindMessageTypeByName(chance.choice(IN_ANY)))()
        fill(inner, depth + 1, density, pool)
        message.type_url = "type.googleapis.com/" + inner.DESCRIPTOR.full_name
        message.value = inner.SerializeToString(deterministic=True)
    else:
        for field in message.DESCRIPTOR.fields:
            if field.is_required or chance.random() < density:
                fill_field(message, field, depth, density, pool)


def fill_field(message, field, depth, density, pool):
    if field.message_type and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        for _ in range(chance.choice([1, 3, 12])):
            if not value.message_type:
                getattr(message, field.name)[scalar(key)] = scalar(value)
            elif depth < 2:
                fill(getattr(message, field.name)[scalar(key)], depth + 1, density / 3, pool)
    elif field.is_repeated:
        for _ in range(chance.choice([1, 3])):
            if not field.message_type:
                getattr(message, field.name).append(scalar(field))
            elif depth < 2:
                fill(getattr(message, field.name).add(), depth + 1, density / 3, pool)
    elif not field.message_type:
        setattr(message, field.name, scalar(field))
    elif depth < 2 or field.message_type.full_name.startswith("google."):
        getattr(message, field.name).SetInParent()
        fill(getattr(message, field.name), depth + 1, density / 3, pool)


def literal(data):
    """Base64 over several lines that continue each other."""
    encoded = base64.b64encode(data).decode()
    lines = [encoded[at:at + 118] for at in range(0, max(len(encoded), 1), 118)]
    return '"""\n' + "".join(f"        {line}\\\n" for line in lines[:-1]) + f"        {lines[-1]}\n        \"\"\""


def main():
    files = descriptors()
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    message_factory.GetMessageClassesForFiles([file.name for file in files.file], pool)
    TARGET.mkdir(parents=True, exist_ok=True)
    kept = descriptor_pb2.FileDescriptorSet()
    # Options' own files are large, and needed by nobody who only reads the options.
    skipped = {"google/protobuf/descriptor.proto", "google/api/http.proto", "google/api/annotations.proto"}
    kept.file.extend(file for file in files.file if file.name not in skipped)
    TARGET.joinpath("KindsDescriptors.swift").write_text(
        "// Written by Scripts/transcoding_fixtures.py.\n\n"
        "/// The files of Tests/Scenarios/protos as a FileDescriptorSet, in base64.\n"
        f"enum KindsDescriptors {{\n    static let base64 = {literal(kept.SerializeToString())}\n}}\n")
    cases = []
    for name in MESSAGES:
        for density in (0.05, 0.1, 0.2, 0.4):
            for _ in range(3):
                message = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()
                fill(message, 0, density, pool)
                document = json.dumps(
                    json_format.MessageToDict(message, descriptor_pool=pool), ensure_ascii=chance.random() < 0.5,
                    indent=chance.choice([None, 1]))
                cases.append((name, message.SerializeToString(deterministic=True), document.encode()))
    body = "".join(
        f'    JSONFixture(\n        message: "{name}",\n        protobuf: {literal(wire)},\n        json: {literal(document)}),\n'
        for name, wire, document in cases)
    TARGET.joinpath("JSONFixtures.swift").write_text(
        "// Written by Scripts/transcoding_fixtures.py.\n\n"
        "/// A message as protobuf and as the JSON that json_format makes of it, both in base64.\n"
        "struct JSONFixture: Sendable {\n    let message: String\n    let protobuf: String\n    let json: String\n}\n\n"
        f"let jsonFixtures: [JSONFixture] = [\n{body}]\n")


main()
