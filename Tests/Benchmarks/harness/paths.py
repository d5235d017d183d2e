"""Where Scripts/bench leaves what it built and installed."""

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
BUILT_HERE = ROOT / ".build" / "release" / "martlet"
MARTLET = Path(os.environ.get("MARTLET_BINARY", BUILT_HERE)).absolute()
