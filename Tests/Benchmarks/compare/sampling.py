"""Takes the samples of a scenario: rounds over all peers, a freshly started proxy for each sample."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from compare.scenarios import Scenario
from harness.fixtures import Fixtures
from harness.processes import wait_until_quiet
from harness.stack import Cores, running
from harness.verify import verify

NOISY_CORES = 0.1


class Sampler:
    """`retry_seconds` is what may be spent in all on taking noisy samples again."""

    def __init__(self, fixtures: Fixtures, work: Path, cores: Cores, options):
        self._fixtures, self._work, self._cores, self._options = fixtures, work, cores, options
        self._retry_seconds_left = options.retry_seconds

    def measure(self, scenario: Scenario, peers: list, rounds: int, seconds: float) -> list:
        """Visits every peer in each round, so that a drift of the machine falls on all alike; `seconds` is a sample's length.

        Returns (peer, samples) pairs; a text instead of samples is the reason that there are none.
        """
        results = {peer: [] if _takes_part(peer, scenario) else "n/a" for peer in peers}
        for round_number in range(rounds):
            for peer in peers:
                if not isinstance(results[peer], list):
                    continue
                try:
                    results[peer].append(self._quietest_sample(scenario, peer, seconds, check=not round_number))
                except (RuntimeError, AssertionError, OSError) as error:
                    results[peer] = f"FAILED: {error}".replace("\n", " ").replace("|", "/")[:300]
                    print(f"{scenario.name} {peer.name} {results[peer]}", file=sys.stderr)
        return list(results.items())

    def _quietest_sample(self, scenario, peer, seconds, check):
        attempts = []
        for attempt in range(self._options.retries + 1):
            if attempt and self._retry_seconds_left <= 0:
                break
            started = time.monotonic()
            sample = self._sample(scenario, peer, seconds, check and not attempt)
            if attempt:
                self._retry_seconds_left -= time.monotonic() - started
            _, key, decimals = scenario.columns[0]
            print(f"{scenario.name} {peer.name}: {sample[key]:.{decimals}f}" + (" (noisy)" if is_noisy(sample) else ""),
                  file=sys.stderr)
            attempts.append(sample)
            if not is_noisy(sample):
                break
        return min(attempts, key=_noise)

    def _sample(self, scenario, peer, seconds, check):
        folder = Path(tempfile.mkdtemp(prefix=f"{scenario.name}-{peer.name}-", dir=self._work))
        with running(peer, scenario.kind, self._fixtures, folder, self._cores, scenario.reply,
                     scenario.jwt_algorithm) as stack:
            if check:
                verify(stack.job, scenario.body(self._fixtures), scenario.reply_body(self._fixtures))
            wait_until_quiet(self._cores.proxy | self._cores.load, self._options.patience)
            sample = scenario.measure(stack, seconds)
        if not self._options.keep:
            shutil.rmtree(folder)
        return sample


def is_noisy(sample) -> bool:
    return _noise(sample) > NOISY_CORES


def _takes_part(peer, scenario):
    return (scenario.kind in peer.kinds and not (peer.is_floor and scenario.without_floors)
            and (scenario.is_unary or not peer.only_unary))


def _noise(sample) -> float:
    """How much of the cores was taken by something else while the sample was taken."""
    return sample["foreign_cores"] + sample["stolen_cores"]
