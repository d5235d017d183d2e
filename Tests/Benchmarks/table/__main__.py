"""Makes the table of goals: each beside the peers it names, over interleaved rounds; see Tests/Benchmarks/README.md."""

import argparse
import resource
import shutil
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

from compare.goals import GOALS
from compare.machine import libraries, machine, on_which_machine
from compare.options import add_sampling_options, installed, write
from compare.report import as_json
from compare.sampling import Sampler
from compare.scenarios import SCENARIOS
from compare.verdicts import as_json as verdict_as_json
from compare.verdicts import goals_table, verdicts
from harness.fixtures import make_fixtures
from harness.paths import thresholds
from harness.stack import Cores
from peers import PEERS
from peers.martlet import BASELINE

# One sample of each, so that all rows together take less than six minutes on a quiet machine.
QUICK_DEFAULTS = {"rounds": 1, "seconds": 1.0, "retries": 0, "patience": 0.3}


def main():
    options = parse_options()
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    goals = [goal for goal in GOALS if any(fnmatch(goal.name, pattern) for pattern in options.rows)]
    wanted = {name for goal in goals for name in goal.peers}
    peers = installed([peer for peer in PEERS if peer.name in wanted], options)
    report = {"machine": machine(), "versions": {peer.name: peer.version() for peer in peers}, "libraries": libraries(),
              "rows": {}, "scenarios": {}}
    work = Path(tempfile.mkdtemp(prefix="martlet-table-"))
    try:
        sampler = Sampler(make_fixtures(work), work, Cores(options.proxy_cpus, options.load_cpus), options)
        for scenario in SCENARIOS:
            named = {name for goal in goals if goal.scenario == scenario.name for name in goal.peers}
            if not named:
                continue
            rows = sampler.measure(scenario, [peer for peer in peers if peer.name in named | {BASELINE}],
                                   options.rounds or scenario.rounds, options.seconds or scenario.seconds)
            report["scenarios"][scenario.name] = as_json(rows)
            judge(report, goals, options)
    finally:
        if options.keep:
            print(f"logs and configurations: {work}", file=sys.stderr)
        else:
            shutil.rmtree(work)
    print(goals_table(judge(report, goals, options), report["scenarios"]))
    print(footer(report))


def parse_options():
    parser = argparse.ArgumentParser(prog="Scripts/bench table", description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="one short sample of each: a rough table in less than six minutes")
    parser.add_argument("--rows", nargs="+", default=["*"], metavar="PATTERN", help=", ".join(goal.name for goal in GOALS))
    parser.add_argument("--rounds", type=int, help="in place of five, or nine for latencies")
    parser.add_argument("--seconds", type=float, help="per sample, in place of 3, or 30 for latencies")
    add_sampling_options(parser)
    if "--quick" in sys.argv:
        parser.set_defaults(**QUICK_DEFAULTS)
    return parser.parse_args()


def judge(report, goals, options) -> list:
    """Holds what was measured so far against the goals, and writes both into the files."""
    found = verdicts(report["scenarios"], thresholds(), goals)
    report["rows"] = {verdict.goal.name: verdict_as_json(verdict) for verdict in found}
    write(report, options)
    return found


def footer(report) -> str:
    """What the figures hold for."""
    versions = [*dict.fromkeys(report["versions"].values()), *(f"{name} {number}" for name, number in report["libraries"].items())]
    return " · ".join(versions) + f"\n{on_which_machine(report['machine'])}"


main()
