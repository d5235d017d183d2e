"""Holds what was measured against thresholds.json."""

from dataclasses import dataclass

# In lock-step (harness/stack.py) the same program repeats within 0.2 %, whatever else the machine does: what is more than
# 1 % above the record is the program's.
INSTRUCTIONS_MOST, INSTRUCTIONS_LEAST = 1.01, 0.97
# A small component may vary by so many instructions: where buffers happen to lie decides which of its ways a copy takes.
INSTRUCTIONS_SLACK = 30


@dataclass(frozen=True)
class Check:
    """One figure beside its budget: `problem` fails the run, `advice` does not."""

    name: str
    text: str
    problem: str = ""
    advice: str = ""


def checks(row, cost, thresholds: dict) -> list:
    budget = thresholds[row.name]
    return [_count(row, "mallocs", cost.mallocs, budget["mallocs"]),
            _count(row, "syscalls", cost.syscalls, budget["syscalls"]),
            _instructions(row, "instructions", cost.instructions, budget["instructions"]),
            *(_instructions(row, name, cost.components[name], recorded) for name, recorded in budget.get("components", {}).items()),
            *_dispatched(row, cost.dispatched, budget.get("dispatch"))]


def _dispatched(row, dispatched, protocols):
    """Only the protocols that are listed are asked at run time, and nothing generic is unspecialised: a row says which, or is not held."""
    if protocols is None:
        return
    for function, times in sorted(dispatched.items()):
        # What came once or twice in a run is no request's.
        if times < 0.1 or any(f"{len(name)}{name}" in function for name in protocols):
            continue
        yield Check(f"{row.name}: dispatch", f"{times:10.2f}  {function}",
                    problem=f"{function} is called {times:.2f} times per {row.unit}: specialise it, or list its protocol")


def _count(row, what, value, most):
    text = f"{value:10.2f}  at most {most:.2f}"
    return Check(f"{row.name}: {what} per {row.unit}", text,
                 problem=f"{value:.3f} {what} per {row.unit}, at most {most} are allowed" if value > most else "")


def _instructions(row, whose, value, recorded):
    ratio = value / recorded
    problem = advice = ""
    if ratio > INSTRUCTIONS_MOST and value > recorded + INSTRUCTIONS_SLACK:
        problem = f"{value:.0f} instructions ({whose}) per {row.unit} are {ratio:.3f} of the recorded {recorded}; at most {INSTRUCTIONS_MOST}"
    elif ratio < INSTRUCTIONS_LEAST:
        advice = f"cheaper than recorded: lower the figure to {round(value, -2):.0f} in thresholds.json"
    return Check(f"{row.name}: {whose} per {row.unit}", f"{value:10.0f}  recorded {recorded}, × {ratio:.3f}", problem, advice)
