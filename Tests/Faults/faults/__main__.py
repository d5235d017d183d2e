"""Breaks backends under steady load and checks what callers notice of it: success, latency, and attempts per call."""

import argparse
import os
import shutil
import sys
import tempfile
import xml.etree.ElementTree as tree
from collections import Counter
from pathlib import Path

os.environ.setdefault("GRPC_VERBOSITY", "NONE")
FAULTS = Path(__file__).resolve().parents[1]
SCENARIOS = FAULTS.parent / "Scenarios"
sys.path.insert(0, str(SCENARIOS))

from harness import stubs  # noqa: E402

# For the backends, which are processes of their own.
os.environ["PYTHONPATH"] = os.pathsep.join([stubs.folder(), str(SCENARIOS), str(FAULTS)])

from faults import settings  # noqa: E402
from faults.run import run  # noqa: E402


def main():
    parser = argparse.ArgumentParser(prog="Scripts/test faults", description=__doc__)
    parser.add_argument("--junitxml", type=Path, metavar="FILE", help="write a report there")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="martlet-faults-")
    try:
        figures = run(folder)
    finally:
        shutil.rmtree(folder)
    tell(figures)
    found = checks(figures)
    for name, problem in found:
        print(f"{name:66}{problem and 'FAILED: ' + problem or 'ok'}")
    if options.junitxml:
        write_junit(found, options.junitxml)
    sys.exit(1 if any(problem for _, problem in found) else 0)


def tell(figures):
    print(f"{'':14}{'calls':>7}{'p50 ms':>9}{'p99 ms':>9}{'allowed':>9}{'control p99':>13}")
    for phase in figures.phases:
        allowed = "" if phase is figures.calm else f"{figures.allowed_p99(phase, settings.P99_FACTOR_MAX):.1f}"
        print(f"{phase.name:14}{phase.calls:7}{phase.p50:9.1f}{phase.p99:9.1f}{allowed:>9}{phase.control_p99:13.1f}")
    print(f"{figures.calls} calls, {len(figures.failures)} failed ({100 * figures.success:.3f} % succeeded), "
          f"{figures.attempts} attempts ({figures.attempts_per_call:.3f} a call), {figures.seconds:.0f} s")
    for failure, count in Counter(figures.failures).most_common(5):
        print(f"  {count} x {failure}")


def checks(figures):
    """(name, what is wrong or None)"""
    found = [
        (f"at least {100 * settings.SUCCESS_MIN:g} % of idempotent calls succeed",
         None if figures.success >= settings.SUCCESS_MIN else f"{100 * figures.success:.3f} %"),
        (f"at most {settings.ATTEMPTS_FACTOR_MAX:g} attempts a call",
         None if figures.attempts_per_call <= settings.ATTEMPTS_FACTOR_MAX else f"{figures.attempts_per_call:.3f}"),
    ]
    for phase in figures.faults:
        allowed = figures.allowed_p99(phase, settings.P99_FACTOR_MAX)
        found.append((f"within {settings.GRACE} s of a backend {phase.name}, p99 is below {settings.P99_FACTOR_MAX:g} times calm",
                      None if phase.p99 < allowed else f"{phase.p99:.1f} ms, allowed are {allowed:.1f}"))
    return found


def write_junit(found, file):
    suite = tree.Element("testsuite", name="faults", tests=str(len(found)))
    for name, problem in found:
        case = tree.SubElement(suite, "testcase", classname="faults", name=name)
        if problem:
            tree.SubElement(case, "failure", message=problem)
    tree.ElementTree(suite).write(file)


if __name__ == "__main__":
    main()
