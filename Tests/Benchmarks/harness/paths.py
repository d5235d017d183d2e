"""Where Scripts/bench leaves what it built and installed."""

import json
import os
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
ROOT = BENCHMARKS.parents[1]
CACHE = ROOT / ".cache" / "bench"
BACKEND = CACHE / "backend"
HTTP1_BACKEND = CACHE / "http1_backend"
ENVOY = CACHE / "envoy"
TOOLS = BENCHMARKS / "tools"
PROTOS = BENCHMARKS / "protos"
THRESHOLDS = BENCHMARKS / "thresholds.json"
BUILT_HERE = ROOT / ".build" / "release" / "martlet"
MARTLET = Path(os.environ.get("MARTLET_BINARY", BUILT_HERE)).absolute()


def thresholds() -> dict:
    """The budgets that are recorded in git."""
    return json.loads(THRESHOLDS.read_text())
