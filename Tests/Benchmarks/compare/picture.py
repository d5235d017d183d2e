"""A run as a picture: bars for each scenario, in SVG, readable on light and on dark ground."""

from html import escape

from compare.machine import on_which_machine
from compare.scenarios import SCENARIOS
from peers import OURS, PEERS

COLUMNS = 3
PANEL_WIDTH, MARGIN = 300, 16
ROW_HEIGHT, HEAD_HEIGHT, GAP = 18, 44, 20
NAME_WIDTH, VALUE_WIDTH = 108, 52
FLOORS = {peer.name for peer in PEERS if peer.is_floor}

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .small { font-size: 11px; fill: #59636e } .value { font-variant-numeric: tabular-nums }
  .ours { fill: #0a7d5a } .peer { fill: #8c959f } .floor { fill: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 }
    .ours { fill: #3fb98e } .peer { fill: #656c76 } .floor { fill: #3d444d }
  }
"""


def picture(report: dict) -> str:
    """report: as in the JSON file."""
    panels = []
    for scenario in SCENARIOS:
        title, key, decimals = scenario.columns[scenario.shown]
        rows = report["scenarios"].get(scenario.name, {})
        bars = sorted((row[key], name) for name, row in rows.items() if key in row)
        if bars:
            panels.append((scenario, title, decimals, bars))
    body, bottom = [], MARGIN
    for start in range(0, len(panels), COLUMNS):
        line = panels[start:start + COLUMNS]
        for column, panel in enumerate(line):
            body += _panel(MARGIN + column * (PANEL_WIDTH + GAP), bottom, *panel)
        bottom += HEAD_HEIGHT + ROW_HEIGHT * max(len(bars) for *_, bars in line) + GAP
    for footnote in _footnotes(report):
        body.append(f'<text class="small" x="{MARGIN}" y="{bottom}">{escape(footnote)}</text>')
        bottom += ROW_HEIGHT
    width = 2 * MARGIN + COLUMNS * PANEL_WIDTH + (COLUMNS - 1) * GAP
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom}" role="img">',
                      "<title>What a request costs: Martlet beside other gateways. Less is better.</title>",
                      f"<style>{STYLE}</style>", *body, "</svg>", ""])


def _panel(x, y, scenario, title, decimals, bars):
    yield f'<text class="title" x="{x}" y="{y + 12}">{escape(scenario.name)}</text>'
    yield f'<text class="small" x="{x}" y="{y + 28}">{escape(title)}, less is better</text>'
    scale = (PANEL_WIDTH - NAME_WIDTH - VALUE_WIDTH) / (bars[-1][0] or 1)
    for index, (value, name) in enumerate(bars):
        top = y + HEAD_HEIGHT + index * ROW_HEIGHT - 8
        kind = "ours" if name.startswith(OURS) else "floor" if name in FLOORS else "peer"
        length = max(1, value * scale)
        yield f'<text x="{x + NAME_WIDTH - 6}" y="{top + 11}" text-anchor="end">{escape(name)}</text>'
        yield f'<rect class="{kind}" x="{x + NAME_WIDTH}" y="{top}" width="{length:.1f}" height="14" rx="2"/>'
        yield f'<text class="value" x="{x + NAME_WIDTH + length + 5:.1f}" y="{top + 11}">{value:.{decimals}f}</text>'


def _footnotes(report):
    yield on_which_machine(report["machine"])
    line = ""
    for version in dict.fromkeys(report["versions"].values()):
        if len(line) + len(version) > 150:
            yield line
            line = ""
        line += (" · " if line else "") + version
    yield line
