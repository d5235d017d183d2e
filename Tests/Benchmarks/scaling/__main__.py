"""What more routes, rules, endpoints, connections and workers cost; see Tests/Benchmarks/README.md."""

import argparse
import json
import os
import resource
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from compare.machine import machine, on_which_machine
from compare.scenarios import IDLE_COUNTS, Memory
from harness.fixtures import make_fixtures
from harness.peer import TLS
from harness.stack import Cores, running
from peers.martlet import Martlet
from scaling import shapes
from scaling.measure import Gauge


@dataclass(frozen=True)
class Growth:
    title: str
    shape: object  # makes the Shape of a size
    sizes: tuple
    connections: int = 10
    streams: int = 32
    counts_instructions: bool = True


GROWTHS = [
    Growth("routes by service", shapes.routes_by_service, (10, 1000, 100_000)),
    Growth("routes by path", shapes.routes_by_path, (10, 1000, 100_000)),
    Growth("routes by prefix", shapes.routes_by_prefix, (10, 1000, 100_000)),
    Growth("routes by regular expression", shapes.routes_by_regex, (10, 100, 1000)),
    Growth("methods with a rule each", shapes.rules_by_method, (1, 10, 100, 1000)),
    Growth("conditions in one rule", shapes.conditions_in_a_rule, (1, 10, 100, 1000)),
    # One call at a time: else one endpoint gets many calls in one write, which many endpoints do not.
    Growth("endpoints", shapes.endpoints, (1, 100, 10_000), connections=1, streams=1, counts_instructions=False),
]


def main():
    options = parse_options()
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    cpus = sorted(os.sched_getaffinity(0))
    cores = Cores({cpus[-1]}, {cpus[0]})
    work = Path(tempfile.mkdtemp(prefix="martlet-scaling-"))
    report = {"machine": machine(), "versions": {"martlet": Martlet().version()}, "scaling": {}}
    try:
        fixtures = make_fixtures(work)
        gauge = Gauge(fixtures, work, cores, options)
        for growth in GROWTHS:
            show(growth.title, grow(growth, gauge, options), report, options)
        show("workers", more_workers(gauge, cpus, options), report, options)
        show("idle TLS connections", idle_connections(fixtures, work, cores), report, options)
    finally:
        shutil.rmtree(work)
    print(f"{report['versions']['martlet']}, {on_which_machine(report['machine'])}")


def parse_options():
    parser = argparse.ArgumentParser(prog="Scripts/bench scaling", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2, help="per sample")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=5, metavar="SECONDS",
                        help="how long to wait for other work on the machine to pause, before each sample")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there")
    return parser.parse_args()


def grow(growth: Growth, gauge: Gauge, options) -> dict:
    found = medians({size: lambda size=size: gauge.cpu(growth.shape(size), growth.connections, growth.streams)
                     for size in growth.sizes}, options.rounds)
    for size, row in found.items():
        if growth.counts_instructions and "failed" not in row:
            row["instructions"] = gauge.instructions(growth.shape(size))
    return found


def more_workers(gauge: Gauge, cpus, options) -> dict:
    """With two workers on two cores, the load generator shares one with them."""
    sets = {count: Cores(set(cpus[-count:]), {cpus[0]}) for count in (1, 2) if count <= len(cpus)}
    return medians({count: lambda cores=cores: gauge.cpu(shapes.Shape(1), 10, 32, cores) for count, cores in sets.items()},
                   options.rounds)


def idle_connections(fixtures, work, cores) -> dict:
    with running(Martlet(), TLS, fixtures, Path(tempfile.mkdtemp(dir=work)), cores) as stack:
        sample = Memory("idle", "", TLS).measure(stack, 0)
    empty = sample["rss_0_mib"]
    return {count: {"resident_mib": sample[f"rss_{count}_mib"],
                    "connection_bytes": (sample[f"rss_{count}_mib"] - empty) / count * 2**20} for count in IDLE_COUNTS}


def medians(samplers: dict, rounds: int) -> dict:
    """Visits every size in each round; a size that cannot be had is left out of the following ones."""
    samples, failures = {size: [] for size in samplers}, {}
    for _ in range(rounds):
        for size, sampler in samplers.items():
            if size in failures:
                continue
            try:
                samples[size].append(sampler())
            except RuntimeError as error:
                failures[size] = {"failed": " ".join(str(error).split())[:300]}
    return {size: failures.get(size) or {key: median(sample[key] for sample in rows) for key in rows[0]}
            for size, rows in samples.items()}


def show(title: str, found: dict, report: dict, options):
    """As a table in Markdown, and in the file after each: a run that is cut short leaves what it found."""
    keys = list(dict.fromkeys(key for row in found.values() for key in row if key != "failed")) or [""]
    print("\n".join([f"### {title}", "", "| | " + " | ".join(keys) + " |", "|---:|" + "---:|" * len(keys)]))
    for size, row in found.items():
        cells = [row["failed"]] if "failed" in row else [f"{row[key]:.{1 if key == 'cpu_us' else 0}f}" for key in keys]
        print(f"| {size} | " + " | ".join(cells) + " |")
    print(flush=True)
    report["scaling"][title] = found
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


main()
