"""What Martlet must not cost more than, as ratios to its peers in the same run."""

from dataclasses import dataclass

from peers import OURS

GATEWAYS = ("nghttpx", "envoy", "envoy+jwtcache", "nginx", "haproxy", "caddy")
KIB = 1024


@dataclass(frozen=True)
class Goal:
    """At most `required` times the best of `peers`, or, without peers, at most `required` itself."""

    scenario: str
    required: float
    stretch: float
    peers: tuple = ()
    key: str = "cpu_us"
    row: str = OURS

    def ratio(self, rows: dict):
        """What was reached in a scenario's {peer: medians}; None if someone is missing."""
        ours = rows.get(self.row, {}).get(self.key)
        theirs = [rows[peer][self.key] for peer in self.peers if self.key in rows.get(peer, {})]
        if ours is None or (self.peers and not theirs):
            return None
        return ours / min(theirs) if theirs else ours

    @property
    def against(self) -> str:
        if not self.peers:
            return ""
        return "× " + ("the best" if self.peers == GATEWAYS else " or ".join(self.peers))


GOALS = [
    Goal("h2c-unary", 0.80, 0.65, ("nghttpx",)),
    Goal("h2c-unary-c64", 0.97, 0.90, ("nghttpx",)),
    Goal("tls-unary", 0.85, 0.75, ("nghttpx",)),
    Goal("tls-unary-c64", 1.0, 0.95, ("nghttpx",)),
    Goal("tls-jwt-rs256", 0.30, 0.25, ("envoy+jwtcache",)),
    Goal("tls-jwt-es256", 0.30, 0.25, ("envoy+jwtcache",)),
    Goal("tls-jwt-rs256", 0.60, 0.50, ("envoy",), row="martlet-cache"),
    Goal("tls-jwt-global", 0.30, 0.20, ("envoy", "envoy+jwtcache")),
    *(Goal(f"json-{size}", 0.50, 0.25, ("envoy",)) for size in ("small", "64k")),
    *(Goal(f"{kind}-rate", 1.15, 1.0, GATEWAYS, key="p99_us") for kind in ("h2c-unary", "tls-unary", "tls-jwt-rs256")),
    *(Goal(f"stream-upload-{kind}", 1.1, 1.0, ("envoy",)) for kind in ("h2c", "tls")),
    *(Goal(f"stream-download-{kind}", 1.2, 1.0, GATEWAYS) for kind in ("h2c", "tls")),
    Goal("handshakes", 1.1, 1.0, ("nginx",)),
    Goal("memory", 30 * KIB, 23.8 * KIB, key="connection_bytes"),
    Goal("memory", 28, 16, key="rss_0_mib"),
]


def goals_table(scenarios: dict) -> str:
    """scenarios: {name: {peer: medians}}, as in the JSON report; goals whose scenario did not run are left out."""
    lines = ["### Goals", "", "| scenario | row | what | reached | required | stretch | |", "|---|---|---|---:|---:|---:|---|"]
    for goal in GOALS:
        if goal.scenario not in scenarios:
            continue
        reached = goal.ratio(scenarios[goal.scenario])
        lines.append(f"| {goal.scenario} | {goal.row} | {goal.key} {goal.against} | {_figure(reached)} "
                     f"| {_figure(goal.required)} | {_figure(goal.stretch)} | {_verdict(goal, reached)} |")
    return "\n".join(lines) + "\n"


def _figure(value):
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}"


def _verdict(goal, reached):
    if reached is None:
        return "not measured"
    if reached <= goal.stretch:
        return "stretch"
    return "met" if reached <= goal.required else "MISSED"
