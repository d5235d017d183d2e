"""What is carried across unchanged, what is added, what is taken away."""

import re

import grpc
import pytest

from harness import h2raw
from harness.backend import ask, metadata
from harness.caller import Caller, refusal, refused
from harness.gateway import SERVICE, listener

UNARY = f"/{SERVICE}/Unary"


@pytest.fixture
def caller(gateway, backend):
    with Caller(gateway(backend).address) as caller:
        yield caller


class HeadKeeper:
    """A raw backend that keeps every head it is sent and answers OK."""

    def __init__(self, head=(), trailing=(), informational=()):
        self.heads, self.bodies = [], []
        self.head, self.trailing, self.informational = head, trailing, informational

    def __call__(self, peer, number):
        def respond(stream, fields):
            self.heads.append(fields)
            self.bodies.append(peer.whole_body(stream))
            for fields in self.informational:
                peer.headers(stream, fields)
            peer.answer(stream, b"", head=self.head, trailing=self.trailing)
        peer.serve(respond)


def test_metadata_is_carried_both_ways(caller):
    call = caller.unary_call(
        ask("x", initial=[("x-in", "1"), ("x-in-bin", bytes(range(256)))], trailing=[("x-out", "2"), ("x-out-bin", b"\xff\x00")]),
        metadata=[("x-text", "a b, c"), ("x-twice", "1"), ("x-twice", "2"), ("x-any-bin", bytes(range(256)))])
    seen = metadata(call.result())
    assert seen["x-text"] == ["a b, c"] and seen["x-any-bin"] == [bytes(range(256))]
    assert [part.strip() for value in seen["x-twice"] for part in value.split(",")] == ["1", "2"]
    initial, trailing = dict(call.initial_metadata()), dict(call.trailing_metadata())
    assert initial["x-in"] == "1" and initial["x-in-bin"] == bytes(range(256))
    assert trailing["x-out"] == "2" and trailing["x-out-bin"] == b"\xff\x00"


def test_initial_metadata_comes_before_the_first_message(caller, backend, tag):
    call = caller.spread(ask(tag=tag, hold=True, metadata_first=True, initial=[("x-early", "yes")]))
    assert dict(call.initial_metadata())["x-early"] == "yes"
    backend.release(tag)
    assert len(list(call)) == 1


def test_large_metadata_up_to_the_limit(gateway, backend):
    gateway = gateway(backend, listeners=[listener(limits={"header_bytes": "60KiB"})])
    with Caller(gateway.address) as caller:
        big = "a" * 50_000
        assert metadata(caller.unary(ask(), metadata=[("x-big", big)]))["x-big"] == [big]
        # Two of them: a single field beyond 64 KiB is more than the codec takes, and ends the connection.
        seen = caller.refusal(ask(), metadata=[("x-big", "a" * 40_000), ("x-bigger", "a" * 40_000)])
        assert seen.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert caller.unary(ask("still here")).text == "still here", "and the connection lives"


def test_too_many_headers(gateway, backend):
    gateway = gateway(backend, listeners=[listener(limits={"headers": 50})])
    with Caller(gateway.address) as caller:
        assert caller.unary(ask("x"), metadata=[(f"x-{n}", "1") for n in range(30)]).text == "x"
        assert caller.refusal(ask(), metadata=[(f"x-{n}", "1") for n in range(60)]).code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert caller.unary(ask("still here")).text == "still here"


@pytest.mark.parametrize("size", [0, 1, 16_384, 65_535, 65_536, 1_000_000, 32_000_000])
def test_messages_of_any_size_both_ways(caller, size):
    answer = caller.unary(ask(payload=bytes(size), answer_bytes=size))
    assert answer.received_bytes == size and len(answer.payload) == size


def test_a_body_over_the_limit_is_refused(gateway, backend):
    gateway = gateway(backend, listeners=[listener(limits={"body_bytes": "64KiB"})])
    with Caller(gateway.address) as caller:
        assert caller.unary(ask(payload=bytes(60_000))).received_bytes == 60_000
        assert caller.refusal(ask(payload=bytes(70_000))).code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert caller.unary(ask("x")).text == "x"


def test_a_failing_calls_status_message_and_details_pass_untouched(caller):
    message = "50 % of „nothing“\nand a new line"
    seen = refused(lambda: caller.unary(ask(fail_code=9, fail_message=message, trailing=[("x-why", "because")])))
    assert (seen.code, seen.message, seen.trailing["x-why"]) == (grpc.StatusCode.FAILED_PRECONDITION, message, "because")


@pytest.mark.parametrize("code", range(1, 17))
def test_every_status_of_a_backend_reaches_the_caller(caller, code):
    assert caller.refusal(ask(fail_code=code, fail_message="so")).code.value[0] == code


def test_a_failure_after_some_messages(caller):
    call = caller.spread(ask(answers=3, fail_code=10, fail_message="enough"))
    got = []
    with pytest.raises(grpc.RpcError) as error:
        for answer in call:
            got.append(answer.index)
    assert got == [0, 1, 2] and refusal(error.value).code == grpc.StatusCode.ABORTED


def test_a_trailers_only_answer_stays_one(gateway, own):
    def script(peer, _):
        peer.serve(lambda stream, fields: peer.headers(
            stream, [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "5"), ("x-why", "gone")], end=True))
    with h2raw.Client(gateway(own(h2raw.Server(script))).address) as client:
        answer = client.call(UNARY)
        assert answer.trailers_only and answer.grpc_status == 5 and answer.field("x-why") == "gone"


def test_informational_answers_are_not_for_grpc_callers(gateway, own):
    """Some clients take them for the answer."""
    keeper = HeadKeeper(informational=[[(":status", "103"), ("link", "</style.css>")], [(":status", "103"), ("x-more", "1")]])
    with h2raw.Client(gateway(own(h2raw.Server(keeper))).address) as client:
        answer = client.call(UNARY)
        assert answer.grpc_status == 0 and answer.informational == []


def test_a_full_duplex_call_that_ends_before_its_request_does(gateway, own):
    """The backend answers without reading on: the caller has its answer, and is told to stop sending."""
    def script(peer, _):
        peer.serve(lambda stream, fields: peer.answer(stream, b"", status=0))
    with h2raw.Client(gateway(own(h2raw.Server(script))).address) as client:
        stream = client.request(UNARY, h2raw.grpc_message(b"part"), end=False)
        answer = client.answer(stream)
        assert answer.grpc_status == 0
        assert client.call(UNARY).grpc_status == 0


class TestHeadersOnTheWay:
    @pytest.fixture
    def keeper(self):
        return HeadKeeper(head=[("server", "backend/1")])

    @pytest.fixture
    def send(self, gateway, own, keeper):
        server = own(h2raw.Server(keeper))

        def send(*fields, address=None, **sections):
            running = gateway(server, **sections)
            with h2raw.Client(running.address) as client:
                answer = client.call(UNARY, fields=list(fields))
            assert answer.grpc_status == 0, answer
            return keeper.heads[-1]
        return send

    def test_te_trailers_is_always_sent(self, gateway, own, keeper):
        server = own(h2raw.Server(keeper))
        with h2raw.Client(gateway(server).address) as client:
            client.call(UNARY, replace=["te"])
        assert dict(keeper.heads[-1])["te"] == "trailers"

    def test_the_head_is_a_right_one(self, send):
        head = send()
        fields = dict(head)
        assert fields[":method"] == "POST" and fields[":path"] == UNARY and fields[":scheme"] == "http"
        assert fields["content-type"] == "application/grpc" and fields[":authority"] == "localhost"
        names = [name for name, _ in head]
        pseudo = [name.startswith(":") for name in names]
        assert pseudo == sorted(pseudo, reverse=True), "pseudo-headers come first"
        assert all(name == name.lower() for name in names)
        assert not {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"} & set(names)

    def test_forwarded_headers_of_an_untrusted_peer_are_replaced(self, send):
        fields = dict(send(("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https"), ("x-request-id", "forged")))
        assert fields["x-forwarded-for"] == "127.0.0.1"
        assert fields["x-forwarded-proto"] == "http"
        assert fields["x-request-id"] != "forged" and len(fields["x-request-id"]) >= 16

    def test_forwarded_headers_of_a_trusted_proxy_are_believed(self, send):
        fields = dict(send(("x-forwarded-for", "6.6.6.6, 10.1.1.1"), ("x-forwarded-proto", "https"), ("x-request-id", "kept-by-us"),
                           trusted_proxies=["127.0.0.0/8", "10.0.0.0/8"]))
        assert fields["x-forwarded-for"].replace(" ", "") == "6.6.6.6,10.1.1.1,127.0.0.1"
        assert fields["x-forwarded-proto"] == "https" and fields["x-request-id"] == "kept-by-us"

    def test_every_call_has_a_request_id_of_its_own(self, gateway, own, keeper):
        with h2raw.Client(gateway(own(h2raw.Server(keeper))).address) as client:
            for _ in range(50):
                client.call(UNARY)
        ids = {dict(head)["x-request-id"] for head in keeper.heads}
        assert len(ids) == 50 and all(re.fullmatch(r"[0-9a-f-]{16,64}", one) for one in ids)

    def test_the_answer_says_nothing_about_hops(self, gateway, own):
        keeper = HeadKeeper(head=[("x-kept", "yes"), ("keep-alive", "timeout=5"), ("connection", "close")])
        with h2raw.Client(gateway(own(h2raw.Server(keeper))).address) as client:
            answer = client.call(UNARY)
        # Connection headers in HTTP/2 are malformed: the backend broke the protocol, and the caller hears of it.
        if answer.grpc_status == 0:
            assert "connection" not in dict(answer.head) and "keep-alive" not in dict(answer.head)
        else:
            assert answer.grpc_status == 13

    def test_cookie_and_odd_values_pass(self, send):
        head = send(("cookie", "a=1"), ("cookie", "b=2"), ("x-empty", ""), ("x-odd", "\t ~\"'\\;,"[2:]), ("x-utf8", "ü"))
        fields = dict(head)
        assert fields["x-empty"] == "" and fields["x-odd"] == "~\"'\\;," and fields["x-utf8"] == "ü"
        assert "; ".join(value for name, value in head if name == "cookie") == "a=1; b=2"
