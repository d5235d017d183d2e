"""A stock grpcio client of the gateway, and what its errors say."""

from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2

from . import stubs

pb_grpc = stubs.module("martlet/scenarios/v1/scenarios_pb2_grpc")

OPTIONS = [
    ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", 256 * 1024), ("grpc.absolute_max_metadata_size", 512 * 1024),
    ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0),
]
TIMEOUT = 30


def channel(address, *, ca=None, identity=None, server_name="localhost", options=(), aio=False):
    """Each channel has a connection of its own."""
    module = grpc.aio if aio else grpc
    options = OPTIONS + list(options)
    if ca is None:
        return module.insecure_channel(address, options=options)
    credentials = grpc.ssl_channel_credentials(
        ca.pem, *((identity.key_bytes, identity.certificate_bytes) if identity else ()))
    options.append(("grpc.ssl_target_name_override", server_name))
    return module.secure_channel(address, credentials, options=options)


class Caller:
    """The four call kinds on one connection, with a token if given."""

    def __init__(self, address, *, token=None, **channel_options):
        self.channel = channel(address, **channel_options)
        self.kinds = pb_grpc.KindsStub(self.channel)
        self.token = token

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def metadata(self, extra=()):
        return ([("authorization", f"Bearer {self.token}")] if self.token else []) + list(extra)

    def unary(self, ask, *, metadata=(), timeout=TIMEOUT, method="Unary"):
        return getattr(self.kinds, method)(ask, metadata=self.metadata(metadata), timeout=timeout)

    def unary_call(self, ask, *, metadata=(), timeout=TIMEOUT, method="Unary"):
        """The answer with its call, for metadata; or the future, which the caller may cancel."""
        return getattr(self.kinds, method).future(ask, metadata=self.metadata(metadata), timeout=timeout)

    def collect(self, asks, *, metadata=(), timeout=TIMEOUT):
        return self.kinds.Collect(iter(asks), metadata=self.metadata(metadata), timeout=timeout)

    def spread(self, ask, *, metadata=(), timeout=TIMEOUT):
        return self.kinds.Spread(ask, metadata=self.metadata(metadata), timeout=timeout)

    def converse(self, asks, *, metadata=(), timeout=TIMEOUT):
        return self.kinds.Converse(asks, metadata=self.metadata(metadata), timeout=timeout)

    def refusal(self, ask, **options):
        """The refusal of a unary call that must not succeed."""
        return refused(lambda: self.unary(ask, **options))


@dataclass
class Refusal:
    code: grpc.StatusCode
    message: str
    trailing: dict
    initial: dict
    status: status_pb2.Status | None

    def detail(self, kind):
        """The detail of this kind (`"ErrorInfo"`), or None."""
        message = getattr(error_details_pb2, kind)()
        for packed in self.status.details if self.status else ():
            if packed.Unpack(message):
                return message
        return None

    @property
    def reason(self):
        info = self.detail("ErrorInfo")
        return info.reason if info else None

    def header(self, name):
        """As a caller sees it: a trailers-only answer has but one block of metadata."""
        return self.trailing.get(name, self.initial.get(name))


def refused(call):
    try:
        answer = call()
    except grpc.RpcError as error:
        return refusal(error)
    raise AssertionError(f"was to be refused, but answered {answer!r}"[:500])


def refusal(error):
    trailing = {key: value for key, value in error.trailing_metadata() or ()}
    initial = {key: value for key, value in error.initial_metadata() or ()}
    packed = trailing.get("grpc-status-details-bin")
    status = status_pb2.Status.FromString(packed) if packed else None
    if status:
        assert status.code == error.code().value[0], "grpc-status and its details disagree"
    return Refusal(error.code(), error.details(), trailing, initial, status)
