"""What a run found: medians per scenario and peer, as a table in Markdown and as JSON."""

from statistics import median

from compare.sampling import is_noisy


def medians(samples: list) -> dict:
    return {key: median(sample[key] for sample in samples) for key in samples[0]}


def as_json(rows: list) -> dict:
    """{peer: {"cpu_us": median, …, "samples": […]}}; peers that took no part are left out."""
    return {peer.name: {**medians(samples), "samples": samples} if isinstance(samples, list) else {"failed": samples}
            for peer, samples in rows if samples != "n/a"}


def markdown(scenario, rows) -> str:
    """The best ranked peer's cost is 1.00."""
    title, key, decimals = scenario.columns[0]
    costs = {peer.name: median(s[key] for s in samples) for peer, samples in rows if isinstance(samples, list)}
    best = min((costs[peer.name] for peer, _ in rows if peer.name in costs and not peer.is_floor), default=None)
    titles = [title, "× best", "min–max", *(title for title, _, _ in scenario.columns[1:]), "noisy"]
    lines = [f"### {scenario.name}: {scenario.title}", "", "| peer | " + " | ".join(titles) + " |",
             "|---|" + "---:|" * len(titles)]
    for peer, samples in sorted(rows, key=lambda row: (row[0].name not in costs, costs.get(row[0].name, 0))):
        name = f"*{peer.name}*" if peer.is_floor else peer.name
        if samples == "n/a":
            continue
        if not isinstance(samples, list):
            lines.append(f"| {name} | {samples} |" + " |" * (len(titles) - 1))
            continue
        values = sorted(s[key] for s in samples)
        cells = [f"{costs[peer.name]:.{decimals}f}", f"{costs[peer.name] / best:.2f}" if best else "",
                 f"{values[0]:.{decimals}f}–{values[-1]:.{decimals}f}"]
        cells += [f"{median(s[key] for s in samples):.{decimals}f}" for _, key, decimals in scenario.columns[1:]]
        noisy = sum(map(is_noisy, samples))
        lines.append(f"| {name} | " + " | ".join([*cells, f"{noisy}/{len(samples)}" if noisy else ""]) + " |")
    return "\n".join(lines) + "\n"
