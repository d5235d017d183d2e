"""What grows: configurations of the same gateway with more and more of one thing in them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.paths import MARTLET
from harness.peer import Job
from harness.processes import free_ports
from peers.martlet import Martlet

PATHS = 10  # how many of the routes or methods are called, evenly over the table, the last one among them


@dataclass(frozen=True)
class Shape:
    """One configuration, and the calls made to it; `routes`, `endpoints` and `clusters` write what is in the configuration."""

    size: int
    routes: str = "  - { cluster: backend, allow: anyone }"
    endpoints: Callable[[Job], list] = lambda job: [f"127.0.0.1:{job.backend_port}"]
    clusters: Callable[[Job], list] = lambda job: []
    listeners: tuple = ()  # the ports of more than one
    paths: tuple = ("/bench.Echo/Unary",)
    headers: tuple = ()


class ShapedMartlet(Martlet):
    def __init__(self, shape: Shape, binary: Path = MARTLET):
        super().__init__(binary)
        self._shape = shape

    def endpoints(self, job):
        return self._shape.endpoints(job)

    def routes(self, job):
        return self._shape.routes

    def more_listeners(self, job):
        return "\n".join(f"  - address: 127.0.0.1:{port}" for port in self._shape.listeners)

    def more_clusters(self, job):
        return "\n".join(f"  {cluster}" for cluster in self._shape.clusters(job))


def routes_by_service(size) -> Shape:
    return _many_routes(size, "service: bench.S{:06}", "/bench.S{:06}/Unary")


def routes_by_path(size) -> Shape:
    return _many_routes(size, "path: /bench.P{:06}/Unary", "/bench.P{:06}/Unary")


def routes_by_prefix(size) -> Shape:
    return _many_routes(size, 'path: "/bench.P{:06}/*"', "/bench.P{:06}/Unary")


def routes_by_regex(size) -> Shape:
    """Each call is looked up: what a header may decide is remembered by no path."""
    shape = _many_routes(size, 'path: {{ regex: "^/bench[.]R{:06}/[A-Z][a-z]+$" }}', "/bench.R{:06}/Unary")
    return replace(shape, routes='  - { headers: { x-other: "*" }, cluster: backend, allow: anyone }\n' + shape.routes)


def rules_by_method(size) -> Shape:
    """A rule for each of many methods."""
    methods = "\n".join(f"      M{n:06}: {{ allow: {{ header: {{ x-key: v{n:06} }} }} }}" for n in range(size))
    routes = f"  - service: bench.Echo\n    cluster: backend\n    allow: anyone\n    methods:\n{methods}"
    return Shape(size, routes, paths=(f"/bench.Echo/M{size - 1:06}",), headers=_key(size - 1))


def conditions_in_a_rule(size) -> Shape:
    """One rule that holds if any of many conditions does; the last one does."""
    conditions = ", ".join(f"{{ header: {{ x-key: v{n:06} }} }}" for n in range(size))
    return Shape(size, f"  - {{ cluster: backend, allow: {{ any: [{conditions}] }} }}", headers=_key(size - 1))


def endpoints(size) -> Shape:
    """All addresses of the loopback network lead to the one backend."""
    return Shape(size, endpoints=lambda job: [f"{_address(n)}:{job.backend_port}" for n in range(size)])


def clusters(size) -> Shape:
    """A service for each cluster, and an address for each; all are called."""
    routes = "\n".join(f"  - {{ service: bench.S{n:06}, cluster: c{n:06}, allow: anyone }}" for n in range(size))
    line = lambda n, job: f"c{n:06}: {{ endpoints: [{_address(n)}:{job.backend_port}] }}"
    return Shape(size, routes, clusters=lambda job: [line(n, job) for n in range(size)],
                 paths=tuple(f"/bench.S{n:06}/Unary" for n in range(size)))


def listeners(size) -> Shape:
    """Of so many listeners, one is called."""
    return Shape(size, listeners=tuple(free_ports(size - 1)))


def _many_routes(size, match, path):
    routes = "\n".join(f"  - {{ {match.format(n)}, cluster: backend, allow: anyone }}" for n in range(size))
    return Shape(size, routes, paths=tuple(path.format((n + 1) * size // PATHS - 1) for n in range(PATHS)))


def _address(number):
    return f"127.0.{number // 250 + 1}.{number % 250 + 1}"


def _key(number):
    return ("-H", f"x-key: v{number:06}")
