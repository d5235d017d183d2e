"""What grows in each row, and through which sizes."""

from collections.abc import Callable
from dataclasses import dataclass

from scaling import shapes
from scaling.measure import Gauge
from scaling.shapes import Shape


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    sizes: tuple
    sample: Callable[[Gauge, int], dict]  # of one size
    # Makes the Shape whose instructions are counted, too.
    counted: Callable[[int], Shape] | None = None
    workers: int = 1


def _shaped(name, title, shape, sizes) -> Row:
    return Row(name, title, sizes, lambda gauge, size: gauge.cpu(shape(size), 10, 32), counted=shape)


def _one_by_one(name, title, shape, sizes) -> Row:
    """One call at a time: else one endpoint gets many calls in one write, which many endpoints do not."""
    return Row(name, title, sizes, lambda gauge, size: gauge.cpu(shape(size), 1, 1))


def _by_workers(name, title, sizes, sample) -> list:
    """A row for one worker and one for two. With two on two cores, the load generator shares one with them."""
    return [Row(f"{name}-{workers}", f"{title}, {workers} worker{'s' * (workers > 1)}", sizes,
                lambda gauge, size, workers=workers: sample(gauge, size, workers), workers=workers) for workers in (1, 2)]


PLAIN = Shape(1)
ROWS = [
    _shaped("services", "routes by service", shapes.routes_by_service, (10, 1000, 100_000)),
    _shaped("paths", "routes by path", shapes.routes_by_path, (10, 1000, 100_000)),
    _shaped("prefixes", "routes by prefix", shapes.routes_by_prefix, (10, 1000, 100_000)),
    _shaped("regexes", "routes by regular expression", shapes.routes_by_regex, (10, 100, 1000)),
    _shaped("methods", "methods with a rule each", shapes.rules_by_method, (1, 10, 100, 1000)),
    _shaped("conditions", "conditions in one rule", shapes.conditions_in_a_rule, (1, 10, 100, 1000)),
    _one_by_one("endpoints", "endpoints of one cluster", shapes.endpoints, (1, 100, 10_000)),
    _one_by_one("clusters", "clusters with an endpoint each, all of them called", shapes.clusters, (1, 100, 1000)),
    *_by_workers("connections", "connections, one call at a time on each", (10, 100, 1000, 10_000),
                 lambda gauge, size, workers: gauge.open_connections(PLAIN, size, workers)),
    *_by_workers("streams", "streams on each of ten connections", (1, 10, 100, 1000),
                 lambda gauge, size, workers: gauge.cpu(PLAIN, 10, size, workers)),
    Row("balance", "long-lived connections, 3000 calls/s in all, 2 workers", (2, 3, 10, 100),
        lambda gauge, size: gauge.shares(PLAIN, size, 2), workers=2),
    Row("listeners", "listeners, one of them with ten long-lived connections, 2 workers", (1, 10, 100),
        lambda gauge, size: gauge.shares(shapes.listeners(size), 10, 2), workers=2),
    Row("idle", "idle TLS connections", (1000, 10_000), lambda gauge, size: gauge.idle(size)),
    *_by_workers("hot", "connections that keep another listener busy, beside 1000 calls/s", (0, 10, 100),
                 lambda gauge, size, workers: gauge.beside(size, workers)),
]
