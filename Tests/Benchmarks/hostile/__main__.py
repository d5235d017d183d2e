"""What a well-behaved caller notices of ten hostile connections; see Tests/Benchmarks/README.md."""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from compare.machine import machine, on_which_machine
from compare.report import markdown
from compare.sampling import Sampler
from compare.scenarios import WARM_UP_SECONDS, FixedRate
from harness.fixtures import make_fixtures
from harness.paths import TOOLS
from harness.peer import CLEARTEXT
from harness.processes import pin
from harness.stack import Cores
from peers import PEERS

ATTACKERS = 10
SHAPES = {
    None: "nothing else",
    "frame": "requests of 16 KiB that stand for 64 MiB of fields",
    "continuation": "the same in CONTINUATION frames",
    "trailers": "the same in trailers",
    "over": "requests whose heads are just above 60 KiB, of 25 bytes",
    "within": "requests whose heads are just below 60 KiB, of 25 bytes",
}


@dataclass(frozen=True)
class Hostile(FixedRate):
    """Ten connections that send HPACK bombs, and connect anew as often as they are cut off."""

    requests_per_second: int = 1000
    shape: str | None = None

    columns = (("p99 µs", "p99_us", 0), ("p50 µs", "p50_us", 0), ("CPU busy %", "busy_percent", 0), ("cut off", "cut_off", 0),
               ("attack MB/s", "attack_mb_per_second", 1), ("peak RSS MiB", "peak_mib", 0))

    def measure(self, stack, seconds):
        if not self.shape:
            return {**super().measure(stack, seconds), "cut_off": 0, "attack_mb_per_second": 0}
        with attackers(stack, self.shape, seconds + WARM_UP_SECONDS + 1) as reports:
            sample = super().measure(stack, seconds)
        # What the attackers take of the load's core is no noise: the load goes before them there.
        return {**sample, "foreign_cores": 0, "cut_off": sum(report["closed"] for report in reports),
                "attack_mb_per_second": sum(report["wire_bytes"] for report in reports) / 1e6 / (seconds + WARM_UP_SECONDS + 1)}


@contextmanager
def attackers(stack, shape, seconds):
    """Yields a list that holds their reports afterwards."""
    command = [sys.executable, TOOLS / "hpack_bomb.py", str(stack.job.listen_port), shape, "--seconds", str(seconds), "--again"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: pin(stack.cores.load))
               for _ in range(ATTACKERS)]
    reports = []
    try:
        yield reports
        for attacker in running:
            output, _ = attacker.communicate(timeout=seconds + 30)
            if attacker.returncode:
                raise RuntimeError(f"{command[1]} failed")
            reports.append(json.loads(output))
    finally:
        for attacker in running:
            attacker.kill()
            attacker.wait()


def main():
    options = parse_options()
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    peers = [peer for peer in PEERS if any(fnmatch(peer.name, pattern) for pattern in options.peers) and peer.is_installed]
    scenarios = [Hostile(shape or "quiet", f"1000 calls a second beside {title}", CLEARTEXT, shape=shape)
                 for shape, title in SHAPES.items() if any(fnmatch(shape or "quiet", pattern) for pattern in options.shapes)]
    cpus = sorted(os.sched_getaffinity(0))
    cores = Cores({cpus[-1]}, {cpus[0]}, load_first=True)
    work = Path(tempfile.mkdtemp(prefix="martlet-hostile-"))
    try:
        sampler = Sampler(make_fixtures(work), work, cores, options)
        for scenario in scenarios:
            print(markdown(scenario, sampler.measure(scenario, peers, options.rounds, options.seconds)), flush=True)
    finally:
        shutil.rmtree(work)
    print(" · ".join(dict.fromkeys(peer.version() for peer in peers)) + f"\n{on_which_machine(machine())}")


def parse_options():
    parser = argparse.ArgumentParser(prog="Scripts/bench hostile", description=__doc__)
    parser.add_argument("--shapes", nargs="+", default=["*"], metavar="PATTERN", help=", ".join(shape or "quiet" for shape in SHAPES))
    parser.add_argument("--peers", nargs="+", default=["martlet", "nghttpx", "envoy", "nginx", "haproxy"], metavar="PATTERN")
    parser.add_argument("--seconds", type=float, default=3, help="per sample")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=2, metavar="SECONDS",
                        help="how long to wait for other work on the machine to pause, before each sample")
    parser.set_defaults(retries=0, retry_seconds=0, keep=False)
    return parser.parse_args()


main()
