"""Plays a row of the corpus against a node, and tells what each side saw. No waiting for time to pass: what the row expects
says when it is over, and more or less than that shows at once.

A connection that should stay is asked once more, `LAST`, and its next answer must be to that. Then an honest client asks on
a connection of its own: if a byte of the row's was left on a pooled connection to the target, it gets the wrong answer.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

from tests.eventually import eventually
from tests.lb.hostile.case import Case
from tests.lb.hostile.recorder import Recorder, tag
from tests.lb.world import World

LAST = b"GET /last HTTP/1.1\r\nHost: a.example\r\n\r\n"
HONEST = b"GET /honest HTTP/1.1\r\nHost: a.example\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """`target` is the one the origin says it answered; None when the answer is the balancer's own."""

    status: int
    target: bytes | None


@dataclass(frozen=True, slots=True)
class Played:
    """`answers` on the row's connection, to `LAST` too; `closed`: it was ended by the balancer. `origin` is what came on
    each connection to the target, `seen` the requests the origin answered, both with those of `LAST` and the honest one."""

    answers: tuple[Answer, ...]
    closed: bool
    honest: tuple[Answer, ...]
    origin: tuple[bytes, ...]
    seen: tuple[bytes, ...]


def answers_in(data: bytes, *, ended: bool) -> list[Answer]:
    """The final answers in what a client got; what is not whole is left out. An answer to HEAD has no body, whatever its head
    says: another answer follows at once, or the end."""
    found: list[Answer] = []
    while True:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            return found
        assert head.startswith(b"HTTP/1.1 "), data[:200]
        status, length, target = int(head[9:12]), 0, None
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b": ")
            if name == b"Content-Length":
                length = int(value)
            elif name == b"X-Target":
                target = bytes.fromhex(value.decode())
        if rest.startswith(b"HTTP/1.1 ") or (ended and not rest):
            length = 0
        if len(rest) < length:
            return found
        data = rest[length:]
        if status >= 200:
            found.append(Answer(status, target))


class Connection:
    """A client's, as raw as it gets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.got = b""
        self.closed = False

    async def send(self, pieces: Iterable[bytes]) -> None:
        """Each piece in a turn of the loop of its own, so that the node, in the same loop, reads it by itself."""
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()
                await asyncio.sleep(0)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def take(self) -> None:
        """What has come, without waiting for more than a turn of the loop."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(0):
                self.got += await self._reader.read(65536)

    async def answers(self, count: int | None) -> list[Answer]:
        """Reads until there are `count`, or, with None, until the balancer ends the connection."""
        while not self.closed and (count is None or len(self._answers()) < count):
            try:
                data = await self._reader.read(65536)
            except ConnectionError:
                data = b""
            self.got += data
            self.closed = not data
        return self._answers()

    def _answers(self) -> list[Answer]:
        return answers_in(self.got, ended=self.closed)

    def abort(self) -> None:
        self._writer.transport.abort()


async def play(world: World, recorder: Recorder, row: Case, pieces: Sequence[bytes]) -> Played:
    before = {id(raw): len(raw) for raw in recorder.connections}
    seen = len(recorder.seen)
    async with connected(world) as client, asyncio.timeout(5):
        await client.send(pieces)
        if row.unfinished:
            client.end()
        if row.stays:
            await client.answers(len(row.answers))
            await client.send([LAST])
            answers = await client.answers(len(row.answers) + 1)
        else:
            answers = await client.answers(None)
    async with connected(world) as honest, asyncio.timeout(5):
        await honest.send([HONEST])
        reply = await honest.answers(1)
    await eventually(lambda: not world.node.plane.clients and not any(one.in_flight for one in world.targets))
    return Played(
        tuple(answers),
        client.closed,
        tuple(reply),
        tuple(
            bytes(raw[before.get(id(raw), 0) :]) for raw in recorder.connections if len(raw) > before.get(id(raw), 0)
        ),
        tuple(tag(request.target) for request in recorder.seen[seen:]),
    )


@asynccontextmanager
async def connected(world: World) -> AsyncIterator[Connection]:
    connection = Connection(*await asyncio.open_connection("127.0.0.1", world.node.listeners[80].bind_port))
    try:
        yield connection
    finally:
        connection.abort()


def whole(row: Case) -> list[bytes]:
    return [row.data]


def bytewise(row: Case) -> list[bytes]:
    """Byte by byte where the row is short; a long one in two hundred pieces, seeded by its name."""
    size = len(row.data)
    if size <= 600:
        return [row.data[at : at + 1] for at in range(size)]
    return cut(row.data, random.Random(row.name).sample(range(1, size), 200))


def at_random(row: Case) -> list[bytes]:
    """In up to five pieces, seeded by the row's name."""
    chance = random.Random("at random" + row.name)
    size = len(row.data)
    return cut(row.data, chance.sample(range(1, size), min(4, size - 1)) if size > 1 else [])


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    ends = [0, *sorted(places), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]
