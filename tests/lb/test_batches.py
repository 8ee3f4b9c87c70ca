"""What a batch of the selector sends goes out at its end, and nobody can tell but by the order of things."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.lb.sockets.endpoint import Endpoint
from services.lb.sockets.selector import READ, ServingSelector, serving_selector
from tests.eventually import eventually
from tests.lb.world import World, in_world, ok, read_message

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"


class Journal:
    """A socket that takes down what is done with it. `room` is how many bytes it takes."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.number = os.eventfd(0)
        self.done: list[bytes | str] = []
        self.room = room

    def fileno(self) -> int:
        return self.number

    def send(self, data: bytes) -> int:
        taken = min(self.room, len(data))
        self.room -= taken
        self.done.append(data[:taken])
        return taken

    def shutdown(self, _: int) -> None:
        self.done.append("shut down")

    def close(self) -> None:
        self.done.append("closed")
        os.close(self.number)


@pytest.fixture
def selector() -> Iterator[ServingSelector]:
    if not hasattr(os, "eventfd"):
        pytest.skip("descriptors that stand for sockets are eventfds: Linux")
    selector = serving_selector(lambda: 0.0)
    yield selector
    selector.close()


def endpoint(selector: ServingSelector, room: int = 1 << 30) -> tuple[Endpoint, Journal]:
    journal: Any = Journal(room)
    return Endpoint(journal, selector, READ), journal


def test_messages_of_a_batch_go_out_at_its_end(selector: ServingSelector) -> None:
    (one, first), (other, second) = endpoint(selector), endpoint(selector)
    selector.serving = True
    one.send_soon(b"a")
    other.send_soon(b"b")
    assert first.done == second.done == []
    selector._end_batch()
    assert (first.done, second.done) == ([b"a"], [b"b"])
    one.send_soon(b"c")  # outside of a batch nothing waits
    assert first.done == [b"a", b"c"]
    one.close()
    other.close()


def test_messages_keep_their_order(selector: ServingSelector) -> None:
    link, journal = endpoint(selector)
    selector.serving = True
    link.send_soon(b"a")
    link.send(b"b")
    assert journal.done == [b"ab"]
    link.send_soon(b"c")
    link.send_soon(b"d")
    assert journal.done == [b"ab", b"cd"]
    link.send_soon(b"e")
    link.send_soon(b"f" * 20_000)
    assert journal.done == [b"ab", b"cd", b"e" + b"f" * 20_000]
    selector._end_batch()
    assert len(journal.done) == 3
    link.close()


@pytest.mark.parametrize("end", ["close", "shutdown"])
def test_what_waits_goes_out_before_an_end(selector: ServingSelector, end: str) -> None:
    link, journal = endpoint(selector)
    selector.serving = True
    link.send_soon(b"a")
    getattr(link, end)()
    selector._end_batch()
    assert journal.done == [b"a", "closed" if end == "close" else "shut down"]
    link.close()


def test_who_asks_what_is_pending_is_told_the_truth(selector: ServingSelector) -> None:
    link, journal = endpoint(selector, room=2)
    selector.serving = True
    link.send_soon(b"abc")
    assert link.is_blocked
    assert (link.pending, selector.held) == (b"c", 1)
    link.send_soon(b"d")
    assert link.pending == b"cd"
    selector._end_batch()
    assert journal.done == [b"ab"]
    link.close()


def test_what_is_taken_back_is_not_sent(selector: ServingSelector) -> None:
    link, journal = endpoint(selector)
    selector.serving = True
    link.send_soon(b"a")
    assert (link.take_back(), link.take_back()) == (b"a", b"")
    selector._end_batch()
    assert journal.done == []
    link.close()


async def asked_elsewhere(world: World, act: Callable[[asyncio.StreamWriter], None]) -> None:
    """A request that is to be sent in the batch in which `act` is done to the connection that it is meant for goes to another
    one, though its method is not idempotent: nobody has seen it."""
    writers: list[asyncio.StreamWriter] = []
    asked: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        number = len(writers)
        while True:
            await read_message(reader)
            asked.append(number)
            writer.write(ok(b"%d" % number))

    await world.origin(serve)
    await world.run()
    client = await world.client()
    assert (await client.ask()).body == b"1"
    [target] = world.targets
    await eventually(lambda: len(target.pool) == 1)
    client.send(POST)
    act(writers[0])
    assert (await client.answer()).body == b"2"
    assert asked == [1, 2]
    assert (target.in_flight, target.errors) == (0, 0)


@in_world
async def test_a_request_is_not_sent_to_a_target_that_has_just_left(world: World) -> None:
    await asked_elsewhere(world, lambda writer: writer.get_extra_info("socket").shutdown(socket.SHUT_WR))


@in_world
async def test_an_answer_that_comes_before_the_request_is_nobodys(world: World) -> None:
    await asked_elsewhere(world, lambda writer: writer.write(ok(b"unasked")))
