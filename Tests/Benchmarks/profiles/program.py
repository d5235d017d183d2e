"""Says by the debug information of a program in which source file an instruction was written."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

RUNTIME = "Swift runtime and library"
_SOURCES, _PACKAGES = "/Sources/", "/.build/checkouts/"


@dataclass(frozen=True)
class Place:
    """`file` is below Sources; `function` is mangled, the one that the compiler left, into which others may be inlined."""

    file: str
    line: int
    function: str


def places(program: Path, addresses) -> dict:
    """By address. What is inlined counts where it was written, and what of it is the library's where it is used."""
    addresses = sorted(addresses)
    done = subprocess.run(
        ["llvm-symbolizer", f"--obj={program}", "--inlines", "--no-demangle", "--output-style=JSON"],
        input="".join(f"0x{address:x}\n" for address in addresses), capture_output=True, text=True, check=True)
    answers = (json.loads(line)["Symbol"] for line in done.stdout.splitlines())
    return {address: _place(frames) for address, frames in zip(addresses, answers, strict=True)}


def _place(frames) -> Place:
    function = frames[-1]["FunctionName"] if frames else ""
    for frame in frames:
        file = frame["FileName"]
        if _PACKAGES in file:
            return Place("packages/" + file.split(_PACKAGES)[1].split("/")[0], frame["Line"], function)
        if _SOURCES in file:
            return Place(file.split(_SOURCES)[1], frame["Line"], function)
    return Place(RUNTIME, 0, function)
