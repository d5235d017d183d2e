"""Redis in the shapes that people run: a primary with replicas and Sentinels, and a cluster. On loopback, with ports of their own."""

import secrets

from .redis import Redis, free_port
from .waiting import eventually

SLOTS = 16384


class Sentinel(Redis):
    """redis-server as a Sentinel, watching a primary under a name."""

    def __init__(self, folder, primary, *, master="mymaster", quorum=1, password=None, **options):
        lines = [f"sentinel monitor {master} 127.0.0.1 {primary.port} {quorum}",
                 f"sentinel down-after-milliseconds {master} 1000",
                 f"sentinel failover-timeout {master} 3000"]
        self.master = master
        if primary.password:
            lines.append(f"sentinel auth-pass {master} {primary.password}")
        super().__init__(folder, password=password, arguments=["--sentinel"], lines=lines, ready="+monitor", **options)

    def primary(self):
        """The port of the server that it takes for the primary."""
        return int(self.command("SENTINEL", "get-master-addr-by-name", self.master)[1])

    def sees_replicas(self, count):
        return len(self.command("SENTINEL", "replicas", self.master)) >= count

    def failover(self):
        def accepted():
            try:
                return self.command("SENTINEL", "failover", self.master)
            except RuntimeError as error:
                # It has heard of the replica, and nothing from it.
                assert "NOGOODSLAVE" in str(error)
        eventually(accepted, "a failover that is begun")


class Replicated:
    """A primary, its replica and Sentinels that watch them."""

    def __init__(self, folder, *, sentinels=1, password=None, sentinel_password=None, **options):
        # A replica that connects is served at once, and not after the five seconds in which others might come.
        self.primary = Redis(folder, password=password, settings=["repl-diskless-sync-delay", 0], **options)
        self.replica = Redis(folder, password=password, lines=[
            f"replicaof 127.0.0.1 {self.primary.port}", *([f"masterauth {password}"] if password else [])], **options)
        eventually(lambda: "master_link_status:up" in self.replica.command("INFO", "replication").decode(), "the replica follows")
        self.sentinels = [Sentinel(folder, self.primary, password=sentinel_password) for _ in range(sentinels)]
        for sentinel in self.sentinels:
            eventually(lambda: sentinel.sees_replicas(1), "the Sentinel knows the replica")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in [*self.sentinels, self.replica, self.primary]:
            process.stop()

    @property
    def addresses(self):
        return [sentinel.address for sentinel in self.sentinels]


def wait_until_replicated(primary, replica):
    """What the primary has, the replica has too."""
    def offset(server, word):
        lines = server.command("INFO", "replication").decode().splitlines()
        return next(line.split(":")[1] for line in lines if line.startswith(word))
    eventually(lambda: offset(primary, "master_repl_offset") == offset(replica, "slave_repl_offset"), "replicated")


class Cluster:
    """Primaries that share the slots evenly, and a replica for each. Made by commands, without redis-cli and its waits."""

    def __init__(self, folder, *, primaries=3, replicas=True, **options):
        def node():
            def settings():
                port = free_port()
                # A busy machine is no failure.
                return ["cluster-enabled", "yes", "cluster-config-file", f"nodes-{secrets.token_hex(4)}.conf",
                        "cluster-node-timeout", 5000, "cluster-port", port, "cluster-replica-validity-factor", 0,
                        "repl-diskless-sync-delay", 0, *(["tls-cluster", "yes"] if options.get("identity") else [])]
            server = Redis(folder, settings=settings, **options)
            server.cluster_port = server.settings[server.settings.index("cluster-port") + 1]
            return server
        self.primaries = [node() for _ in range(primaries)]
        self.replicas = [node() for _ in range(primaries)] if replicas else []
        share = -(-SLOTS // primaries)
        for index, server in enumerate(self.primaries):
            server.command("CLUSTER", "ADDSLOTSRANGE", index * share, min((index + 1) * share, SLOTS) - 1)
            server.command("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        first = self.primaries[0]
        for other in self.nodes[1:]:
            first.command("CLUSTER", "MEET", "127.0.0.1", other.port, other.cluster_port)
        for server in self.nodes:
            eventually(lambda: self.knows_all(server), "every node knows every other")
        for server, replica in zip(self.primaries, self.replicas):
            replica.command("CLUSTER", "REPLICATE", server.command("CLUSTER", "MYID").decode())
        for server in self.nodes:
            eventually(lambda: "cluster_state:ok" in server.command("CLUSTER", "INFO").decode(), "the cluster is well")
        for replica in self.replicas:
            eventually(lambda: "master_link_status:up" in replica.command("INFO", "replication").decode(), "the replica follows")

    @property
    def nodes(self):
        return self.primaries + self.replicas

    def knows_all(self, server):
        lines = server.command("CLUSTER", "NODES").decode().splitlines()
        return len(lines) == len(self.nodes) and not any("handshake" in line or "noaddr" in line for line in lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.stop()

    @property
    def addresses(self):
        return [node.address for node in self.primaries]

    def slot(self, key):
        return self.primaries[0].command("CLUSTER", "KEYSLOT", key)

    def owner(self, slot):
        """The primary that has the slot, as itself knows."""
        for node in self.nodes:
            if not node.process.running():
                continue
            identity = node.command("CLUSTER", "MYID").decode()
            for line in node.command("CLUSTER", "NODES").decode().splitlines():
                if not line.startswith(identity) or "master" not in line.split()[2]:
                    continue
                for part in line.split()[8:]:
                    first, _, last = part.partition("-")
                    if not part.startswith("[") and int(first) <= slot <= int(last or first):
                        return node
        return None

    def keys(self):
        return [key for node in self.primaries if node.process.running() for key in node.keys()]

    def get(self, key):
        return self.owner(self.slot(key)).command("GET", key)

    def begin_move(self, slot, source, target):
        target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", source.command("CLUSTER", "MYID").decode())
        source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", target.command("CLUSTER", "MYID").decode())

    def move_keys(self, slot, source, target):
        while keys := source.command("CLUSTER", "GETKEYSINSLOT", slot, 100):
            source.command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)

    def end_move(self, slot, target):
        identity = target.command("CLUSTER", "MYID").decode()
        for node in [target] + [node for node in self.primaries if node is not target]:
            node.command("CLUSTER", "SETSLOT", slot, "NODE", identity)

    def flush(self):
        for node in self.primaries:
            node.command("FLUSHALL")
