"""Bodies of a gigabyte (LAB_HEAVY=1; else of a quarter) both ways, through a node in its own process: its memory stays flat."""

import asyncio
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lb.nodes import document, running

SIZE = (1 << 30) if os.environ.get("LAB_HEAVY") == "1" else (1 << 28)
MOST_GROWTH = 16 << 20
LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


def peak(pid: int) -> int:
    """The most memory a process has had so far, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def send_zeros(sock: socket.socket, size: int) -> None:
    with tempfile.TemporaryFile() as sparse:
        sparse.truncate(size)
        sock.sendfile(sparse)


def send_chunks(sock: socket.socket, size: int) -> None:
    chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    for _ in range(size >> 20):
        sock.sendall(chunk)
    sock.sendall(b"0\r\n\r\n")


def read_head(sock: socket.socket) -> tuple[bytes, bytes]:
    """A head, and what came with it of the body."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            raise EOFError
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def sink(sock: socket.socket, size: int) -> int:
    """Reads `size` bytes and throws them away; how many there were, at most one read more than `size`."""
    buffer = bytearray(1 << 20)
    left = size
    while left > 0 and (count := sock.recv_into(buffer)):
        left -= count
    return size - left


def sink_chunks(sock: socket.socket, tail: bytes) -> None:
    """Reads until the last chunk."""
    while not tail.endswith(b"\r\n0\r\n\r\n"):
        piece = sock.recv(1 << 20)
        assert piece
        tail = tail[-16:] + piece


def serve(sock: socket.socket) -> None:
    """One connection: /down gives SIZE bytes, /chunks the same in chunks, anything with a body says how much of it came."""
    with sock:
        try:
            while True:
                head, rest = read_head(sock)
                if b" /down " in head:
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
                    send_zeros(sock, SIZE)
                    continue
                if b" /chunks " in head:
                    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    send_chunks(sock, SIZE)
                    continue
                if head.startswith(b"POST"):
                    if b"chunked" in head:
                        sink_chunks(sock, rest)
                    else:
                        assert sink(sock, SIZE - len(rest)) == SIZE - len(rest)
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (EOFError, ConnectionError):
            pass


@contextmanager
def origin() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(sock,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def down(sock: socket.socket) -> None:
    sock.sendall(b"GET /down HTTP/1.1\r\nHost: a\r\n\r\n")
    head, rest = read_head(sock)
    assert b" 200 " in head
    assert sink(sock, SIZE - len(rest)) == SIZE - len(rest)


def down_in_chunks(sock: socket.socket) -> None:
    sock.sendall(b"GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n")
    head, rest = read_head(sock)
    assert b" 200 " in head
    sink_chunks(sock, rest)


def up(sock: socket.socket) -> None:
    sock.sendall(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE)
    send_zeros(sock, SIZE)
    head, rest = read_head(sock)
    assert b" 200 " in head
    assert rest == b"ok"


def up_in_chunks(sock: socket.socket) -> None:
    sock.sendall(b"POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    send_chunks(sock, SIZE)
    head, rest = read_head(sock)
    assert b" 200 " in head
    assert rest == b"ok"


@LINUX
@pytest.mark.parametrize("way", [down, up, down_in_chunks, up_in_chunks])
async def test_a_large_body_costs_no_memory(tmp_path: Path, way: Callable[[socket.socket], None]) -> None:
    with origin() as port:
        async with running(tmp_path, document(port)) as node:
            assert (await node.ask()).status == 200
            worker = await node.worker()
            before = peak(worker)
            with socket.create_connection(("127.0.0.1", node.port), timeout=120) as sock:
                await asyncio.to_thread(way, sock)
            assert peak(worker) - before < MOST_GROWTH
