"""Holds what was measured against the goals: by the ratios of the rounds and, where these are too far apart, by instructions."""

from dataclasses import dataclass
from statistics import median, quantiles

from compare.goals import GATEWAYS, GOALS, KIB, Bound, Goal
from compare.sampling import is_noisy
from peers import OURS
from peers.martlet import BASELINE

STRETCH, MET, MISSED, UNDECIDED, NOT_MEASURED = "stretch", "met", "MISSED", "undecided", "not measured"
ROUNDS_LEAST = 3
# A latency whose ratio spreads further says more of the machine than of the proxies.
LATENCY_SPREAD_MOST = 0.2
# Title, unit and its size by the key of a sample.
_UNITS = {
    "cpu_us": ("CPU", "µs", 1), "p50_us": ("p50", "µs", 1), "p99_us": ("p99", "µs", 1), "p999_us": ("p99.9", "µs", 1),
    "connection_bytes": ("per connection", "KiB", KIB), "rss_0_mib": ("resident", "MiB", 1)}


@dataclass(frozen=True)
class Reached:
    """What the rounds gave: ratios to one peer or, without one, our own values."""

    peer: str | None
    values: list

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def middle(self) -> tuple:
        """Between which half of the rounds lie; what is further out may be the machine's."""
        if len(self.values) < 2:
            return self.median, self.median
        low, _, high = quantiles(self.values, n=4, method="inclusive")
        return low, high

    @property
    def spread(self) -> float:
        low, high = self.middle
        return high - low

    def as_json(self) -> dict:
        low, high = self.middle
        return {"peer": self.peer, "median": self.median, "low": low, "high": high, "rounds": len(self.values)}


@dataclass(frozen=True)
class Verdict:
    goal: Goal
    required: Reached | None
    stretch: Reached | None
    word: str
    decided_by: str


def verdicts(scenarios: dict, thresholds: dict, goals=GOALS) -> list:
    """scenarios: {name: {peer: medians and samples}}, as in the JSON report; goals whose scenario did not run are left out."""
    return [_verdict(goal, scenarios[goal.scenario], thresholds) for goal in goals if goal.scenario in scenarios]


def reached(rows: dict, goal: Goal, bound: Bound) -> Reached | None:
    """In a scenario's {peer: …}; the best peer is the one with the least median. None if someone is missing.

    Other work on the machine is a latency's whole tail: rounds with a noisy sample do not count if enough others are left.
    """
    ours = _values(rows, goal.row, goal.key)
    if not ours or not bound.peers:
        return Reached(None, ours) if ours else None
    theirs = {peer: values for peer in bound.peers if (values := _values(rows, peer, goal.key))}
    if not theirs:
        return None
    best = min(theirs, key=lambda peer: median(theirs[peer]))
    rounds = list(zip(ours, theirs[best]))
    if goal.is_latency:
        noisy = [any(is_noisy(sample) for sample in pair) for pair in zip(rows[goal.row]["samples"], rows[best]["samples"])]
        quiet = [values for values, is_loud in zip(rounds, noisy) if not is_loud]
        rounds = quiet if len(quiet) >= ROUNDS_LEAST else rounds
    return Reached(best, [one / other for one, other in rounds])


def _values(rows, peer, key) -> list:
    """Of each round; none if the peer failed."""
    samples = rows.get(peer, {}).get("samples", [])
    return [sample[key] for sample in samples if key in sample]


def _verdict(goal, rows, thresholds) -> Verdict:
    required, stretch = reached(rows, goal, goal.required), reached(rows, goal, goal.stretch)
    if not required:
        return Verdict(goal, required, stretch, NOT_MEASURED, "")
    word, decided_by = _decide(goal, required, thresholds)
    is_stretch = word == MET and stretch is not None and stretch.median <= goal.stretch.most
    return Verdict(goal, required, stretch, STRETCH if is_stretch else word, decided_by)


def _decide(goal, required: Reached, thresholds) -> tuple:
    most = goal.required.most
    by_ratio = MET if required.median <= most else MISSED
    if len(required.values) < ROUNDS_LEAST:
        return by_ratio, "too few rounds for a spread"
    is_clear = required.spread <= abs(required.median - most)
    if goal.is_latency and not is_clear and required.spread > LATENCY_SPREAD_MOST:
        return UNDECIDED, "the spread is too wide"
    if goal.is_latency and by_ratio == MISSED and required.median <= 1 + required.spread:
        return MET, "not above the best by more than the spread"
    if is_clear or goal.is_latency:
        return by_ratio, "ratio" if required.peer else "value"
    if not goal.instructions:
        return by_ratio, "ratio, though the spread is wider than its distance"
    record = thresholds[goal.instructions.row]
    parts = {name: (record["instructions"] if name == "all" else record["components"][name], limit)
             for name, limit in goal.instructions.limits.items()}
    text = ", ".join(f"{name} {found:,} of at most {limit:,}" for name, (found, limit) in parts.items())
    return MET if all(found <= limit for found, limit in parts.values()) else MISSED, f"instructions of {goal.instructions.row}: {text}"


def goals_table(found: list, scenarios: dict) -> str:
    """Verdicts as Markdown."""
    titles = ["row", "what", "Martlet", "beside (ratio)", "reached (middle half)", "required", "stretch", "", "decided by"]
    lines = ["| " + " | ".join(titles) + " |", "|---|---|---:|---|---:|---:|---:|---|---|"]
    for verdict in found:
        goal, rows = verdict.goal, scenarios[verdict.goal.scenario]
        cells = [goal.name, f"{goal.title}: {_UNITS[goal.key][0]}", _ours(goal, rows), _beside(goal, rows),
                 _reached(goal, verdict.required), _bound(goal, goal.required), _bound(goal, goal.stretch), verdict.word,
                 verdict.decided_by]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def as_json(verdict: Verdict) -> dict:
    side = lambda bound, found: {"most": bound.most, "peers": bound.peers, "reached": found.as_json() if found else None}
    goal = verdict.goal
    return {"scenario": goal.scenario, "row": goal.row, "key": goal.key, "required": side(goal.required, verdict.required),
            "stretch": side(goal.stretch, verdict.stretch), "verdict": verdict.word, "decided_by": verdict.decided_by}


def _ours(goal, rows) -> str:
    values, kernel = (_values(rows, goal.row, key) for key in (goal.key, "kernel_percent"))
    if not values:
        return "–"
    share = f", {median(kernel):.0f} % kernel" if goal.key == "cpu_us" and kernel else ""
    return _figure(goal, median(values)) + share


def _beside(goal, rows) -> str:
    """Every measured peer of the goal, and another build of ours."""
    ours, cells = _values(rows, goal.row, goal.key), []
    for peer in [*goal.peers[1:], *([BASELINE] if goal.row == OURS else [])]:
        theirs = _values(rows, peer, goal.key)
        if ours and theirs:
            ratio = median(one / other for one, other in zip(ours, theirs))
            cells.append(f"{peer} {_figure(goal, median(theirs))} ({ratio:.2f})")
    return ", ".join(cells)


def _reached(goal, found) -> str:
    if not found:
        return "–"
    show = (lambda value: f"{value:.2f}") if found.peer else (lambda value: _figure(goal, value))
    middle = f" ({show(found.middle[0])}–{show(found.middle[1])})" if len(found.values) > 1 else ""
    return f"{show(found.median)}{middle}"


def _bound(goal, bound) -> str:
    if not bound.peers:
        return _figure(goal, bound.most)
    return f"{bound.most:.2f} × " + ("the best" if bound.peers == GATEWAYS else " or ".join(bound.peers))


def _figure(goal, value) -> str:
    _, unit, size = _UNITS[goal.key]
    value /= size
    return f"{value:.{1 if value < 100 else 0}f} {unit}"
