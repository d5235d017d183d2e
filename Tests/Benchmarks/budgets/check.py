"""Holds what was measured against thresholds.json."""

from dataclasses import dataclass

INSTRUCTIONS_MOST, INSTRUCTIONS_LEAST = 1.05, 0.90


@dataclass(frozen=True)
class Check:
    """One figure beside its budget: `problem` fails the run, `advice` does not."""

    name: str
    text: str
    problem: str = ""
    advice: str = ""


def checks(scenario: str, cost, thresholds: dict) -> list:
    budget = thresholds[scenario]
    return [_count(scenario, "mallocs", cost.mallocs, budget["mallocs"]),
            _count(scenario, "syscalls", cost.syscalls, budget["syscalls"]),
            _instructions(scenario, cost.instructions, budget["instructions"])]


def _count(scenario, what, value, most):
    text = f"{value:10.2f}  at most {most:.2f}"
    return Check(f"{scenario}: {what} per request", text,
                 problem=f"{value:.3f} {what} per request, at most {most} are allowed" if value > most else "")


def _instructions(scenario, value, recorded):
    ratio = value / recorded
    problem = advice = ""
    if ratio > INSTRUCTIONS_MOST:
        problem = f"{value:.0f} instructions per request are {ratio:.2f} of the recorded {recorded}; at most {INSTRUCTIONS_MOST}"
    elif ratio < INSTRUCTIONS_LEAST:
        advice = f"cheaper than recorded: lower the figure to {round(value, -2):.0f} in thresholds.json"
    return Check(f"{scenario}: instructions per request", f"{value:10.0f}  recorded {recorded}, × {ratio:.3f}", problem, advice)
