"""What a decision of `martlet ratelimit` costs beside one INCR of redis-server; see Tests/Benchmarks/README.md."""

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from compare.machine import machine, on_which_machine
from harness.paths import MARTLET
from harness.processes import Process, free_ports

METHOD = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"
RULES = [{"domain": "bench", "descriptors": [{"key": "user", "rate_limit": {"unit": "day", "requests_per_unit": 4_000_000_000}}]}]
# Connections and concurrent requests on each: as many clients with one request each, and as Envoy's workers share a connection.
LOADS = {"50 x 1": (50, 1), "4 x 32": (4, 32)}
GOALS = {"redis": 1.5, "redis, leases": 0.5}


def main():
    parser = argparse.ArgumentParser(prog="Scripts/bench limits", description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="per sample")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there")
    options = parser.parse_args()
    cpus = sorted(os.sched_getaffinity(0))
    served, load = cpus[:1], cpus[1:] or cpus
    work = Path(tempfile.mkdtemp(prefix="martlet-limits-"))
    samples = {}
    try:
        for _ in range(options.rounds):
            for name, figures in one_round(work, served, load, options.seconds).items():
                samples.setdefault(name, []).append(figures)
    finally:
        shutil.rmtree(work)
    found = {name: {key: median(sample[key] for sample in taken) for key in taken[0]} for name, taken in samples.items()}
    print("| | CPU, us | of redis-server, us | commands a decision | of one INCR | goal |\n|---|---:|---:|---:|---:|---|")
    incr = found["INCR"]["redis_us"]
    for name, figures in found.items():
        goal = next((goal for store, goal in GOALS.items() if name.startswith(f"{store}; ")), None)
        ratio = figures["service_us"] / incr
        verdict = "" if goal is None else f"{goal}: {'met' if ratio <= goal else 'missed'}"
        print(f"| {name} | {figures['service_us']:.2f} | {figures['redis_us']:.2f} | {figures['commands']:.3f} | "
              f"{'' if name == 'INCR' else f'{ratio:.2f}'} | {verdict} |")
    print(on_which_machine(machine()))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "limits": found}, indent=1))


def one_round(work, served, load, seconds):
    redis_port, port = free_ports(2)
    found = {}
    with Process(["redis-server", "--port", redis_port, "--save", "", "--bind", "127.0.0.1"], served, work / "redis.log") as redis:
        redis.wait_until_listening(redis_port)
        found["INCR"] = incr(redis, redis_port, load, seconds)
        stores = {"memory": {}, "redis": {"store": f"redis://127.0.0.1:{redis_port}", "timeout": "5s", "lease": "off"},
                  "redis, leases": {"store": f"redis://127.0.0.1:{redis_port}", "timeout": "5s"}}
        for store, settings in stores.items():
            file = work / "limits.yaml"
            file.write_text(json.dumps({
                "workers": 1, "admin": {"address": "127.0.0.1:0"}, "listeners": [{"address": f"127.0.0.1:{port}"}],
                **({"rate_limits": settings} if settings else {}), "domains": RULES}))
            with Process([MARTLET, "ratelimit", file], served, work / "service.log") as service:
                service.wait_until_listening(port)
                for shape, (connections, streams) in LOADS.items():
                    ask(work, port, load, connections, streams, 1)
                    found[f"{store}; {shape}"] = decisions(work, port, load, connections, streams, seconds, service, redis, redis_port)
    return found


def decisions(work, port, load, connections, streams, seconds, service, redis, redis_port):
    before = service.cpu_seconds(), redis.cpu_seconds(), commands(redis_port)
    count = ask(work, port, load, connections, streams, seconds)
    after = service.cpu_seconds(), redis.cpu_seconds(), commands(redis_port)
    one, other, asked = (after[index] - before[index] for index in range(3))
    return {"service_us": one / count * 1e6, "redis_us": other / count * 1e6, "commands": asked / count}


def incr(redis, port, load, seconds):
    """CPU of redis-server for one INCR of one key, a round trip each, by fifty clients."""
    subprocess.run(["redis-benchmark", "-p", str(port), "-c", "50", "-n", "20000", "-q", "INCR", "hot"], check=True, capture_output=True,
                   preexec_fn=lambda: os.sched_setaffinity(0, load))
    before, asked = redis.cpu_seconds(), commands(port)
    subprocess.run(["redis-benchmark", "-p", str(port), "-c", "50", "-n", str(int(seconds * 40_000)), "-q", "INCR", "hot"], check=True,
                   capture_output=True, preexec_fn=lambda: os.sched_setaffinity(0, load))
    spent, count = redis.cpu_seconds() - before, commands(port) - asked
    return {"service_us": 0.0, "redis_us": spent / count * 1e6, "commands": 1.0}


def commands(port):
    text = subprocess.run(["redis-cli", "-p", str(port), "INFO", "stats"], check=True, capture_output=True, text=True).stdout
    return next(int(line.partition(":")[2]) for line in text.splitlines() if line.startswith("total_commands_processed:"))


def ask(work, port, load, connections, streams, seconds):
    """Requests of one hot key for so long; how many were answered."""
    body = work / "request"
    body.write_bytes(framed(field(1, b"bench") + field(2, field(1, field(1, b"user") + field(2, b"hot")))))
    output = subprocess.run(
        ["h2load", "-D", str(seconds), "-c", str(connections), "-m", str(streams), "-d", body, "-H", "content-type: application/grpc",
         "-H", "te: trailers", f"http://127.0.0.1:{port}{METHOD}"], check=True, capture_output=True, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, load)).stdout
    done, succeeded = map(int, re.search(r"requests: .* (\d+) done, (\d+) succeeded", output).groups())
    if not done or done != succeeded:
        raise RuntimeError(output)
    return done


def field(number, content):
    return bytes([number << 3 | 2, len(content)]) + content


def framed(message):
    return b"\0" + len(message).to_bytes(4, "big") + message


if __name__ == "__main__":
    main()
