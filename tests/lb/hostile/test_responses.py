"""Every answer of the corpus through a real node: no client gets a malformed answer, another's, or half a one for a whole."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import h11
import pytest

from tests.eventually import eventually
from tests.lb.hostile.play import cut
from tests.lb.hostile.responses import ANSWERS, Fate, Said
from tests.lb.hostile.stage import staged
from tests.lb.world import World, read_message


@dataclass
class Liar:
    """A target that answers /hostile with what it is told to say, and everything else with its own path. `reused`: after
    /hostile another request came on the same connection."""

    says: Said = ANSWERS[0]
    pieces: list[bytes] = field(default_factory=list)
    open: int = 0
    reused: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        lied: Said | None = None  # what was said last on this connection
        try:
            while True:
                path = (await read_message(reader)).first.split(b" ")[1]
                if path != b"/hostile":
                    self.reused |= lied is self.says
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))
                    continue
                lied = self.says
                for piece in self.pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if self.says.closes:
                    return
        finally:
            self.open -= 1


@dataclass(frozen=True, slots=True)
class Got:
    """What h11 makes of what a client got: `whole` when it has an end it accepts."""

    status: int
    body: bytes
    whole: bool


async def ask(world: World, requests: list[tuple[str, bytes]]) -> list[Got]:
    """The answers to requests (method, path), one after the other on one connection, up to the first that is not whole."""
    got = []
    client = await world.client()
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 17)
    for method, path in requests:
        if connection.our_state is h11.DONE and connection.their_state is h11.DONE:
            connection.start_next_cycle()
        if connection.our_state is not h11.IDLE:
            break
        request = h11.Request(method=method, target=path, headers=[("Host", "a.example")])
        client.send((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
        got.append(await read(client.reader, connection))
    client.writer.transport.abort()
    return got


async def read(reader: asyncio.StreamReader, connection: h11.Connection) -> Got:
    status, body = 0, b""
    while True:
        try:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
        except (h11.RemoteProtocolError, ConnectionResetError):
            return Got(status, body, False)
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Got(status, body, True)
        elif isinstance(event, h11.ConnectionClosed):
            return Got(status, body, False)


Stage = Callable[[Said, list[bytes]], tuple[list[Got], bool]]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    liar = Liar()

    async def played(world: World, said: Said, pieces: list[bytes]) -> tuple[list[Got], bool]:
        liar.says, liar.pieces, liar.reused = said, pieces, False
        async with asyncio.timeout(10):
            got = await ask(world, [(said.method, b"/hostile"), ("GET", b"/last")])
            honest = await ask(world, [("GET", b"/honest")])
        await eventually(lambda: not world.node.plane.clients and not any(one.in_flight for one in world.targets))
        pooled = sum(len(target.pool) for target in world.targets)
        await eventually(lambda: liar.open <= pooled)
        return got + honest, liar.reused

    with contextlib.suppress(asyncio.CancelledError), staged(liar.serve) as (runner, world):
        yield lambda said, pieces: runner.run(played(world, said, pieces))


def in_one(said: Said) -> list[bytes]:
    return [said.data]


def bytewise(said: Said) -> list[bytes]:
    size = len(said.data)
    return cut(said.data, range(1, size) if size < 600 else range(1, size, max(1, size // 100)))


def head_first(said: Said) -> list[bytes]:
    end = said.data.find(b"\r\n\r\n") + 4
    return [said.data[:end], said.data[end:]]


@pytest.mark.parametrize("said", ANSWERS, ids=str)
@pytest.mark.parametrize("pieces", [in_one, bytewise, head_first])
def test_an_answer_of_the_corpus(stage: Stage, said: Said, pieces: Callable[[Said], list[bytes]]) -> None:
    (first, *others), reused = stage(said, pieces(said))
    assert reused is said.pooled
    match said.fate:
        case Fate.WHOLE:
            assert first == Got(said.status, said.body, True)
        case Fate.REFUSED:
            assert (first.status, first.whole) == (502, True)
        case Fate.BROKEN:
            assert first.status == 502 or not first.whole
    assert [got.whole for got in others] == [True] * len(others)
    assert [got.body for got in others] in ([b"/last", b"/honest"], [b"/honest"])
    if said.fate is not Fate.BROKEN and not said.closes:
        assert len(others) == 2  # the client's connection is not to blame
