"""Measures Martlet and other gateways side by side on this machine; see Tests/Benchmarks/README.md."""

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

from compare.goals import goals_table
from compare.machine import machine, on_which_machine
from compare.picture import picture
from compare.report import as_json, markdown
from compare.sampling import Sampler
from compare.scenarios import QUICK, SCENARIOS
from harness.fixtures import make_fixtures
from harness.stack import Cores
from peers import PEERS
from peers.martlet import Martlet

QUICK_PEERS = ("martlet", "martlet+log", "nghttpx", "envoy+jwtcache")
# Chosen so that the samples of a quick run take less than four minutes, whatever else the machine does.
QUICK_DEFAULTS = {"scenarios": QUICK, "peers": QUICK_PEERS, "seconds": 1.0, "rounds": 3, "retries": 1, "retry_seconds": 45,
                  "patience": 0.7}


def main():
    options = parse_options()
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    peers = chosen_peers(options)
    scenarios = [s for s in SCENARIOS if any(fnmatch(s.name, pattern) for pattern in options.scenarios)]
    report = {"machine": machine(), "versions": {peer.name: peer.version() for peer in peers}, "scenarios": {}}
    work = Path(tempfile.mkdtemp(prefix="martlet-bench-"))
    try:
        sampler = Sampler(make_fixtures(work), work, Cores(options.proxy_cpus, options.load_cpus), options)
        for scenario in scenarios:
            rows = sampler.measure(scenario, peers)
            print(markdown(scenario, rows), flush=True)
            report["scenarios"][scenario.name] = as_json(rows)
            write(report, options)
    finally:
        if options.keep:
            print(f"logs and configurations: {work}", file=sys.stderr)
        else:
            shutil.rmtree(work)
    print(goals_table(report["scenarios"]))
    print(" · ".join(dict.fromkeys(report["versions"].values())) + f"\n{on_which_machine(report['machine'])}")


def parse_options():
    cpus = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="Scripts/bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="smoke: the unary scenarios beside nghttpx and Envoy, in minutes")
    parser.add_argument("--scenarios", nargs="+", default=["*"], metavar="PATTERN", help=", ".join(s.name for s in SCENARIOS))
    parser.add_argument("--peers", nargs="+", default=["*"], metavar="PATTERN", help=", ".join(p.name for p in PEERS))
    parser.add_argument("--baseline", type=Path, metavar="BINARY", help="another build of Martlet, as one more row")
    parser.add_argument("--seconds", type=float, default=3, help="per sample")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--retries", type=int, default=2, help="how often a noisy sample is taken again")
    parser.add_argument("--retry-seconds", type=float, default=float("inf"), metavar="SECONDS",
                        help="how long that may take in all")
    parser.add_argument("--patience", type=float, default=10, metavar="SECONDS",
                        help="how long to wait for other work on the machine to pause, before each sample")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write medians and samples there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a picture there")
    parser.add_argument("--proxy-cpus", type=cpu_set, default={cpus[-1]}, metavar="N,N", help="one proxy worker on each")
    parser.add_argument("--load-cpus", type=cpu_set, default={cpus[0]}, metavar="N,N", help="load generator and backend")
    parser.add_argument("--keep", action="store_true", help="keep logs and configurations")
    if "--quick" in sys.argv:
        parser.set_defaults(**QUICK_DEFAULTS)
    return parser.parse_args()


def cpu_set(text):
    return {int(cpu) for cpu in text.split(",")}


def chosen_peers(options):
    peers = [peer for peer in PEERS if any(fnmatch(peer.name, pattern) for pattern in options.peers)]
    if options.baseline:
        peers.append(Martlet(options.baseline, "martlet-baseline"))
    for peer in peers:
        if not peer.is_installed:
            print(f"{peer.name} is left out: {peer.program} is not there", file=sys.stderr)
    return [peer for peer in peers if peer.is_installed]


def write(report, options):
    """After every scenario, so that a run that is cut short leaves what it found."""
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    if options.svg:
        options.svg.write_text(picture(report))


main()
