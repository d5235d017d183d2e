"""What a call costs with more and more of one thing; see Tests/Benchmarks/README.md."""

import argparse
import json
import os
import resource
import shutil
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from statistics import median

from compare.machine import libraries, machine, on_which_machine
from harness.fixtures import make_fixtures
from peers.martlet import Martlet
from scaling.measure import Gauge
from scaling.rows import ROWS, Row

DECIMALS = {"cpu_us": 1, "connection_us": 1}


def main():
    options = parse_options()
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    cpus = sorted(os.sched_getaffinity(0))
    rows = [row for row in ROWS if row.workers <= len(cpus) and any(fnmatch(row.name, pattern) for pattern in options.rows)]
    work = Path(tempfile.mkdtemp(prefix="martlet-scaling-"))
    report = {"machine": machine(), "versions": {"martlet": Martlet().version()}, "libraries": libraries(), "scaling": {}}
    try:
        gauge = Gauge(make_fixtures(work), work, cpus, options)
        for row in rows:
            show(row, grow(row, gauge, options), report, options)
    finally:
        shutil.rmtree(work)
    print(f"{report['versions']['martlet']}, {on_which_machine(report['machine'])}")


def parse_options():
    parser = argparse.ArgumentParser(prog="Scripts/bench scaling", description=__doc__)
    parser.add_argument("--rows", nargs="+", default=["*"], metavar="PATTERN", help=", ".join(row.name for row in ROWS))
    parser.add_argument("--seconds", type=float, default=2, help="per sample")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=5, metavar="SECONDS",
                        help="how long to wait for other work on the machine to pause, before each sample")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there")
    return parser.parse_args()


def grow(row: Row, gauge: Gauge, options) -> dict:
    """Medians by size: visits every size in each round; a size that cannot be had is left out of the following ones."""
    samples, failures = {size: [] for size in row.sizes}, {}
    for _ in range(options.rounds):
        for size in row.sizes:
            if size in failures:
                continue
            try:
                samples[size].append(row.sample(gauge, size))
            except RuntimeError as error:
                failures[size] = {"failed": " ".join(str(error).split())[:300]}
    found = {size: failures.get(size) or {key: median(sample[key] for sample in taken) for key in taken[0]}
             for size, taken in samples.items()}
    for size, figures in found.items():
        if row.counted and "failed" not in figures:
            figures["instructions"] = gauge.instructions(row.counted(size))
    return found


def show(row: Row, found: dict, report: dict, options):
    """As a table in Markdown, and in the file after each: a run that is cut short leaves what it found."""
    keys = list(dict.fromkeys(key for figures in found.values() for key in figures if key != "failed")) or [""]
    print("\n".join([f"### {row.name}: {row.title}", "", "| | " + " | ".join(keys) + " |", "|---:|" + "---:|" * len(keys)]))
    for size, figures in found.items():
        cells = [figures["failed"]] if "failed" in figures else [f"{figures[key]:.{DECIMALS.get(key, 0)}f}" for key in keys]
        print(f"| {size} | " + " | ".join(cells) + " |")
    print(flush=True)
    report["scaling"][row.name] = found
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


main()
