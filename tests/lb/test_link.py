"""Both ends of a link between supervisor and worker, in one loop."""

import asyncio
import os
import socket
from typing import Any

from services.lb.node.link import Link, Message
from tests.eventually import eventually


class End:
    """Says what is in `to_say`, oldest first."""

    def __init__(self, sock: socket.socket) -> None:
        self.to_say: list[Message] = []
        self.heard: list[dict[str, Any]] = []
        self.sockets: list[socket.socket] = []
        self.ended = 0
        self.link = Link(sock, compose=self._compose, received=self._received, ended=self._end)

    def say(self, body: dict[str, Any], *sockets: socket.socket) -> None:
        self.to_say.append(Message(body, sockets))
        self.link.poke()

    def _compose(self) -> Message | None:
        return self.to_say.pop(0) if self.to_say else None

    def _received(self, body: dict[str, Any], sockets: list[socket.socket]) -> None:
        self.heard.append(body)
        self.sockets += [sockets.pop(0) for _ in range(body.get("sockets", 0))]

    def _end(self) -> None:
        self.ended += 1


def ends() -> tuple[End, End]:
    left, right = socket.socketpair()
    return End(left), End(right)


async def test_messages_both_ways() -> None:
    one, other = ends()
    one.say({"a": 1})
    one.say({"b": "é" * 10})
    other.say({})
    await eventually(lambda: (other.heard, one.heard) == ([{"a": 1}, {"b": "é" * 10}], [{}]))
    one.link.close()
    other.link.close()


async def test_messages_larger_than_any_buffer_and_the_sockets_among_them() -> None:
    """A socket belongs to its message, even where messages are read together, and its owner may have closed it by then."""
    one, other = ends()
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    names = [listener.getsockname() for listener in listeners]
    one.say({"text": "x" * 3_000_000})
    one.say({"sockets": 1}, listeners[0])
    one.say({"text": ""})
    one.say({"sockets": 2, "text": "y" * 1_000_000}, *listeners[1:])
    await eventually(lambda: len(one.to_say) == 0)
    for listener in listeners:
        assert listener.fileno() >= 0  # it is still its owner's
        listener.close()
    await eventually(lambda: len(other.heard) == 4)
    assert [sock.getsockname() for sock in other.sockets] == names
    assert [os.get_inheritable(sock.fileno()) for sock in other.sockets] == [False] * 3
    for sock in other.sockets:
        sock.close()
    one.link.close()
    other.link.close()


async def test_nothing_is_made_up_before_it_can_be_sent() -> None:
    """A peer that does not read costs one message, however often there is news."""
    left, right = socket.socketpair()
    one = End(left)
    for number in range(100):
        one.say({"number": number, "text": "x" * 1_000_000})
    assert len(one.to_say) == 99
    del one.to_say[:98]  # news is overtaken by newer news
    other = End(right)
    await eventually(lambda: [body["number"] for body in other.heard] == [0, 99])
    one.link.close()
    other.link.close()


async def test_an_end_is_noticed_once() -> None:
    one, other = ends()
    other.link.close()
    await eventually(lambda: one.ended == 1)
    one.say({"nobody": "hears"})
    await asyncio.sleep(0)
    assert (one.ended, other.ended) == (1, 0)
