"""Runs h2load and reads what it prints."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from harness.paths import TOOLS
from harness.peer import HTTP1, Job
from harness.processes import pin

# One cipher suite and one group for all, so that no proxy wins or loses by its preferences.
TLS_OPTIONS = ["--npn-list=h2", "--tls13-ciphers=TLS_AES_128_GCM_SHA256", "--groups=X25519"]
STAGGER_MS = 11  # with 16 connections at 3000 requests a second in all: a third of a millisecond out of step


@dataclass
class LoadResult:
    requests: int
    body_bytes: int
    wall_seconds: float
    cpu_seconds: float
    latencies_us: list


def request_headers(job: Job, token=None, content_type=None) -> list:
    content_type = content_type or job.content_type
    headers = ["-H", f"content-type: {content_type}"]
    headers += [] if job.kind == HTTP1 else ["-H", "te: trailers"]
    return headers + ["-H", f"authorization: Bearer {token}"] if token else headers


def url(job: Job, path=None) -> str:
    return f"{job.scheme}://127.0.0.1:{job.listen_port}{path or job.path}"


def run_h2load(job: Job, cores, body: Path, connections: int, streams: int, seconds=None, requests=None, rate=None,
               paths=(None,), headers=(), content_type=None) -> LoadResult:
    """Saturates the proxy for so many seconds, or sends so many requests, or for so many seconds so many per second."""
    token = job.fixtures.tokens[job.jwt_algorithm] if job.jwt else None
    command = ["h2load", "-t1", f"-c{connections}", f"-m{streams}", "-d", str(body), *request_headers(job, token, content_type)]
    command += TLS_OPTIONS if job.tls else ["--h1"] if job.kind == HTTP1 else []
    log = job.folder / "latencies.tsv"
    if rate:
        # Connections are opened one by one, so that they do not all send at the same moment.
        log.write_text("")
        command += [f"--rps={rate / connections}", f"-n{int(rate * seconds)}", "-r1", f"--rate-period={STAGGER_MS}ms",
                    f"--log-file={log}"]
    else:
        command += [f"-n{requests}"] if requests else ["-D", f"{int(seconds * 1000)}ms"]
    started = time.monotonic()
    output, cpu_seconds = _run([*command, *headers, *(url(job, path) for path in paths)], cores, timeout=(seconds or 10) + 30)
    wall = time.monotonic() - started
    latencies = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines()) if rate else []
    return _parse(output, wall, cpu_seconds, latencies)


def run_resumptions(job: Job, cores, seconds) -> LoadResult:
    """Connection after connection, each resuming the TLS session of the one before and making one request."""
    started = time.monotonic()
    output, cpu_seconds = _run([sys.executable, TOOLS / "resumptions.py", str(job.listen_port), str(seconds)], cores,
                               timeout=seconds + 30)
    return LoadResult(int(output), 0, time.monotonic() - started, cpu_seconds, [])


def _run(command, cores, timeout):
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                          preexec_fn=lambda: pin(cores.load, cores.load_priority))
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.stdout, cpu


def _parse(output, wall, cpu_seconds, latencies):
    counts = re.search(r"requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", output)
    body_bytes = re.search(r"\((\d+)\) data", output)
    if not counts or not body_bytes:
        raise RuntimeError(f"h2load printed no result: {output[-500:]}")
    done, succeeded, failed, errored, timed_out = map(int, counts.groups())
    if succeeded != done or failed or errored or timed_out or not done:
        raise RuntimeError(f"{done} done, {succeeded} succeeded, {failed} failed, {errored} errored, {timed_out} timed out")
    return LoadResult(done, int(body_bytes.group(1)), wall, cpu_seconds, latencies)
