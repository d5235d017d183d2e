"""What a comparison and the table of goals have in common on the command line."""

import json
import os
import sys
from pathlib import Path

from compare.picture import picture
from peers.martlet import BASELINE, Martlet


def add_sampling_options(parser):
    cpus = sorted(os.sched_getaffinity(0))
    parser.add_argument("--baseline", type=Path, metavar="BINARY", help="another build of Martlet, as one more row")
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


def cpu_set(text):
    return {int(cpu) for cpu in text.split(",")}


def installed(peers: list, options) -> list:
    """Those that are there, and the baseline; says which are not."""
    if options.baseline:
        peers = [*peers, Martlet(options.baseline, BASELINE)]
    for peer in peers:
        if not peer.is_installed:
            print(f"{peer.name} is left out: {peer.program} is not there", file=sys.stderr)
    return [peer for peer in peers if peer.is_installed]


def write(report: dict, options):
    """After every scenario, so that a run that is cut short leaves what it found."""
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    if options.svg:
        options.svg.write_text(picture(report))
