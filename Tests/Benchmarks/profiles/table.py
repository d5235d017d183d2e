"""Writes profiles so that two of them can be compared by git: in a fixed order, with as many digits as repeat."""

from harness.components import COMPONENTS

HEADING = """\
Where the instructions of each row of the budgets are spent, in user space and per unit of the row; of the kernel, its
system calls. Made by `Scripts/bench profile`; Tests/Benchmarks/README.md says how. Three digits are given: these repeat.
"""
# Smaller parts are summed, and rarer system calls left out.
SHARE_LEAST, SYSTEM_CALLS_LEAST = 0.004, 0.005


def written(profiles: list) -> str:
    return "\n".join([HEADING, _summary(profiles), *map(_details, profiles)])


def _summary(profiles) -> str:
    lines = [f"{'row':20}{'per':>14}{'all':>12}" + "".join(f"{name:>12}" for name in COMPONENTS) + f"{'system calls':>14}"]
    for profile in profiles:
        counts = "".join(f"{_rounded(profile.components[name]):>12}" for name in COMPONENTS)
        lines.append(f"{profile.row.name:20}{profile.row.unit:>14}{_rounded(profile.instructions):>12}{counts}"
                     f"{profile.system_calls.total():>14.2f}")
    return "\n".join(lines) + "\n"


def _details(profile) -> str:
    least = profile.instructions * SHARE_LEAST
    lines = [f"## {profile.row.name}, per {profile.row.unit}", ""]
    modules = {}
    for file, count in profile.files.items():
        modules.setdefault(_module(file), {})[file] = count
    for module, files in sorted(modules.items(), key=lambda entry: -sum(entry[1].values())):
        if sum(files.values()) < least:
            continue
        lines.append(f"{_rounded(sum(files.values())):>12}  {module}")
        lines += _listed({file.rsplit("/", 1)[-1]: count for file, count in files.items() if file != module}, least, 4)
    lines.append(f"{_rounded(profile.nghttp2.total()):>12}  nghttp2")
    lines += _listed(profile.nghttp2, least, 4)
    lines += _listed(profile.libraries, least, 0)
    calls = sorted(((name, count) for name, count in profile.system_calls.items() if count >= SYSTEM_CALLS_LEAST),
                   key=lambda call: (-round(call[1], 1), call[0]))
    lines.append("   system calls: " + ", ".join(f"{name} {count:.2f}" for name, count in calls))
    return "\n".join(lines) + "\n"


def _listed(counts: dict, least, indent) -> list:
    large = {name: count for name, count in counts.items() if count >= least}
    lines = [f"{_rounded(count):>{12 + indent}}  {name}" for name, count in sorted(large.items(), key=_order)]
    rest = sum(counts.values()) - sum(large.values())
    return lines + ([f"{_rounded(rest):>{12 + indent}}  {len(counts) - len(large)} others"] if large and rest >= 1 else [])


def _order(entry):
    """What differs in less than is printed stays in the order of names."""
    name, count = entry
    return -float(f"{count:.2g}"), name


def _module(file: str) -> str:
    """Protocols/HTTP2/Session.swift is of Protocols/HTTP2; what is no file of ours is its own."""
    parts = file.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else file


def _rounded(count: float) -> str:
    number = float(f"{count:.3g}") if abs(count) >= 1 else 0
    return f"{number:,.0f}"
