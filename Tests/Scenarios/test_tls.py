"""TLS: versions, certificates by name, client certificates, resumption, and what is never done."""

import socket
import ssl
import subprocess

import grpc
import pytest
from cryptography import x509

from harness import certificates, h2raw
from harness.backend import Backend, ask
from harness.caller import Caller, refused
from harness.gateway import SERVICE, cluster, configuration, listener, open_route

UNARY = f"/{SERVICE}/Unary"


def connect(address, context, server_name="localhost", session=None):
    """A TLS connection; the handshake is over when this returns."""
    host, port = address.rsplit(":", 1)
    raw = socket.create_connection((host, int(port)), timeout=10)
    return context.wrap_socket(raw, server_hostname=server_name, session=session)


def serial(connection):
    return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True)).serial_number


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_both_versions_carry_a_call(gateway, backend, pki, server_identity, version):
    gateway = gateway(backend, identity=server_identity)
    context = pki.client_context(minimum=version, maximum=version)
    with h2raw.Client(gateway.address, tls=context) as client:
        assert client.socket.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        assert client.socket.selected_alpn_protocol() == "h2"
        assert client.call(UNARY).grpc_status == 0


def test_a_minimum_of_1_3_refuses_1_2(gateway, backend, pki, server_identity):
    gateway = gateway(backend, listeners=[listener(server_identity, tls={"minimum": "1.3"})])
    with pytest.raises(ssl.SSLError):
        connect(gateway.address, pki.client_context(maximum=ssl.TLSVersion.TLSv1_2))
    connect(gateway.address, pki.client_context()).close()


def test_a_client_that_offers_only_an_unknown_protocol_is_turned_away(gateway, backend, pki, server_identity):
    gateway = gateway(backend, identity=server_identity)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connection = connect(gateway.address, pki.client_context(alpn=("spdy/3",)))
        if connection.recv(1) == b"":
            raise ConnectionError


def test_the_certificate_is_chosen_by_name_and_the_first_is_the_default(gateway, backend, pki):
    first = pki.issue("first", ["first.test", "localhost"])
    second = pki.issue("second", ["second.test"])
    wild = pki.issue("wild", ["*.wild.test"])
    gateway = gateway(backend, listeners=[listener(tls={"certificates": [
        {"certificate": str(one.certificate), "private_key": str(one.private_key)} for one in (first, second, wild)]})])
    context = pki.client_context()
    context.check_hostname = False
    for name, expected in (("first.test", first), ("second.test", second), ("SECOND.test", second), ("a.wild.test", wild),
                           ("unknown.test", first), (None, first)):
        with connect(gateway.address, context, name) as connection:
            assert serial(connection) == expected.serial, name
    for name in ("first.test", "second.test", "a.wild.test"):
        with Caller(gateway.address, ca=pki, server_name=name) as caller:
            assert caller.unary(ask(name)).text == name


class TestClientCertificates:
    @pytest.fixture
    def strangers(self, tmp_path):
        return certificates.Authority(tmp_path, "Other CA")

    def gateway_with(self, gateway, backend, pki, server_identity, policy=None, routes=None):
        tls = {"client_ca": str(pki.file), **({"client_certificate": policy} if policy else {})}
        return gateway(backend, listeners=[listener(server_identity, tls=tls)], **({"routes": routes} if routes else {}))

    def test_required_by_default_where_an_authority_is_given(self, gateway, backend, pki, server_identity, strangers):
        gateway = self.gateway_with(gateway, backend, pki, server_identity)
        with Caller(gateway.address, ca=pki, identity=pki.issue("c1", client=True, common_name="billing")) as caller:
            assert caller.unary(ask("x")).text == "x"
        for identity in (None, strangers.issue("c2", client=True, common_name="billing")):
            with Caller(gateway.address, ca=pki, identity=identity) as caller:
                assert refused(lambda: caller.unary(ask(), timeout=20)).code in (
                    grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_optional_lets_the_rules_decide(self, gateway, backend, pki, server_identity):
        routes = [open_route(allow={"client_certificate": ["billing", "spiffe://acme/ship"]})]
        gateway = self.gateway_with(gateway, backend, pki, server_identity, "optional", routes)
        right = [pki.issue("c3", client=True, common_name="billing"),
                 pki.issue("c4", client=True, common_name="x", uris=["spiffe://acme/ship"])]
        for identity in right:
            with Caller(gateway.address, ca=pki, identity=identity) as caller:
                assert caller.unary(ask("x")).text == "x"
        for identity in (None, pki.issue("c5", client=True, common_name="other")):
            with Caller(gateway.address, ca=pki, identity=identity) as caller:
                # Nobody at all, or the wrong one.
                assert caller.refusal(ask()).code in (
                    grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)


def _resumable(address, context, session=None):
    """A connection that read at least one answer, so that TLS 1.3's tickets have come; and its session."""
    client = h2raw.Client.__new__(h2raw.Client)
    connection = connect(address, context, session=session)
    client.tls = True
    h2raw.Peer.__init__(client, connection, client_side=True)
    client.ping()
    return client, connection


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_session_resumes_on_every_worker(gateway, backend, pki, server_identity, version):
    gateway = gateway(backend, identity=server_identity, workers=2)
    context = pki.client_context(minimum=version, maximum=version)
    client, connection = _resumable(gateway.address, context)
    assert not connection.session_reused
    session = connection.session
    held = [client]
    try:
        # Held open, twenty connections are on both workers.
        for _ in range(20):
            client, connection = _resumable(gateway.address, context, session)
            assert connection.session_reused
            held.append(client)
            assert client.call(UNARY).grpc_status == 0
    finally:
        for client in held:
            client.close()


def test_a_session_resumes_only_under_the_policy_it_was_made_under(gateway, backend, pki, server_identity, tmp_path):
    gateway = gateway(backend, listeners=[
        listener(server_identity, name="open"),
        listener(server_identity, name="careful", tls={"client_ca": str(pki.file), "client_certificate": "optional"})])
    session = tmp_path / "session"
    # TLS 1.2 hands out its ticket within the handshake, so that s_client surely has it.
    assert "New, " in s_client(gateway.listeners["open"], pki, "-tls1_2", "-sess_out", session)
    assert "Reused, " in s_client(gateway.listeners["open"], pki, "-tls1_2", "-sess_in", session)
    assert "New, " in s_client(gateway.listeners["careful"], pki, "-tls1_2", "-sess_in", session)


def test_renegotiation_is_refused(gateway, backend, pki, server_identity):
    gateway = gateway(backend, identity=server_identity)
    told = s_client(gateway.address, pki, "-tls1_2", input="R\n")
    assert "RENEGOTIATING" in told
    assert "no renegotiation" in told.lower() or "alert" in told.lower(), told
    with Caller(gateway.address, ca=pki) as caller:
        assert caller.unary(ask("x")).text == "x"


def test_early_data_is_never_offered(gateway, backend, pki, server_identity):
    told = s_client(gateway(backend, identity=server_identity).address, pki, "-tls1_3")
    offers = [line for line in told.splitlines() if "Max Early Data" in line]
    assert all(line.strip() == "Max Early Data: 0" for line in offers)


def s_client(address, pki, *options, input="Q\n"):
    """All that `openssl s_client` has to say of a connection."""
    told = subprocess.run(
        ["openssl", "s_client", "-connect", address, "-servername", "localhost", "-alpn", "h2", "-CAfile", str(pki.file),
         *map(str, options)], input=input, capture_output=True, text=True, errors="replace", timeout=20)
    return told.stdout + told.stderr


def test_cleartext_http2_with_prior_knowledge(gateway, backend):
    with Caller(gateway(backend).address) as caller:
        assert caller.unary(ask("x")).text == "x"


class TestUpstream:
    def test_tls_to_the_backend_is_verified_by_name(self, gateway, pki, own, tmp_path):
        backend = own(Backend("secure", identity=pki.issue("up", ["orders.internal"])))
        tls = {"ca": str(pki.file), "server_name": "orders.internal"}
        with Caller(gateway(configuration(clusters={"kinds": cluster(backend, tls=tls)})).address) as caller:
            assert caller.unary(ask("x")).backend == "secure"

    @pytest.mark.parametrize("wrong", ["name", "authority"])
    def test_a_backend_that_is_not_who_it_should_be_gets_no_call(self, gateway, pki, own, tmp_path, wrong):
        backend = own(Backend("secure", identity=pki.issue("up2", ["orders.internal"])))
        other = certificates.Authority(tmp_path, "Other CA")
        tls = {"ca": str((other if wrong == "authority" else pki).file),
               "server_name": "billing.internal" if wrong == "name" else "orders.internal"}
        with Caller(gateway(configuration(clusters={"kinds": cluster(backend, tls=tls)})).address) as caller:
            assert caller.refusal(ask()).code == grpc.StatusCode.UNAVAILABLE
        assert backend.seen().started == 0

    def test_any_certificate_will_do_where_that_is_said_and_each_start_warns(self, gateway, pki, own, tmp_path):
        backend = own(Backend("secure", identity=certificates.Authority(tmp_path, "Other CA").issue("up4", ["somewhere.else"])))
        whole = configuration(clusters={"kinds": cluster(backend, tls={"verify": "off"})})
        running = gateway(whole)
        running.process.wait_for(lambda line: "clusters.kinds.tls.verify: warning: found off" in line, "the warning")
        with Caller(running.address) as caller:
            assert caller.unary(ask("x")).backend == "secure"
            # Once it is verified again, connections that were made without are no others'.
            running.reload(configuration(clusters={"kinds": cluster(backend, tls={})}))
            assert caller.refusal(ask()).code == grpc.StatusCode.UNAVAILABLE
            running.reload(whole)
            assert caller.unary(ask("x")).backend == "secure"

    def test_our_certificate_is_shown_to_a_backend_that_asks(self, gateway, pki, own):
        backend = own(Backend("mutual", identity=pki.issue("up3", ["localhost"]), client_ca=pki.file))
        ours = pki.issue("gateway-client", client=True, common_name="martlet")
        tls = {"ca": str(pki.file), "server_name": "localhost",
               "certificate": str(ours.certificate), "private_key": str(ours.private_key)}
        with Caller(gateway(configuration(clusters={"kinds": cluster(backend, tls=tls)})).address) as caller:
            assert caller.unary(ask("x")).peer_names == ["martlet"]
