"""A TLS HTTP/2 connection that makes one gRPC-like request: what idle_connections.py and resumptions.py are made of."""

import socket
import ssl

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, GOAWAY = 0, 1, 4, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1
MESSAGE = b"\0\0\0\0\x06\x0a\x04ping"


def client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def open_connection(context: ssl.SSLContext, port: int, session=None) -> ssl.SSLSocket:
    """A connection on which one request was answered; resumes `session` if there is one."""
    raw = socket.create_connection(("127.0.0.1", port), timeout=10)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = context.wrap_socket(raw, session=session)
    connection.sendall(PREFACE + _frame(SETTINGS, 0, 0) + _request(port))
    while True:
        header = _read_exactly(connection, 9)
        kind, flags, stream = header[3], header[4], int.from_bytes(header[5:], "big")
        _read_exactly(connection, int.from_bytes(header[:3], "big"))
        if kind == GOAWAY:
            raise SystemExit("the proxy sent GOAWAY")
        if kind == SETTINGS and not flags & ACK:
            connection.sendall(_frame(SETTINGS, ACK, 0))
        if stream == 1 and kind in (DATA, HEADERS) and flags & END_STREAM:
            return connection


def _frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _field(name, value):
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def _request(port):
    block = b"".join(_field(name, value) for name, value in [
        (b":method", b"POST"), (b":scheme", b"https"), (b":path", b"/bench.Echo/Unary"),
        (b":authority", b"127.0.0.1:%d" % port), (b"content-type", b"application/grpc"), (b"te", b"trailers")])
    return _frame(HEADERS, END_HEADERS, 1, block) + _frame(DATA, END_STREAM, 1, MESSAGE)


def _read_exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise SystemExit("the proxy closed a connection")
        data += part
    return data
