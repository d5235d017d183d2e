"""Checks allocations, instructions and system calls per request against Tests/Benchmarks/thresholds.json."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import xml.etree.ElementTree as tree
from pathlib import Path

from budgets.check import checks
from budgets.measure import costs
from harness.fixtures import make_fixtures
from harness.paths import BENCHMARKS
from harness.peer import CLEARTEXT, JWT
from harness.stack import Cores

THRESHOLDS = BENCHMARKS / "thresholds.json"
KINDS = {"h2c": CLEARTEXT, "tls-jwt": JWT}


def main():
    parser = argparse.ArgumentParser(prog="Scripts/test budgets", description=__doc__)
    parser.add_argument("--thresholds", type=Path, default=THRESHOLDS, metavar="FILE")
    parser.add_argument("--junitxml", type=Path, metavar="FILE", help="write a report there")
    options = parser.parse_args()
    thresholds = json.loads(options.thresholds.read_text())
    found = []
    for scenario, cost in measured():
        for check in checks(scenario, cost, thresholds):
            print(f"{check.name:42}{check.text}  {check.problem and 'FAILED' or check.advice}".rstrip(), flush=True)
            found.append(check)
    if options.junitxml:
        write_junit(found, options.junitxml)
    sys.exit(1 if any(check.problem for check in found) else 0)


def measured():
    """Yields (name as in thresholds.json, Cost)."""
    cpus = sorted(os.sched_getaffinity(0))
    cores = Cores({cpus[-1]}, {cpus[0]})
    work = Path(tempfile.mkdtemp(prefix="martlet-budgets-"))
    try:
        fixtures = make_fixtures(work)
        for name, kind in KINDS.items():
            for streams, cost in costs(kind, fixtures, work, cores).items():
                yield f"{name} -m {streams}", cost
    finally:
        shutil.rmtree(work)


def write_junit(found, file):
    suite = tree.Element("testsuite", name="budgets", tests=str(len(found)))
    for check in found:
        case = tree.SubElement(suite, "testcase", classname="budgets", name=check.name)
        if check.problem:
            tree.SubElement(case, "failure", message=check.problem)
    tree.ElementTree(suite).write(file)


main()
