"""A real redis-server of the scenario's own: its own port, no files kept, with password and TLS on request."""

import secrets
import signal
import socket
import ssl
from pathlib import Path

from .processes import Process


class Redis:
    def __init__(self, folder, *, password=None, identity=None, authority=None, port=None, users=(), settings=(), lines=(),
                 arguments=(), ready="Ready to accept connections"):
        self.password, self.identity, self._authority = password, identity, authority
        # redis-server does not say which port it took for 0: give it one that was free a moment ago.
        for attempt in range(5):
            self.port = port or free_port()
            plain, tls = (0, self.port) if identity else (self.port, 0)
            # Those that a function makes are made anew for each attempt: among them may be another port.
            self.settings = list(settings() if callable(settings) else settings)
            own = ["port", plain, "bind", "127.0.0.1", "save", "", "appendonly", "no", "dir", folder, *self.settings]
            if password:
                own += ["requirepass", password]
            if identity:
                own += ["tls-port", tls, "tls-cert-file", identity.certificate, "tls-key-file", identity.private_key,
                             "tls-ca-cert-file", authority.file, "tls-auth-clients", "no"]
            written = [f"{own[i]} {_quoted(own[i + 1])}" for i in range(0, len(own), 2)]
            written += [*(f"user {user}" for user in users), *lines]
            file = Path(folder) / f"redis-{secrets.token_hex(4)}.conf"
            file.write_text("\n".join(written) + "\n")
            self.process = Process(["redis-server", file, *arguments], folder=folder)
            try:
                self.process.wait_for(lambda line: ready in line, "ready")
                return
            except AssertionError:
                self.process.stop()
                if port or attempt == 4:
                    raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        scheme = "rediss" if self.identity else "redis"
        return f"{scheme}://{':' + self.password + '@' if self.password else ''}{self.address}"

    def stop(self):
        self.process.stop(grace=3)

    def freeze(self):
        """It keeps its connections and answers nothing, like a machine that is gone."""
        self.process.send(signal.SIGSTOP)

    def thaw(self):
        self.process.send(signal.SIGCONT)

    def command(self, *words):
        """One command over a connection of its own; the reply as Python values."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        if self.identity:
            context = ssl.create_default_context(cadata=self._authority.pem.decode())
            connection = context.wrap_socket(connection, server_hostname="localhost")
        with connection, connection.makefile("rwb") as stream:
            if self.password:
                _send(stream, "AUTH", self.password)
                _reply(stream)
            _send(stream, *words)
            return _reply(stream)

    def keys(self):
        return self.command("KEYS", "*")


def _send(stream, *words):
    encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    stream.write(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))
    stream.flush()


def _reply(stream):
    line = stream.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    if kind == b"+":
        return rest.decode()
    if kind == b"-":
        raise RuntimeError(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return [_reply(stream) for _ in range(int(rest))]
    raise RuntimeError(f"not RESP2: {line!r}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _quoted(value):
    return f'"{value}"'
