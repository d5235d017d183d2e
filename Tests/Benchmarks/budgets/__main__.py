"""Checks allocations, instructions and system calls per request against Tests/Benchmarks/thresholds.json."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import xml.etree.ElementTree as tree
from fnmatch import fnmatch
from pathlib import Path

from budgets.check import checks
from budgets.measure import costs
from budgets.rows import ROWS
from harness.fixtures import make_fixtures
from harness.paths import THRESHOLDS
from harness.stack import Cores


def main():
    parser = argparse.ArgumentParser(prog="Scripts/test budgets", description=__doc__)
    parser.add_argument("--thresholds", type=Path, default=THRESHOLDS, metavar="FILE")
    parser.add_argument("--junitxml", type=Path, metavar="FILE", help="write a report there")
    parser.add_argument("--rows", nargs="+", default=["*"], metavar="PATTERN", help="only these rows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there, in the form of thresholds.json")
    options = parser.parse_args()
    thresholds = json.loads(options.thresholds.read_text())
    found, record = [], {}
    for row, cost in measured([row for row in ROWS if any(fnmatch(row.name, pattern) for pattern in options.rows)]):
        record[row.name] = as_record(cost)
        for check in checks(row, cost, thresholds):
            print(f"{check.name:52}{check.text}  {check.problem and 'FAILED' or check.advice}".rstrip(), flush=True)
            found.append(check)
    if options.json:
        options.json.write_text(json.dumps(record, indent=1))
    if options.junitxml:
        write_junit(found, options.junitxml)
    sys.exit(1 if any(check.problem for check in found) else 0)


def measured(rows):
    """Yields (Row, Cost)."""
    cores = Cores.in_lock_step(max(os.sched_getaffinity(0)))
    work = Path(tempfile.mkdtemp(prefix="martlet-budgets-"))
    try:
        yield from costs(rows, make_fixtures(work), work, cores)
    finally:
        shutil.rmtree(work)


def as_record(cost):
    return {"mallocs": round(cost.mallocs, 3), "syscalls": round(cost.syscalls, 3), "instructions": round(cost.instructions),
            "components": {name: round(count) for name, count in cost.components.items()}}


def write_junit(found, file):
    suite = tree.Element("testsuite", name="budgets", tests=str(len(found)))
    for check in found:
        case = tree.SubElement(suite, "testcase", classname="budgets", name=check.name)
        if check.problem:
            tree.SubElement(case, "failure", message=check.problem)
    tree.ElementTree(suite).write(file)


main()
