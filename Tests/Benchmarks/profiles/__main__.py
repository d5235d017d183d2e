"""Writes into Tests/Benchmarks/profile.txt where the instructions of each row of the budgets are spent."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

from budgets.rows import ROWS
from harness.fixtures import make_fixtures
from harness.paths import BENCHMARKS
from harness.stack import Cores
from profiles.measure import profiles
from profiles.table import written

PROFILE = BENCHMARKS / "profile.txt"


def main():
    parser = argparse.ArgumentParser(prog="Scripts/bench profile", description=__doc__)
    parser.add_argument("--rows", nargs="+", default=["*"], metavar="PATTERN", help="only these rows, printed instead of written")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there")
    parser.add_argument("--by", choices=["function", "line"], help="print the dearest of these, of ours and of each row")
    parser.add_argument("--top", type=int, default=60, metavar="COUNT", help="how many of them")
    options = parser.parse_args()
    rows = [row for row in ROWS if any(fnmatch(row.name, pattern) for pattern in options.rows)]
    cores = Cores.in_lock_step(max(os.sched_getaffinity(0)))
    work = Path(tempfile.mkdtemp(prefix="martlet-profile-"))
    found = []
    try:
        for profile in profiles(rows, make_fixtures(work), work, cores):
            print(f"{profile.row.name}: {profile.instructions:.0f} per {profile.row.unit}", file=sys.stderr, flush=True)
            found.append(profile)
    finally:
        shutil.rmtree(work)
    if options.by:
        for profile in found:
            print(_dearest(profile.functions if options.by == "function" else profile.lines, options.top))
    elif options.out or len(rows) == len(ROWS):
        (options.out or PROFILE).write_text(written(found))
    else:
        print(written(found))


def _dearest(counts, top) -> str:
    text = "".join(f"{count:9.1f}  {name}\n" for name, count in counts.most_common(top))
    return subprocess.run(["swift", "demangle", "--compact", "--simplified"], input=text, capture_output=True, text=True, check=True).stdout


main()
