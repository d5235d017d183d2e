"""Python code for the messages, generated anew for every run from Protos/ and from the scenarios' own definitions."""

import os
import sys
import tempfile
from importlib import import_module, resources
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_FOLDER_VARIABLE = "SCENARIO_STUBS"

# Definitions that PyPI packages bring as modules already: generated a second time they would collide.
_BROUGHT = ("google/", "grpc/health/")


def folder():
    """Where the generated modules are: on `sys.path` from now on, and in the environment for child processes."""
    if _FOLDER_VARIABLE not in os.environ:
        os.environ[_FOLDER_VARIABLE] = _generate()
    path = os.environ[_FOLDER_VARIABLE]
    if path not in sys.path:
        sys.path.insert(0, path)
    return path


def module(name):
    """A generated module by its definition: `module("martlet/scenarios/v1/scenarios_pb2")`."""
    folder()
    return import_module(name.replace("/", "."))


def descriptor_set(output, folder, files):
    """The descriptor set of these proto files of a folder, with all that they import."""
    from grpc_tools import protoc
    bundled, site = _included()
    arguments = ["protoc", f"-I{folder}", f"-I{bundled}", f"-I{site}", "--include_imports", f"--descriptor_set_out={output}", *files]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc failed")


def _included():
    """Where definitions are that packages bring: googleapis-common-protos lays its own beside its modules."""
    return resources.files("grpc_tools") / "_proto", next(path for path in sys.path if (Path(path) / "google/rpc/status.proto").exists())


def _generate():
    from grpc_tools import protoc
    output = tempfile.mkdtemp(prefix="scenario-stubs-")
    includes = [Path(__file__).resolve().parents[1] / "protos", ROOT / "Protos"]
    includes = [include for include in includes if include.is_dir()]
    files = sorted({
        str(file.relative_to(include)) for include in includes for file in include.rglob("*.proto")
        if not str(file.relative_to(include)).startswith(_BROUGHT)})
    bundled, site = _included()
    arguments = ["protoc", *(f"-I{include}" for include in includes), f"-I{bundled}", f"-I{site}",
                 f"--python_out={output}", f"--grpc_python_out={output}", *files]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc failed")
    return output
