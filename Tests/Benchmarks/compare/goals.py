"""What Martlet must not cost more than: the rows of `Scripts/bench table`, and the last table of `Scripts/bench`."""

from dataclasses import dataclass

from compare.scenarios import SCENARIOS
from peers import OURS

# Caddy is among the peers of a comparison and the best in nothing: leaving it out saves a sixth of the table's time.
GATEWAYS = ("nghttpx", "envoy", "envoy+jwtcache", "nginx", "haproxy")
KIB = 1024


@dataclass(frozen=True)
class Bound:
    """At most `most` times the best of `peers` or, without peers, at most `most` itself."""

    most: float
    peers: tuple = ()


@dataclass(frozen=True)
class Instructions:
    """Limits for a row of thresholds.json, which repeats where CPU time does not; `all` and components such as `ours`."""

    row: str
    limits: dict


@dataclass(frozen=True)
class Goal:
    name: str
    scenario: str
    required: Bound
    stretch: Bound
    key: str = "cpu_us"
    row: str = OURS
    # Measured and shown, too.
    beside: tuple = ()
    # Decide when the ratio's spread is wider than its distance from what is required.
    instructions: Instructions | None = None

    @property
    def is_latency(self) -> bool:
        return self.key in ("p50_us", "p99_us", "p999_us")

    @property
    def title(self) -> str:
        return next(scenario.title for scenario in SCENARIOS if scenario.name == self.scenario)

    @property
    def peers(self) -> list:
        """Whoever must be measured for it, ours first."""
        return list(dict.fromkeys((self.row, *self.required.peers, *self.stretch.peers, *self.beside)))


# Limits that decide between the rounds: what is required, times what the peer takes under the same load by the same count.
PLAIN_CALLS = Instructions("h2c -m 32", {"all": 30_500, "ours": 7_000})
SINGLE_CALLS = Instructions("h2c -m 1", {"all": 32_800})  # nghttpx: 42,040
# As without TLS, and what OpenSSL takes.
TLS_CALLS = Instructions("tls -m 32", {"all": 31_500, "ours": 7_000})
SINGLE_TLS_CALLS = Instructions("tls -m 1", {"all": 48_100})
CALLS_WITH_TOKEN = Instructions("tls-jwt -m 32", {"all": 74_700})  # the ratio is to be kept: as it was then
HANDSHAKE = Instructions("tls connection", {"all": 2_487_000})  # nginx: 2,763,400
# Of bodies, whether we copy them: a byte that is copied counts as an instruction (`rep movs`), and a MiB has a million.
NO_COPY = Instructions("h2c download", {"all": 300_000})
NO_COPY_HTTP1 = Instructions("http1 download", {"all": 300_000})
NO_COPY_BUT_OPENSSL = Instructions("tls upload", {"all": 5_300_000})  # nginx: 5,172,700


def _of(peers, required, stretch) -> tuple:
    return Bound(required, peers), Bound(stretch, peers)


def _unary(scenario, required, stretch, instructions) -> Goal:
    return Goal(scenario, scenario, *_of(("nghttpx",), required, stretch), beside=("envoy",), instructions=instructions)


def _latency(name, scenario, key, required, stretch) -> Goal:
    return Goal(name, scenario, *_of(GATEWAYS, required, stretch), key=key)


def _download(kind, peers, instructions=None) -> Goal:
    beside = tuple(peer for peer in ("nghttpx", "envoy") if peer not in peers)
    return Goal(f"stream-download-{kind}", f"stream-download-{kind}", *_of(peers, 1.05, 0.95), beside=beside,
                instructions=instructions)


def _mix(kind) -> list:
    return [_latency(f"mix-{kind}-{name}", f"mix-{kind}", key, 1.0, 0.8)
            for name, key in (("p50", "p50_us"), ("p99", "p99_us"), ("p99.9", "p999_us"))]


GOALS = [
    _download("h2c", ("nginx",), NO_COPY),
    _download("h2c-1k", ("nginx",)),
    _download("tls", GATEWAYS),
    _download("tls-1k", GATEWAYS),
    Goal("stream-upload-h2c", "stream-upload-h2c", *_of(("envoy",), 1.1, 1.0), beside=("nghttpx", "nginx")),
    Goal("stream-upload-tls", "stream-upload-tls", Bound(1.0, ("nghttpx",)), Bound(1.0, ("envoy",)), beside=("nginx",),
         instructions=NO_COPY_BUT_OPENSSL),
    Goal("handshake", "handshakes", *_of(("nginx",), 0.90, 0.80), beside=("envoy",), instructions=HANDSHAKE),
    Goal("idle-connection", "memory", Bound(22 * KIB), Bound(1.0, ("nginx",)), key="connection_bytes", beside=("envoy", "nghttpx")),
    Goal("idle-process", "memory", Bound(24), Bound(18), key="rss_0_mib", beside=("nghttpx", "nginx", "envoy")),
    _unary("h2c-unary", 0.70, 0.60, PLAIN_CALLS),
    _unary("tls-unary", 0.70, 0.60, TLS_CALLS),
    _unary("h2c-unary-c64", 0.78, 0.70, SINGLE_CALLS),
    _unary("tls-unary-c64", 0.78, 0.70, SINGLE_TLS_CALLS),
    Goal("jwt-cached", "tls-jwt-rs256", *_of(("envoy+jwtcache",), 0.20, 0.15), instructions=CALLS_WITH_TOKEN),
    Goal("jwt-cached-es256", "tls-jwt-es256", *_of(("envoy+jwtcache",), 0.20, 0.15)),
    Goal("jwt-uncached", "tls-jwt-rs256", *_of(("envoy",), 0.34, 0.30), row="martlet-cache"),
    Goal("jwt-global", "tls-jwt-global", *_of(("envoy", "envoy+jwtcache"), 0.12, 0.10)),
    *(_latency(f"p99-{kind}", f"{kind}-rate", "p99_us", 0.95, 0.8) for kind in ("h2c-unary", "tls-unary", "tls-jwt-rs256")),
    Goal("http1-unary", "http1-unary", *_of(("nginx", "haproxy"), 1.05, 0.95)),
    Goal("http1-download", "http1-download", *_of(("nginx", "haproxy"), 1.05, 0.95), instructions=NO_COPY_HTTP1),
    *_mix("h2c"),
    *_mix("tls"),
    *(Goal(f"json-{size}", f"json-{size}", *_of(("envoy",), 0.50, 0.25)) for size in ("small", "64k")),
]
