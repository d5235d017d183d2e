"""A small name server, over UDP and TCP, whose answers a scenario steers."""

import ipaddress
import socket
import struct
import threading

A, CNAME, SOA, AAAA, SRV = 1, 5, 6, 28, 33


def _name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.strip(".").split(".") if label) + b"\0"


class NameServer:
    """Answers from `zone`; what is not in it does not exist."""

    def __init__(self):
        self._lock = threading.Lock()
        self._zone = {}
        self._aliases = {}
        self.silent = False
        # Record types, and ends of names, that get no answer, or another response code.
        self.silent_types = set()
        self.silent_domains = set()
        self.codes_by_domain = {}
        self.truncating = False
        self.code = None
        # What was asked: (transport, name, type).
        self.asked = []
        self._ended = False
        self._listener, self._datagrams = self._open()
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        for serve in (self._serve_datagrams, self._serve_streams):
            threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def _open():
        """One port for both, which the kernel chooses: another, where it is taken for one of them."""
        for _ in range(100):
            listener = socket.create_server(("127.0.0.1", 0))
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                datagrams.bind(("127.0.0.1", listener.getsockname()[1]))
                return listener, datagrams
            except OSError:
                listener.close()
                datagrams.close()
        raise AssertionError("no port is free for both UDP and TCP")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._ended = True
        # Wakes whoever waits for it.
        self._listener.shutdown(socket.SHUT_RDWR)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))

    # What it answers.

    def hosts(self, name, *addresses, ttl=1):
        """All addresses of a name, of both families."""
        parsed = [ipaddress.ip_address(address) for address in addresses]
        with self._lock:
            for version, kind in ((4, A), (6, AAAA)):
                self._zone[name, kind] = (ttl, [address.packed for address in parsed if address.version == version])

    def services(self, name, *targets, ttl=1):
        """Each (host, port, priority, weight)."""
        with self._lock:
            self._zone[name, SRV] = (
                ttl, [struct.pack("!HHH", priority, weight, port) + _name(host) for host, port, priority, weight in targets])

    def alias(self, name, target, ttl=1):
        with self._lock:
            self._aliases[name] = (ttl, target)

    def count(self, name=None, transport=None):
        """How many questions there have been."""
        with self._lock:
            return sum(1 for how, asked, _ in self.asked if name in (None, asked) and transport in (None, how))

    # How it answers.

    def _serve_datagrams(self):
        while not self._ended:
            message, peer = self._datagrams.recvfrom(65535)
            answer = self._answer(message, "udp")
            if answer and not self._ended:
                self._datagrams.sendto(answer, peer)
        self._datagrams.close()

    def _serve_streams(self):
        while not self._ended:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            with connection, connection.makefile("rwb") as stream:
                connection.settimeout(10)
                try:
                    length = stream.read(2)
                    answer = len(length) == 2 and self._answer(stream.read(int.from_bytes(length, "big")), "tcp")
                    if answer:
                        stream.write(struct.pack("!H", len(answer)) + answer)
                        stream.flush()
                except OSError:
                    continue
        self._listener.close()

    def _answer(self, message, transport):
        if len(message) < 12:
            return None
        labels, index = [], 12
        while message[index]:
            labels.append(message[index + 1:index + 1 + message[index]].decode())
            index += 1 + message[index]
        name, kind = ".".join(labels).lower(), int.from_bytes(message[index + 1:index + 3], "big")
        question = message[12:index + 5]
        with self._lock:
            self.asked.append((transport, name, kind))
            if self.silent or kind in self.silent_types or name.endswith(tuple(self.silent_domains)):
                return None
            code = next((code for end, code in self.codes_by_domain.items() if name.endswith(end)), self.code)
            if code is not None:
                return message[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, 0, 0, 0) + question
            if self.truncating and transport == "udp":
                return message[:2] + struct.pack("!HHHHH", 0x8380, 1, 0, 0, 0) + question
            answers = []
            for _ in range(8):
                if name not in self._aliases:
                    break
                ttl, target = self._aliases[name]
                answers.append(self._record(name, CNAME, ttl, _name(target)))
                name = target
            exists = any(known == name for known, _ in self._zone)
            ttl, values = self._zone.get((name, kind), (1, []))
            answers += [self._record(name, kind, ttl, value) for value in values]
        authority = b"" if values else self._record("test", SOA, 1, b"\0\0" + struct.pack("!IIIII", 1, 1, 1, 1, 1))
        head = struct.pack("!HHHHH", 0x8180 if exists else 0x8183, 1, len(answers), 1 if authority else 0, 0)
        return message[:2] + head + question + b"".join(answers) + authority

    @staticmethod
    def _record(name, kind, ttl, data):
        return _name(name) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data
