"""A backend that fails, always in the same way: what a steerable gRPC server cannot do to its own connection."""

from . import h2raw

UNAVAILABLE = [("grpc-status", "14"), ("grpc-message", "fickle")]
HEAD = [(":status", "200"), ("content-type", "application/grpc")]


class Fickle(h2raw.Server):
    """Its mood is one of

    - `unavailable`: UNAVAILABLE in the only field block; `unavailable_in_trailers`: behind a head,
    - `reset`: RST_STREAM; `refuse`: with REFUSED_STREAM, which says that it has not looked,
    - `goaway_above`: GOAWAY below the call's stream; `close`: the connection ends with a TCP reset,
    - `half`: a head and half a message, then RST_STREAM,
    - `stall`: no word.
    """

    def __init__(self, mood, **options):
        self.mood, self._calls, self._open = mood, 0, set()
        super().__init__(self._script, **options)

    def calls(self):
        return self._calls

    def active(self):
        """Calls that the caller has not given up. Read as events come: a stalled call's reset among them."""
        return len(self._open)

    def _script(self, peer, number):
        while (request := self._next(peer)) is not None:
            self._calls += 1
            self._open.add((number, request[0]))
            self._answer(peer, request[0])
            if self.mood == "close":
                return

    def _next(self, peer):
        """The next call; meanwhile those that were reset are crossed out."""
        while True:
            for event in peer.events:
                if isinstance(event, h2raw.h2.events.StreamReset):
                    self._open -= {(number, stream) for number, stream in self._open if stream == event.stream_id}
            request = peer.next_request(within=0.05)
            if request is not None or peer.closed:
                return request

    def _answer(self, peer, stream):
        if self.mood == "unavailable":
            peer.headers(stream, HEAD + UNAVAILABLE, end=True)
        elif self.mood == "unavailable_in_trailers":
            # A head that comes before the request's end is not held, and what follows it not judged.
            peer.whole_body(stream)
            peer.headers(stream, HEAD)
            peer.headers(stream, UNAVAILABLE, end=True)
        elif self.mood in ("reset", "refuse"):
            peer.reset(stream, 2 if self.mood == "reset" else 7)
        elif self.mood == "goaway_above":
            peer.goaway_raw(last=max(0, stream - 2))
        elif self.mood == "close":
            peer.abort()
        elif self.mood == "half":
            peer.headers(stream, HEAD)
            peer.data(stream, h2raw.grpc_message(b"half")[:6])
            peer.reset(stream, 2)
        if self.mood != "stall":
            self._open = {(number, other) for number, other in self._open if other != stream}
