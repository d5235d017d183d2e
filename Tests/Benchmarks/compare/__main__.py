"""Measures Martlet and other gateways side by side on this machine; see Tests/Benchmarks/README.md."""

import argparse
import resource
import shutil
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

from compare.machine import machine, on_which_machine
from compare.options import add_sampling_options, installed, write
from compare.report import as_json, markdown
from compare.sampling import Sampler
from compare.scenarios import QUICK, SCENARIOS
from compare.verdicts import goals_table, verdicts
from harness.fixtures import make_fixtures
from harness.paths import thresholds
from harness.stack import Cores
from peers import PEERS

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
            rounds = 1 if scenario.single_round else options.rounds
            rows = sampler.measure(scenario, peers, rounds, options.seconds)
            print(markdown(scenario, rows), flush=True)
            report["scenarios"][scenario.name] = as_json(rows)
            write(report, options)
    finally:
        if options.keep:
            print(f"logs and configurations: {work}", file=sys.stderr)
        else:
            shutil.rmtree(work)
    print("### Goals\n\n" + goals_table(verdicts(report["scenarios"], thresholds()), report["scenarios"]))
    print(" · ".join(dict.fromkeys(report["versions"].values())) + f"\n{on_which_machine(report['machine'])}")


def parse_options():
    parser = argparse.ArgumentParser(prog="Scripts/bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="smoke: the unary scenarios beside nghttpx and Envoy, in minutes")
    parser.add_argument("--scenarios", nargs="+", default=["*"], metavar="PATTERN", help=", ".join(s.name for s in SCENARIOS))
    parser.add_argument("--peers", nargs="+", default=["*"], metavar="PATTERN", help=", ".join(p.name for p in PEERS))
    parser.add_argument("--seconds", type=float, default=3, help="per sample")
    parser.add_argument("--rounds", type=int, default=5)
    add_sampling_options(parser)
    if "--quick" in sys.argv:
        parser.set_defaults(**QUICK_DEFAULTS)
    return parser.parse_args()


def chosen_peers(options):
    return installed([peer for peer in PEERS if any(fnmatch(peer.name, pattern) for pattern in options.peers)], options)


main()
