"""HTTP/2 by hand, on the `h2` library: what grpcio would never send, and what it hides.

A `Peer` is one connection from either side. Every event read is kept in `events`, by stream too.
"""

import socket
import struct
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from .waiting import PATIENCE

FLAGS = {"END_STREAM": 1, "ACK": 1, "END_HEADERS": 4, "PADDED": 8, "PRIORITY": 32}
TYPES = {"DATA": 0, "HEADERS": 1, "PRIORITY": 2, "RST_STREAM": 3, "SETTINGS": 4, "PUSH_PROMISE": 5, "PING": 6,
         "GOAWAY": 7, "WINDOW_UPDATE": 8, "CONTINUATION": 9}
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """A frame's bytes, right or wrong."""
    number = TYPES.get(kind, kind)
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([number, flags]) + struct.pack(">I", stream) + payload


def grpc_message(payload, compressed=0):
    return bytes([compressed]) + struct.pack(">I", len(payload)) + payload


def grpc_messages(data):
    """The messages in a body, which must hold whole ones only."""
    messages = []
    while data:
        size = struct.unpack(">I", data[1:5])[0]
        assert len(data) >= 5 + size, "a message was cut off"
        messages.append(data[5:5 + size])
        data = data[5 + size:]
    return messages


class Peer:
    def __init__(self, connection, *, client_side, settings=None, acknowledge=True):
        self.socket = connection
        self.acknowledge = acknowledge
        self.events, self.closed = [], False
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=client_side, validate_outbound_headers=False, normalize_outbound_headers=False,
            validate_inbound_headers=False, normalize_inbound_headers=False, header_encoding="utf-8"))
        self.h2.local_settings = h2.settings.Settings(client=client_side, initial_values={
            h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1000,
            h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 1 << 20, **(settings or {})})
        self.h2.initiate_connection()
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass
        self.closed = True

    def abort(self):
        """Ends the connection with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.send_raw(data)

    def send_raw(self, data):
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.sendall(data)
        except OSError:
            self.closed = True

    # Sending

    def headers(self, stream, fields, end=False):
        self.h2.send_headers(stream, fields, end_stream=end)
        self.flush()

    def data(self, stream, data, end=False):
        """All of it, as fast as the other side's windows allow."""
        while True:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            piece, data = data[:room], data[room:]
            if piece or not data:
                self.h2.send_data(stream, piece, end_stream=end and not data)
                self.flush()
            if not data:
                return
            if room == 0:
                self.read_more(PATIENCE)
                assert not self.closed, "the connection ended while data was waiting for a window"

    def reset(self, stream, code=8):
        self.h2.reset_stream(stream, code)
        self.flush()

    def goaway(self, last, code=0):
        self.h2.close_connection(error_code=code, last_stream_id=last)
        self.flush()

    def goaway_raw(self, last, code=0, text=b""):
        """Says it, and goes on serving: `h2` itself would take no more frames."""
        self.send_raw(frame("GOAWAY", payload=struct.pack(">II", last, code) + text))

    # Reading

    def read_more(self, within):
        """Reads once; the new events. None when nothing came in time, [] with `closed` at the end."""
        self.socket.settimeout(max(0.001, within))
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, socket.timeout):
            return None
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return []
        new = self.h2.receive_data(data)
        for event in new:
            if isinstance(event, h2.events.DataReceived) and self.acknowledge and event.flow_controlled_length:
                try:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                except h2.exceptions.ProtocolError:
                    pass  # The stream is over already.
        self.events += new
        self.flush()
        return new

    def wait(self, fits, what="the event", within=PATIENCE):
        """The first event, old or new, that `fits`; an AssertionError at the connection's end."""
        deadline = time.monotonic() + within
        seen = 0
        while True:
            while seen < len(self.events):
                if fits(self.events[seen]):
                    return self.events[seen]
                seen += 1
            left = deadline - time.monotonic()
            if self.closed or left <= 0:
                raise AssertionError(f"{'connection ended' if self.closed else 'time is up'} before {what}: {self.events[-8:]}")
            self.read_more(left)

    def wait_kind(self, kind, stream=None, within=PATIENCE):
        return self.wait(
            lambda event: isinstance(event, kind) and (stream is None or event.stream_id == stream), kind.__name__, within)

    def wait_end(self, within=PATIENCE):
        """Reads until the other side closes the connection."""
        deadline = time.monotonic() + within
        while not self.closed:
            left = deadline - time.monotonic()
            assert left > 0, f"the connection stayed open: {self.events[-8:]}"
            try:
                self.read_more(left)
            except h2.exceptions.ProtocolError:
                pass

    def body(self, stream):
        return b"".join(event.data for event in self.events
                        if isinstance(event, h2.events.DataReceived) and event.stream_id == stream)

    def ping(self, within=PATIENCE):
        """A round trip: all that the other side wrote before is read after this."""
        payload = struct.pack(">d", time.monotonic())
        self.h2.ping(payload)
        self.flush()
        self.wait(lambda event: isinstance(event, h2.events.PingAckReceived) and event.ping_data == payload, "PING's ack", within)


class Client(Peer):
    def __init__(self, address, *, tls=None, server_name="localhost", settings=None, acknowledge=True, source=None):
        host, port = address.rsplit(":", 1)
        connection = socket.create_connection(
            (host, int(port)), timeout=PATIENCE, source_address=(source, 0) if source else None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            connection = tls.wrap_socket(connection, server_hostname=server_name)
        self.tls = bool(tls)
        super().__init__(connection, client_side=True, settings=settings, acknowledge=acknowledge)

    def request(self, path, body=None, *, end=True, method="POST", authority="localhost", fields=(), replace=()):
        """Begins a gRPC call (unless the fields say otherwise); returns its stream."""
        stream = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "https" if self.tls else "http"), (":path", path), (":authority", authority)]
        names = {name for name, _ in fields}
        for name, value in (("content-type", "application/grpc"), ("te", "trailers")):
            if name not in names and name not in replace:
                head.append((name, value))
        self.headers(stream, head + list(fields), end=end and body is None)
        if body is not None:
            self.data(stream, body, end)
        return stream

    def answer(self, stream, within=PATIENCE):
        """Waits for the answer's end: an `Answer`."""
        over = self.wait(
            lambda event: isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)) and event.stream_id == stream,
            f"the end of stream {stream}", within)
        answer = Answer(stream, self.body(stream))
        for event in self.events:
            if getattr(event, "stream_id", None) != stream:
                continue
            if isinstance(event, h2.events.InformationalResponseReceived):
                answer.informational.append(event.headers)
            elif isinstance(event, h2.events.ResponseReceived):
                answer.head = event.headers
                answer.trailers_only = event.stream_ended is not None
            elif isinstance(event, h2.events.TrailersReceived):
                answer.trailers = event.headers
        if isinstance(over, h2.events.StreamReset):
            answer.reset = int(over.error_code)
        return answer

    def call(self, path, body=grpc_message(b""), **options):
        return self.answer(self.request(path, body, **options))


class Answer:
    def __init__(self, stream, body):
        self.stream, self.body = stream, body
        self.informational, self.head, self.trailers, self.reset, self.trailers_only = [], [], [], None, False

    @property
    def status(self):
        return int(dict(self.head)[":status"])

    def field(self, name):
        """From trailers, or the head: where a trailers-only answer has them."""
        return dict(self.trailers).get(name, dict(self.head).get(name))

    @property
    def grpc_status(self):
        status = self.field("grpc-status")
        return None if status is None else int(status)

    def __repr__(self):
        return f"Answer(head={self.head}, body={self.body[:80]!r}, trailers={self.trailers}, reset={self.reset})"


class Server:
    """A raw backend: every accepted connection is given to `script(peer, number)` on a thread of its own."""

    def __init__(self, script, *, tls=None, settings=None, acknowledge=True):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self.script, self.peers, self.failures = script, [], []
        self._tls, self._settings, self._acknowledge = tls, settings, acknowledge
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        # shutdown wakes the thread that accepts; close alone would leave it waiting.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for peer in self.peers:
            peer.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            peer = ServerPeer(connection, client_side=False, settings=self._settings, acknowledge=self._acknowledge)
            self.peers.append(peer)
            self.script(peer, len(self.peers) - 1)
        except Exception as error:  # A scenario that cares looks into `failures`.
            self.failures.append(error)


class ServerPeer(Peer):
    _taken = 0

    def next_request(self, within=PATIENCE):
        """The next call's stream and fields, or None at the connection's end."""
        while True:
            requests = [event for event in self.events if isinstance(event, h2.events.RequestReceived)]
            if len(requests) > self._taken:
                self._taken += 1
                event = requests[self._taken - 1]
                return event.stream_id, event.headers
            if self.closed or self.read_more(within) is None:
                return None

    def whole_body(self, stream):
        self.wait_kind(h2.events.StreamEnded, stream)
        return self.body(stream)

    def answer(self, stream, *messages, status=0, trailing=(), head=()):
        """A right gRPC answer."""
        self.headers(stream, [(":status", "200"), ("content-type", "application/grpc"), *head])
        for message in messages:
            self.data(stream, grpc_message(message))
        self.headers(stream, [("grpc-status", str(status)), *trailing], end=True)

    def serve(self, respond):
        """Calls `respond(stream, fields)` for every call, in turn, until the connection ends."""
        while (request := self.next_request()) is not None:
            respond(*request)
