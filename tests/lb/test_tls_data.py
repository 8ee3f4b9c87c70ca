"""Bytes over TLS once the handshake is done: both ways, under back-pressure, to the end of the connection, at both ends."""

import asyncio
import select
import socket
import ssl
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.core.elbv2.tls_policies import POLICIES
from services.lb.sockets.selector import READ, WRITE
from services.lb.tls.contexts import TlsFront
from services.lb.tls.endpoint import RECORD_BYTES, dial_tls
from services.lb.tls.settings import target_context
from tests.eventually import eventually, until
from tests.lb.certificates import make, rsa_key, trusting
from tests.lb.tls_world import Echo, TlsWorld, in_tls_world, rest, tls

MB = 1024 * 1024
ANY_TARGET = target_context(POLICIES["ELBSecurityPolicy-TLS13-1-0-2021-06"])


def tls13() -> ssl.SSLContext:
    return trusting()


def tls12() -> ssl.SSLContext:
    context = trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


VERSIONS = pytest.mark.parametrize("context", [tls12, tls13])


@VERSIONS
@in_tls_world
async def test_five_megabytes_both_ways(world: TlsWorld, context: Callable[[], ssl.SSLContext]) -> None:
    """The client sends for a while before it reads: the echo must stop reading, and keep next to nothing."""
    reader, writer = await world.client(context())
    data = bytes(range(256)) * (5 * MB // 256)
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads has it

    async def send() -> None:
        writer.write(data)
        await writer.drain()

    sending = asyncio.create_task(send())
    await eventually(lambda: world.served and world.served[0].link.pending)
    assert not world.served[0].link.interest & READ
    writer.transport.resume_reading()  # type: ignore[attr-defined]  # likewise
    assert await reader.readexactly(len(data)) == data
    await sending
    echo = world.served[0]
    assert echo.got == data
    assert echo.most_pending <= 4 * RECORD_BYTES
    assert (echo.link.pending, echo.link.interest) == (b"", READ)


@VERSIONS
@in_tls_world
async def test_a_client_that_does_not_read(world: TlsWorld, context: Callable[[], ssl.SSLContext]) -> None:
    world.mute = True
    reader, writer = await world.client(context())
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads has it
    await eventually(lambda: world.served)
    link = world.served[0].link
    link.send(b"x" * 8 * MB)
    assert link.is_blocked
    assert link.interest == READ | WRITE
    before = len(link.pending)
    link.send(b"y")
    assert len(link.pending) == before + 1
    writer.transport.resume_reading()  # type: ignore[attr-defined]  # likewise
    assert await reader.readexactly(8 * MB + 1) == b"x" * 8 * MB + b"y"
    assert link.interest == READ


@in_tls_world
async def test_a_paused_connection_loses_nothing(world: TlsWorld) -> None:
    """Many small records in one segment: OpenSSL has some of them when reading is paused, the kernel has the others."""
    world.mute = True
    _, writer = await world.client()
    await eventually(lambda: world.served)
    echo = world.served[0]
    echo.link.pause()
    for number in range(200):
        writer.write(b"%03d" % number)
    await writer.drain()
    await asyncio.sleep(0)
    assert not echo.got
    echo.link.resume()
    await eventually(lambda: len(echo.got) == 600)
    assert bytes(echo.got) == b"".join(b"%03d" % number for number in range(200))


class OneByOne(Echo):
    """Pauses after every piece, and asks for less than a record at a time."""

    def received(self, data: bytes) -> None:
        self.got += data
        self.link.pause()


@in_tls_world
async def test_what_openssl_holds_is_given_without_the_kernel(world: TlsWorld) -> None:
    """A full record read in part: nothing more comes on the wire, and yet the rest must arrive."""
    world.mute = True
    _, writer = await world.client()
    await eventually(lambda: world.served)
    link = world.served[0].link
    owner = OneByOne(link, mute=True)
    link.pause()
    writer.write(b"z" * RECORD_BYTES)
    await writer.drain()
    await eventually(lambda: select.select([link.sock], [], [], 0)[0])
    assert link.sock.recv(1000) == b"z" * 1000  # leaves the rest within OpenSSL
    await eventually(lambda: not select.select([link.sock], [], [], 0)[0])
    link.resume()
    await eventually(lambda: len(owner.got) == RECORD_BYTES - 1000)
    assert link.interest == 0


@in_tls_world
async def test_a_key_update_from_the_client(world: TlsWorld, tmp_path: Path) -> None:
    """TLS 1.3 lets a client ask for new keys; the answer goes out with the next bytes."""
    output = tmp_path / "output"

    def type_in(text: bytes, then: Callable[[], object]) -> None:
        assert openssl.stdin is not None
        openssl.stdin.write(text)
        openssl.stdin.flush()
        until(then, 10)

    def visit() -> None:
        type_in(b"before\n", lambda: bytes(world.served[0].got) == b"before\n")
        type_in(b"K\n", lambda: b"KEYUPDATE" in output.read_bytes())
        type_in(b"after\n", lambda: bytes(world.served[0].got) == b"before\nafter\n")
        until(lambda: b"after" in output.read_bytes(), 10)

    command = ("openssl", "s_client", "-connect", f"127.0.0.1:{world.port}", "-tls1_3")
    with (
        output.open("wb") as file,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=file) as openssl,  # noqa: ASYNC220 - it is only started here
    ):
        await asyncio.to_thread(visit)


# The end.


@VERSIONS
@in_tls_world
async def test_the_client_says_goodbye(world: TlsWorld, context: Callable[[], ssl.SSLContext]) -> None:
    """close_notify without a FIN: the owner hears an end, and the client gets a close_notify back."""

    def visit() -> bytes:
        with context().wrap_socket(world.raw(), server_hostname="h") as sock:
            sock.sendall(b"hi")
            assert sock.recv(2) == b"hi"
            return sock.unwrap().recv(10)

    assert await asyncio.to_thread(visit) == b""
    assert world.served[0].ends == 1


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
@in_tls_world
async def test_the_client_leaves_without_a_word(world: TlsWorld, reset: bool) -> None:
    def visit() -> None:
        sock = trusting().wrap_socket(world.raw(), server_hostname="h")
        sock.sendall(b"hi")
        assert sock.recv(2) == b"hi"
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    await asyncio.to_thread(visit)
    await eventually(lambda: world.served[0].ends == 1)
    assert not world.served[0].aborted


@in_tls_world
async def test_a_forged_record_ends_the_connection(world: TlsWorld) -> None:
    def visit() -> bytes:
        sock = trusting().wrap_socket(world.raw(), server_hostname="h")
        sock.sendall(b"hi")
        assert sock.recv(2) == b"hi"
        with socket.socket(fileno=sock.detach()) as bare:
            bare.settimeout(10)
            bare.sendall(b"\x17\x03\x03\x00\x20" + b"f" * 32)
            return bare.recv(100)

    assert (await asyncio.to_thread(visit))[:1] == b"\x17"  # an alert, encrypted
    assert world.served[0].ends == 1
    assert bytes(world.served[0].got) == b"hi"


@in_tls_world
async def test_the_server_closes(world: TlsWorld) -> None:
    """Everything that was sent arrives, then a close_notify: a client that insists on one is content."""
    world.mute = True

    def visit() -> bytes:
        sock = trusting().wrap_socket(world.raw(), server_hostname="h", suppress_ragged_eofs=False)
        with sock:
            sock.sendall(b"hi")
            data = b""
            while piece := sock.recv(100):
                data += piece
            return data

    visiting = asyncio.create_task(asyncio.to_thread(visit))
    await eventually(lambda: world.served and world.served[0].got)
    world.served[0].link.send(b"bye")
    world.served[0].link.close()
    assert await visiting == b"bye"


@in_tls_world
async def test_a_reset_end_does_not_look_like_a_good_one(world: TlsWorld) -> None:
    """An answer that is cut short: no close_notify, or the client would take it for complete."""
    world.mute = True

    def visit() -> str:
        sock = trusting().wrap_socket(world.raw(), server_hostname="h", suppress_ragged_eofs=False)
        with sock:
            sock.sendall(b"hi")
            try:
                while sock.recv(100):
                    pass
            except OSError as error:
                return type(error).__name__
            return "a good end"

    visiting = asyncio.create_task(asyncio.to_thread(visit))
    await eventually(lambda: world.served and world.served[0].got)
    link = world.served[0].link
    link.send(b"half of it")
    link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()
    assert await visiting in ("ConnectionResetError", "SSLEOFError")


@in_tls_world
async def test_shutdown_then_reading_on(world: TlsWorld) -> None:
    """What a farewell does: no more is sent, what still comes is only noticed."""
    world.mute = True
    reader, writer = await world.client()
    await eventually(lambda: world.served)
    echo = world.served[0]
    echo.link.send(b"last words")
    echo.link.shutdown()
    assert await reader.readexactly(10) == b"last words"
    writer.write(b"more")
    await eventually(lambda: echo.got or echo.ends)
    assert b"more" not in echo.got  # it came, but nobody decrypts it
    writer.transport.abort()
    await eventually(lambda: echo.ends)


@in_tls_world
async def test_sending_to_a_broken_connection_fails_nowhere(world: TlsWorld) -> None:
    world.mute = True
    _, writer = await world.client()
    await eventually(lambda: world.served)
    echo = world.served[0]
    writer.transport.abort()
    for _ in range(50):
        echo.link.send(b"x" * MB)
    await eventually(lambda: echo.ends)
    assert echo.link.pending == b""


# Towards targets.


def dial(world: TlsWorld, port: int, *, mute: bool = True) -> Echo:
    sock = socket.socket()
    sock.setblocking(False)
    assert sock.connect_ex(("127.0.0.1", port)) in (0, 115)
    echo = Echo(dial_tls(sock, world.selector, ANY_TARGET), mute=mute)
    world.served.append(echo)
    return echo


@in_tls_world
async def test_a_target_with_any_certificate(world: TlsWorld) -> None:
    """Expired, for another name, self-signed, of 1024 bits: it does not matter."""
    old = make("other.example", key=rsa_key(1024), days=(-30, -10))
    world.front = TlsFront(tls(old), http2=False)
    echo = dial(world, world.port)
    await eventually(lambda: echo.established)
    assert echo.link.established
    assert echo.link.facts.protocol == "TLSv1.3"
    data = bytes(range(256)) * (MB // 256)
    echo.link.send(data)
    await eventually(lambda: len(echo.got) == len(data))
    assert bytes(echo.got) == data
    assert world.served[0].link.facts.server_name == ""


@in_tls_world
async def test_bytes_sent_before_the_handshake_wait_for_it(world: TlsWorld) -> None:
    echo = dial(world, world.port)
    echo.link.send(b"early ")
    echo.link.send(b"bird")
    await eventually(lambda: bytes(echo.got) == b"early bird")


@in_tls_world
async def test_a_target_that_is_not_there(world: TlsWorld) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    echo = dial(world, port)
    await eventually(lambda: echo.ends)
    assert (echo.established, echo.link.failure) == (0, "")  # no TLS was begun


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x15\x03\x03\x00\x02\x02\x28"])
@in_tls_world
async def test_a_target_that_does_not_speak_tls(world: TlsWorld, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        echo = dial(world, server.sockets[0].getsockname()[1])
        await eventually(lambda: echo.ends)
    assert (echo.established, echo.link.failure) == (0, "UnmappedConnectionError")
    assert not echo.link.established


@in_tls_world
async def test_connections_leave_nothing_behind(world: TlsWorld) -> None:
    handlers = len(world.selector._handlers)
    for _ in range(5):
        reader, writer = await world.client()
        writer.write(b"hi")
        assert await reader.readexactly(2) == b"hi"
        writer.close()
        await rest(reader)
    await world.plain_rest(b"garbage that is long enough for a header")
    await eventually(lambda: len(world.selector._handlers) == handlers)
    assert not world.plane.clients
    assert [echo.ends for echo in world.served] == [1] * 5
