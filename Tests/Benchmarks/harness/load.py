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
    latencies_us: list  # ascending; only of loads at a fixed rate


@dataclass(frozen=True)
class Part:
    """One kind of call of a mix, on connections of its own."""

    name: str
    connections: int
    streams: int
    requests_per_second: int | None  # without: as many as are answered
    body: Path
    reply_size: int = 0
    port: int | None = None  # of another listener than the job's


def request_headers(job: Job, token=None, content_type=None) -> list:
    content_type = content_type or job.content_type
    headers = ["-H", f"content-type: {content_type}"]
    headers += [] if job.kind == HTTP1 else ["-H", "te: trailers"]
    return headers + ["-H", f"authorization: Bearer {token}"] if token else headers


def url(job: Job, path=None, port=None) -> str:
    return f"{job.scheme}://127.0.0.1:{port or job.listen_port}{path or job.path}"


def run_h2load(job: Job, cores, body: Path, connections: int, streams: int, seconds=None, requests=None, rate=None,
               paths=(None,), headers=(), content_type=None) -> LoadResult:
    """Saturates the proxy for so many seconds, or sends so many requests, or for so many seconds so many per second."""
    token = job.fixtures.tokens[job.jwt_algorithm] if job.jwt else None
    command = _command(job, body, connections, streams, token, content_type)
    log = job.folder / "latencies.tsv"
    if rate:
        command += _at_rate(rate, connections, seconds, log)
    else:
        command += [f"-n{requests}"] if requests else _as_long_as(seconds)
    started = time.monotonic()
    (output,), cpu_seconds = _run([[*command, *headers, *(url(job, path) for path in paths)]], cores, (seconds or 10) + 30)
    wall = time.monotonic() - started
    return _parse(output, wall, cpu_seconds, _latencies(log) if rate else [])


def run_mix(job: Job, cores, parts: list, seconds: float) -> dict:
    """All parts at the same time, each at its rate; returns {name: LoadResult}, whose CPU time is that of all together."""
    logs = {part.name: job.folder / f"{part.name}.tsv" for part in parts}
    commands = []
    for part in parts:
        amount = (_at_rate(part.requests_per_second, part.connections, seconds, logs[part.name]) if part.requests_per_second
                  else _as_long_as(seconds))
        commands.append([*_command(job, part.body, part.connections, part.streams), *amount, url(job, port=part.port)])
    started = time.monotonic()
    outputs, cpu_seconds = _run(commands, cores, seconds + 30)
    wall = time.monotonic() - started
    return {part.name: _parse(output, wall, cpu_seconds, _latencies(logs[part.name]) if part.requests_per_second else [])
            for part, output in zip(parts, outputs)}


def run_resumptions(job: Job, cores, seconds) -> LoadResult:
    """Connection after connection, each resuming the TLS session of the one before and making one request."""
    started = time.monotonic()
    (output,), cpu_seconds = _run([[sys.executable, TOOLS / "resumptions.py", str(job.listen_port), str(seconds)]], cores,
                                  seconds + 30)
    return LoadResult(int(output), 0, time.monotonic() - started, cpu_seconds, [])


def _command(job, body, connections, streams, token=None, content_type=None):
    command = ["h2load", "-t1", f"-c{connections}", f"-m{streams}", "-d", str(body), *request_headers(job, token, content_type)]
    return command + (TLS_OPTIONS if job.tls else ["--h1"] if job.kind == HTTP1 else [])


def _as_long_as(seconds):
    return ["-D", f"{int(seconds * 1000)}ms"]


def _at_rate(rate, connections, seconds, log):
    """Connections are opened one by one, so that they do not all send at the same moment."""
    log.write_text("")
    return [f"--rps={rate / connections}", f"-n{int(rate * seconds)}", "-r1", f"--rate-period={STAGGER_MS}ms", f"--log-file={log}"]


def _latencies(log):
    return sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())


def _run(commands, cores, timeout):
    """All at once; returns what each printed, and the CPU time of all."""
    before, deadline = os.times(), time.monotonic() + timeout
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                preexec_fn=lambda: pin(cores.load, cores.load_priority)) for command in commands]
    outputs = []
    try:
        for command, process in zip(commands, started):
            output, errors = process.communicate(timeout=max(0.1, deadline - time.monotonic()))
            if process.returncode:
                raise RuntimeError(f"{command[0]} failed: {output[-500:]}{errors[-500:]}")
            outputs.append(output)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{error.cmd[0]} did not end within {timeout:.0f} s") from error
    finally:
        for process in started:
            process.kill()
            process.wait()
    after = os.times()
    return outputs, after.children_user + after.children_system - before.children_user - before.children_system


def _parse(output, wall, cpu_seconds, latencies):
    counts = re.search(r"requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", output)
    body_bytes = re.search(r"\((\d+)\) data", output)
    if not counts or not body_bytes:
        raise RuntimeError(f"h2load printed no result: {output[-500:]}")
    done, succeeded, failed, errored, timed_out = map(int, counts.groups())
    if succeeded != done or failed or errored or timed_out or not done:
        raise RuntimeError(f"{done} done, {succeeded} succeeded, {failed} failed, {errored} errored, {timed_out} timed out")
    return LoadResult(done, int(body_bytes.group(1)), wall, cpu_seconds, latencies)
