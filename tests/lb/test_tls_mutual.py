"""Mutual authentication (alb:mutual-authentication): who may come in, and what targets are told of them."""

import asyncio
import ssl
from pathlib import Path
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from lab.core.elbv2.config import MutualAuthentication
from services.lb.tls import contexts
from services.lb.tls.contexts import TlsFront
from services.lb.tls.facts import TlsFacts, request_fields, reserved_names
from services.lb.tls.mtls import rfc2253, sent_leaf
from tests.eventually import eventually
from tests.lb.certificates import SERVER_ONLY, client_context, make, revocation_list, rsa_key, trusting
from tests.lb.tls_world import PLAIN_SERVER, TlsWorld, in_tls_world, tls
from tests.pem import Pair

ROOT = make("root", authority=True)
MIDDLE = make("middle", issuer=ROOT, authority=True)
OTHER_ROOT = make("other root", authority=True)
GOOD = make(
    x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "mTLS, Inc."),
            x509.NameAttribute(NameOID.COMMON_NAME, "client"),
        ]
    ),
    issuer=MIDDLE,
    serial=0x3A5B1,
)
REVOKED = make("revoked", issuer=ROOT)
VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


def verify(
    *, revoked: tuple[str, ...] = (), ignore_expiry: bool = False, roots: tuple[Pair, ...] = (ROOT,)
) -> TlsFront:
    bundle = "".join(root.pem for root in roots)
    mutual = MutualAuthentication("verify", bundle, revoked, ignore_expiry)
    return TlsFront(tls(PLAIN_SERVER, make("w", names=("*.shop.example",)), mutual=mutual), http2=False)


def passthrough() -> TlsFront:
    return TlsFront(
        tls(PLAIN_SERVER, make("w", names=("*.shop.example",)), mutual=MutualAuthentication("passthrough")), False
    )


def showing(pair: Pair, folder: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = client_context(pair, folder)
    context.minimum_version = context.maximum_version = version
    return context


@VERSIONS
@in_tls_world
async def test_a_good_certificate(world: TlsWorld, tmp_path: Path, version: ssl.TLSVersion) -> None:
    world.front = verify()
    for name in ("shop.example", "a.shop.example"):  # by the context of either certificate
        link = await world.facts_of(showing(GOOD, tmp_path, version), name)
        client = link.facts.client
        assert client is not None
        assert link.facts.verify_status == "Success"
        assert (client.subject, client.issuer, client.serial) == (
            "CN=client,O=mTLS\\, Inc.,C=US",
            "CN=middle",
            "03A5B1",
        )
        assert client.validity == f"NotBefore={client.not_before};NotAfter={client.not_after}"
        fields = dict(client.fields)
        assert list(fields) == [
            f"X-Amzn-Mtls-Clientcert-{part}" for part in ("Serial-Number", "Issuer", "Subject", "Validity", "Leaf")
        ]
        assert fields["X-Amzn-Mtls-Clientcert-Validity"].startswith("NotBefore=20")
        leaf = fields["X-Amzn-Mtls-Clientcert-Leaf"]
        assert unquote(leaf) == GOOD.pem
        assert leaf.startswith("-----BEGIN%20CERTIFICATE-----%0AM")
        assert not set(leaf) & set(" \r\n:")


@pytest.mark.parametrize(
    ("pair", "status"),
    [
        (make("stranger", issuer=OTHER_ROOT), "ClientCertUntrusted"),
        (make("self-made"), "ClientCertUntrusted"),
        (make("old", issuer=ROOT, days=(-30, -1)), "ClientCertExpired"),
        (make("early", issuer=ROOT, days=(1, 30)), "ClientCertNotYetValid"),
        (make("server", issuer=ROOT, usage=SERVER_ONLY), "ClientCertPurposeInvalid"),
        (make("forged", issuer=Pair(ROOT.certificate, OTHER_ROOT.private)), "ClientCertInvalid"),
        (REVOKED, "ClientCertCrlHit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@VERSIONS
@in_tls_world
async def test_a_certificate_that_is_refused(
    world: TlsWorld, tmp_path: Path, pair: Pair, status: str, version: ssl.TLSVersion
) -> None:
    world.front = verify(revoked=(revocation_list(ROOT, REVOKED),))
    link = await world.failure(showing(pair, tmp_path, version))
    assert (link.failure, link.facts.verify_status) == (status, f"Failed:{status}")
    assert not world.served
    assert world.plane.counters.metrics()["ClientTLSNegotiationErrorCount"] == 1


@VERSIONS
@in_tls_world
async def test_no_certificate_is_refused(world: TlsWorld, version: ssl.TLSVersion) -> None:
    world.front = verify()
    context = trusting()
    context.minimum_version = context.maximum_version = version
    link = await world.failure(context)
    assert link.facts.verify_status == "Failed:UnmappedConnectionError"
    assert link.detail == "PEER_DID_NOT_RETURN_A_CERTIFICATE"


@in_tls_world
async def test_lists_revoke_only_what_is_on_them(world: TlsWorld, tmp_path: Path) -> None:
    """An authority without a list revokes nothing, an overdue list still counts, an intermediate can be revoked, too."""
    world.front = verify(revoked=(revocation_list(ROOT, REVOKED),))
    assert not (await world.facts_of(client_context(GOOD, tmp_path))).failure
    world.front = verify(revoked=(revocation_list(ROOT, MIDDLE),))
    assert (await world.failure(client_context(GOOD, tmp_path))).failure == "ClientCertCrlHit"


@in_tls_world
async def test_only_an_authoritys_own_list_counts(world: TlsWorld, tmp_path: Path) -> None:
    forged = revocation_list(Pair(ROOT.certificate, OTHER_ROOT.private), GOOD, MIDDLE)
    world.front = verify(revoked=(forged,))
    assert (await world.failure(client_context(REVOKED, tmp_path))).failure == "ClientCertCrlProcessingError"
    world.front = verify(revoked=(forged, revocation_list(ROOT, REVOKED)))
    assert (await world.failure(client_context(REVOKED, tmp_path))).failure == "ClientCertCrlHit"
    assert not (await world.facts_of(client_context(GOOD, tmp_path))).failure
    world.front = verify(revoked=(revocation_list(MIDDLE, GOOD),))  # an issuer that the trust store does not hold
    assert (await world.failure(client_context(GOOD, tmp_path))).failure == "ClientCertCrlHit"


@in_tls_world
async def test_expiry_may_be_ignored(world: TlsWorld, tmp_path: Path) -> None:
    world.front = verify(ignore_expiry=True)
    old = make("old", issuer=ROOT, days=(-30, -1))
    assert (await world.facts_of(client_context(old, tmp_path))).facts.verify_status == "Success"


@in_tls_world
async def test_an_intermediate_in_the_store_is_trust_enough(world: TlsWorld, tmp_path: Path) -> None:
    world.front = verify(roots=(MIDDLE,))
    assert not (await world.facts_of(client_context(GOOD, tmp_path))).failure


@in_tls_world
async def test_how_deep_a_chain_may_be(world: TlsWorld, tmp_path: Path) -> None:
    world.front = verify()
    above = ROOT
    for depth in range(1, 4):
        above = make(f"depth {depth}", issuer=above, authority=True)
    four = make("four", issuer=above)
    five = make("five", issuer=make("depth 4", issuer=above, authority=True))
    assert not (await world.facts_of(client_context(four, tmp_path))).failure
    assert (await world.failure(client_context(five, tmp_path))).failure == "ClientCertMaxChainDepthExceeded"


@pytest.mark.parametrize(
    "pair",
    [GOOD, make("self-made"), make("old", issuer=OTHER_ROOT, days=(-30, -1)), make("rsa", key=rsa_key())],
    ids=["chain", "self-made", "expired", "rsa"],
)
@VERSIONS
@in_tls_world
async def test_passthrough_takes_anything(world: TlsWorld, tmp_path: Path, pair: Pair, version: ssl.TLSVersion) -> None:
    world.front = passthrough()
    for name in ("shop.example", "a.shop.example"):
        link = await world.facts_of(showing(pair, tmp_path, version), name)
        assert link.facts.client is not None
        [(field, value)] = link.facts.client.fields
        assert field == "X-Amzn-Mtls-Clientcert"
        assert unquote(value) == pair.chain
        assert link.facts.client.subject == rfc2253(pair.certificate.subject)


@VERSIONS
@in_tls_world
async def test_passthrough_without_a_certificate(world: TlsWorld, version: ssl.TLSVersion) -> None:
    world.front = passthrough()
    context = trusting()
    context.minimum_version = context.maximum_version = version
    facts = (await world.facts_of(context)).facts
    assert (facts.client, facts.verify_status) == (None, "")


@in_tls_world
async def test_passthrough_needs_the_key(world: TlsWorld, tmp_path: Path) -> None:
    """Any certificate, but its own: OpenSSL has the client prove it."""
    stolen = Pair(GOOD.certificate, make("thief").private)
    with pytest.raises(ssl.SSLError):
        client_context(stolen, tmp_path)  # no client of this kind will even try
    world.front = passthrough()
    assert (await world.facts_of(client_context(GOOD, tmp_path))).established


@in_tls_world
async def test_a_long_chain_is_not_passed_on(world: TlsWorld, tmp_path: Path) -> None:
    world.front = passthrough()
    above = OTHER_ROOT
    for depth in range(60):
        above = make(f"depth {depth} " + "x" * 40, issuer=above, authority=True)
    link = await world.failure(client_context(make("deep", issuer=above), tmp_path))
    assert link.failure == "ClientCertMaxSizeExceeded"


@in_tls_world
async def test_what_passthrough_trusts_does_not_pile_up(
    world: TlsWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts, "MOST_TRUSTED", 3)
    world.front = passthrough()
    first = world.front.context
    for number in range(7):
        await world.facts_of(client_context(make(f"client {number}"), tmp_path))
        assert world.front.context.cert_store_stats()["x509"] <= 3
    assert world.front.context is not first


@pytest.mark.parametrize("mode", ["verify", "passthrough"])
@VERSIONS
@in_tls_world
async def test_tickets_do_not_resume(world: TlsWorld, tmp_path: Path, mode: str, version: ssl.TLSVersion) -> None:
    world.front = verify() if mode == "verify" else passthrough()
    context = showing(GOOD, tmp_path, version)

    def visit(session: ssl.SSLSession | None) -> tuple[bool, ssl.SSLSession | None]:
        with context.wrap_socket(world.raw(), server_hostname="shop.example", session=session) as sock:
            sock.sendall(b"hello")
            assert sock.recv(5) == b"hello"
            return bool(sock.session_reused), sock.session

    _, session = await asyncio.to_thread(visit, None)
    assert session is not None
    assert not session.has_ticket
    # What is left is the session id of TLS 1.2, which OpenSSL keeps on its own; the certificate is known all the same.
    await asyncio.to_thread(visit, session)
    await eventually(lambda: len(world.served) == 2)
    clients = [echo.link.facts.client for echo in world.served]
    assert clients[0] == clients[1] is not None


def test_names_are_escaped() -> None:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@b"),
            x509.NameAttribute(NameOID.COMMON_NAME, "a\r\nX-Evil: 1, é+\x00"),
        ]
    )
    assert rfc2253(name) == "CN=a\\0D\\0AX-Evil: 1\\, \\C3\\A9\\+\\00,emailAddress=a@b"


def test_request_fields() -> None:
    facts = TlsFacts(protocol="TLSv1.3", cipher="TLS_AES_128_GCM_SHA256")
    assert request_fields(facts, {}, tls_headers=False) == b""
    assert request_fields(facts, {"x-amzn-tls-version": "x-tls"}, tls_headers=True) == (
        b"x-tls: TLSv1.3\r\nX-Amzn-Tls-Cipher-Suite: TLS_AES_128_GCM_SHA256\r\n"
    )


def test_reserved_names() -> None:
    names = reserved_names({"x-amzn-mtls-clientcert-leaf": "My-Leaf"})
    assert {b"my-leaf", b"x-amzn-mtls-clientcert-leaf", b"x-amzn-mtls-clientcert", b"x-amzn-tls-version"} <= names
    assert len(names) == 9


@pytest.mark.parametrize("length", range(12))
def test_a_broken_certificate_message_names_nobody(length: int) -> None:
    message = bytes([11, 0, 0, 20, 0, 0, 0, 17, 0, 0, 12]) + b"certificate!" + b"\0\0"
    assert sent_leaf(message, with_context=True) == b"certificate!"
    assert sent_leaf(message[:length], with_context=True) == b""
