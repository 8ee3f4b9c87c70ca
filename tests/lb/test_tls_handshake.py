"""The handshake: policies, certificates, resumption, ALPN, and clients that do it wrong or not at all."""

import asyncio
import socket
import ssl
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from lab.core.elbv2.tls_policies import POLICIES, offered
from services.lb.tls.contexts import TlsFront
from services.lb.tls.endpoint import HANDSHAKE_SECONDS, RECORD_BYTES
from tests.eventually import eventually
from tests.lb.certificates import make, rsa_key, trusting
from tests.lb.tls_world import PLAIN_SERVER, TlsWorld, in_tls_world, rest, tls
from tests.pem import Pair

RSA_SERVER = make("shop.example", names=("shop.example",), key=rsa_key(), days=(-1, 20))
_DER = serialization.Encoding.DER
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def only(version: ssl.TLSVersion, ciphers: str = "") -> ssl.SSLContext:
    context = trusting()
    context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    return context


@pytest.mark.parametrize("name", POLICIES)
@in_tls_world
async def test_each_policy_speaks_what_it_offers_and_no_more(world: TlsWorld, name: str) -> None:
    offer = offered(POLICIES[name])
    world.front = TlsFront(tls(PLAIN_SERVER, RSA_SERVER, policy=name), http2=True)
    for version, label in ((TLS12, "TLSv1.2"), (TLS13, "TLSv1.3")):
        if label in offer.protocols:
            link = await world.facts_of(only(version))
            assert link.facts.protocol == label
            assert not link.failure
        else:
            assert (await world.failure(only(version))).failure == "UnmappedConnectionError"
    # Of two ciphers the server's order decides, whatever the client's.
    rsa = [cipher for cipher in offer.ciphers if "ECDSA" not in cipher]
    if len(rsa) > 1:
        reply = await world.facts_of(only(TLS12, f"{rsa[-1]}:{rsa[0]}:@SECLEVEL=1"))
        assert reply.facts.cipher == rsa[0]
        assert (await world.facts_of(only(TLS12, f"{rsa[-1]}:@SECLEVEL=1"))).facts.cipher == rsa[-1]


@in_tls_world
async def test_a_cipher_outside_the_policy_is_refused(world: TlsWorld) -> None:
    world.front = TlsFront(tls(RSA_SERVER), http2=True)
    link = await world.failure(only(TLS12, "AES128-SHA:@SECLEVEL=1"))
    assert link.detail == "NO_SHARED_CIPHER"
    assert world.plane.counters.metrics()["ClientTLSNegotiationErrorCount"] == 1


@in_tls_world
async def test_facts(world: TlsWorld) -> None:
    link = await world.facts_of(only(TLS13))
    facts = link.facts
    assert (facts.protocol, facts.server_name, facts.certificate_arn) == ("TLSv1.3", "shop.example", "arn:0")
    assert facts.cipher.startswith("TLS_")
    assert (facts.resumed, facts.alpn, facts.client, facts.verify_status) == (False, "", None, "")
    assert link.handshake_seconds >= 0
    assert world.peers[0].scheme == b"https"


WILDCARD = make("w", names=("*.shop.example",))
LONG = make("l", names=("*.shop.example",), key=rsa_key(3072))
SHORT = make("s", names=("*.shop.example",), key=rsa_key(2048), days=(-1, 300))
EARLY = make("e", names=("a.example",), days=(-1, 10))
LATE = make("f", names=("a.example",), days=(-1, 20))
NAMELESS = make("common.example")


@pytest.mark.parametrize(
    ("name", "pairs", "chosen", "rsa_chosen"),
    [
        ("nobody.example", (PLAIN_SERVER, WILDCARD), 0, None),  # no match: the default one
        ("a.shop.example", (PLAIN_SERVER, WILDCARD), 1, None),
        ("A.Shop.EXAMPLE", (PLAIN_SERVER, WILDCARD), 1, None),
        ("a.b.shop.example", (PLAIN_SERVER, WILDCARD), 0, None),  # a wildcard stands for one label
        ("shop.example", (WILDCARD, PLAIN_SERVER), 1, None),
        ("a.shop.example", (PLAIN_SERVER, SHORT, LONG), 2, 2),  # the longer key
        ("a.shop.example", (PLAIN_SERVER, LONG, WILDCARD), 2, 1),  # ECDSA, if the client can
        ("a.example", (PLAIN_SERVER, EARLY, LATE), 2, None),  # the later end
        ("a.example", (LATE, PLAIN_SERVER, EARLY), 0, None),  # the default one counts, too
        ("common.example", (PLAIN_SERVER, NAMELESS), 1, None),
    ],
)
@in_tls_world
async def test_which_certificate(
    world: TlsWorld, name: str, pairs: tuple[Pair, ...], chosen: int, rsa_chosen: int | None
) -> None:
    world.front = TlsFront(tls(*pairs), http2=False)
    for context in (only(TLS13), only(TLS12)):
        _, writer = await world.client(context, name)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        assert shown == pairs[chosen].certificate.public_bytes(_DER)
        await eventually(lambda: world.served)
        assert world.served.pop().link.facts.certificate_arn == f"arn:{chosen}"
    if rsa_chosen is not None:
        link = await world.facts_of(only(TLS12, "ECDHE+aRSA"), name)
        assert link.facts.certificate_arn == f"arn:{rsa_chosen}"


@in_tls_world
async def test_no_server_name_gets_the_default_certificate(world: TlsWorld) -> None:
    world.front = TlsFront(tls(WILDCARD, PLAIN_SERVER), http2=False)
    facts = (await world.facts_of(name="")).facts
    assert (facts.server_name, facts.certificate_arn) == ("", "arn:0")


@pytest.mark.parametrize(
    ("http2", "asked", "given"),
    [
        (True, ["http/1.1", "h2"], "h2"),
        (True, ["http/1.1"], "http/1.1"),
        (False, ["h2", "http/1.1"], "http/1.1"),
        (False, ["h2"], ""),
        (True, ["spdy/1"], ""),
    ],
)
@in_tls_world
async def test_alpn(world: TlsWorld, http2: bool, asked: list[str], given: str) -> None:
    world.front = TlsFront(tls(PLAIN_SERVER, WILDCARD), http2=http2)
    context = trusting()
    context.set_alpn_protocols(asked)
    assert (await world.facts_of(context)).facts.alpn == given
    assert (await world.facts_of(context, "a.shop.example")).facts.alpn == given


def shake(
    world: TlsWorld, context: ssl.SSLContext, name: str, session: ssl.SSLSession | None
) -> tuple[bool, ssl.SSLSession]:
    with context.wrap_socket(world.raw(), server_hostname=name, session=session) as sock:
        sock.sendall(b"hello")
        assert sock.recv(5) == b"hello"
        session = sock.session
        assert session is not None
        return bool(sock.session_reused), session


@pytest.mark.parametrize("ids", [False, True], ids=["tickets", "ids"])
@pytest.mark.parametrize("version", [TLS12, TLS13])
@in_tls_world
async def test_sessions_resume_and_outlive_a_new_document(world: TlsWorld, version: ssl.TLSVersion, ids: bool) -> None:
    world.front = TlsFront(tls(PLAIN_SERVER, WILDCARD), http2=True)
    context = only(version)
    if ids:
        context.options |= ssl.OP_NO_TICKET
    for name in ("shop.example", "a.shop.example"):
        reused, session = await asyncio.to_thread(shake, world, context, name, None)
        assert not reused
        reused, _ = await asyncio.to_thread(shake, world, context, name, session)
        assert reused or (ids and version is TLS13)  # without tickets there is no PSK
        assert world.served[-1].link.facts.resumed is reused


@in_tls_world
async def test_garbage_instead_of_a_hello(world: TlsWorld) -> None:
    await world.plain_rest(bytes(range(256)) * 4)
    await eventually(lambda: world.failed)
    assert world.failed[0].failure == "UnmappedConnectionError"
    assert world.failed[0].facts.protocol in ("", "TLSv1.2", "TLSv1.3")
    assert not world.plane.clients


@in_tls_world
async def test_plain_http_on_the_tls_port(world: TlsWorld) -> None:
    await world.plain_rest(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
    await eventually(lambda: world.failed)
    assert world.failed[0].detail == "HTTP_REQUEST"


@in_tls_world
async def test_a_slow_handshake_is_ended_by_the_sweep(world: TlsWorld) -> None:
    silent, _ = await world.plain()
    dripping, writer = await world.plain()
    writer.write(b"\x16\x03\x01")
    await eventually(lambda: len(world.plane.clients) == 2)
    now = world.selector.now
    world.plane.selector.now = now + HANDSHAKE_SECONDS - 1
    world.plane.sweep()
    assert len(world.plane.clients) == 2
    world.plane.selector.now = now + HANDSHAKE_SECONDS + 1
    world.plane.sweep()
    assert not world.plane.clients
    assert [link.detail for link in world.failed] == ["timeout", "timeout"]
    assert await rest(silent) == await rest(dripping) == b""


def hello() -> bytes:
    """A good ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls_object = trusting().wrap_bio(incoming, outgoing, server_hostname="shop.example")
    with pytest.raises(ssl.SSLWantReadError):
        tls_object.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("name", [b'a" "b.exampl', b"a\r\nb.example", b"a b.example "])
@in_tls_world
async def test_a_server_name_that_is_none(world: TlsWorld, name: bytes) -> None:
    """It could forge a line of a log: the default certificate, and nothing is taken down."""
    assert len(name) == 12
    with world.raw() as sock:
        sock.sendall(hello().replace(b"shop.example", name))
        assert (await asyncio.to_thread(sock.recv, 5))[:1] == b"\x16"
    await eventually(lambda: world.failed)
    assert world.failed[0].facts.server_name == ""


@pytest.mark.parametrize("sent", [0, 1, 5, 60, -1], ids=["nothing", "byte", "header", "part", "hello"])
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
@in_tls_world
async def test_a_client_that_leaves_within_the_handshake(world: TlsWorld, sent: int, reset: bool) -> None:
    data = hello()
    sock = world.raw()
    sock.sendall(data if sent < 0 else data[:sent])
    await eventually(lambda: world.plane.clients)
    if sent < 0:
        assert await asyncio.to_thread(sock.recv, 1)
    if reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    await eventually(lambda: world.failed)
    assert world.failed[0].failure == "UnmappedConnectionError"
    assert not world.plane.clients


@in_tls_world
async def test_a_hello_byte_by_byte(world: TlsWorld) -> None:
    sock = world.raw()
    for byte in hello():
        sock.send(bytes([byte]))
        await asyncio.sleep(0)
    answer = await asyncio.to_thread(sock.recv, RECORD_BYTES)
    assert answer[:1] == b"\x16"
    sock.close()
    await eventually(lambda: world.failed)


@in_tls_world
async def test_the_openssl_command(world: TlsWorld, tmp_path: Path) -> None:
    """Another client's view: renegotiation is refused, nothing is compressed."""
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", f"127.0.0.1:{world.port}", "-servername", "shop.example", "-tls1_2",
        "-alpn", "http/1.1",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b"R\n")
    output, _ = await process.communicate()
    text = output.decode(errors="replace")
    assert "ALPN protocol: http/1.1" in text
    assert "Compression: NONE" in text
    assert "Protocol  : TLSv1.2" in text
    assert "no renegotiation" in text or "NO_RENEGOTIATION" in text.upper().replace(" ", "_")
