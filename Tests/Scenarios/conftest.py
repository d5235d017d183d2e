"""What every scenario can ask for by name. Each makes its own gateway, on ports of its own."""

import os
import socket
import sys
import time
from pathlib import Path

# grpcio's fork handlers are for children that use it too; ours never do without exec.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
sys.path.insert(0, str(Path(__file__).parent))

from harness import stubs  # noqa: E402

os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [stubs.folder(), str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))

import pytest  # noqa: E402

from harness import certificates, h2raw, tokens  # noqa: E402
from harness.backend import Backend  # noqa: E402
from harness.gateway import Gateway, Martlet, configuration  # noqa: E402
from harness.limiters import GatewayCounts, ServiceCounts  # noqa: E402
from harness.redis import Redis  # noqa: E402
from harness.waiting import eventually  # noqa: E402


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """A certificate authority."""
    return certificates.Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def server_identity(pki):
    return pki.issue("server", ["localhost", "127.0.0.1"])


@pytest.fixture(scope="session")
def backend():
    """One steerable backend for all scenarios that do it no harm; tags keep their calls apart."""
    with Backend("shared") as process:
        yield process


@pytest.fixture
def silent(own):
    """A backend that takes every call and answers none, whatever its deadline: grpcio's ends one at its deadline itself."""
    return own(h2raw.Server(lambda peer, _: peer.serve(lambda stream, fields: None)))


@pytest.fixture
def closed_port():
    """An address where nobody listens, and nobody else can while the scenario runs."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield "127.0.0.1:%d" % bound.getsockname()[1]


@pytest.fixture(autouse=True)
def not_over_midnight():
    """Limits a day turn at midnight (UTC), when a count starts anew: no scenario begins in the minute before."""
    eventually(lambda: 86_400 - time.time() % 86_400 >= 60, "the next day", within=90)


@pytest.fixture
def own(request):
    """Keeps what a scenario starts, and ends it with the scenario: `own(Backend("b"))`."""
    from contextlib import ExitStack
    with ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture
def gateway(tmp_path, own):
    """Starts a gateway: `gateway(configuration(backend))`, or `gateway(backend, routes=…)`."""
    def start(first, *endpoints, cpus=None, environment=None, **sections):
        whole = first if isinstance(first, (dict, str)) else configuration(first, *endpoints, **sections)
        return own(Gateway(tmp_path, whole, cpus=cpus, environment=environment))
    return start


@pytest.fixture
def martlet(own):
    """Starts another of martlet's long-running commands: `martlet("demo", "--listen", …)`."""
    return lambda *words, **options: own(Martlet(*words, **options))


@pytest.fixture
def redis(tmp_path, own):
    return lambda **options: own(Redis(tmp_path, **options))


@pytest.fixture(params=["gateway", "ratelimit"])
def counting(request, gateway, backend, martlet, tmp_path):
    """Starts what counts in this store, each in its turn; `counting.user` is what it may be allowed at least."""
    def start(store, **more):
        if request.param == "gateway":
            return GatewayCounts(gateway, backend, store, **more)
        return ServiceCounts(martlet, tmp_path, store, **more)
    start.user = (GatewayCounts if request.param == "gateway" else ServiceCounts).user
    return start


@pytest.fixture(scope="session")
def signing_key():
    return tokens.SigningKey("ES256")


@pytest.fixture
def tag(request):
    """A name for this scenario's calls at a shared backend."""
    import secrets
    return f"{request.node.name}-{secrets.token_hex(4)}"
