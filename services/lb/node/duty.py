"""A worker at its end of the socket pair: orders in, statuses out, and the end of its duty.

Its supervisor tells it to drain, or is gone: then the worker drains of its own accord, so that it is never left behind.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from services.lb.node.link import Link, Message
from services.lb.node.messages import NOTHING, Status, orders_from_json, status_to_json
from services.lb.node.worker import Worker


class Duty:
    """`drain_seconds` is for the case that nobody says it. `alive` is called about twice a second as long as the event loop
    goes round. Must be made within it."""

    def __init__(self, worker: Worker, sock: socket.socket, drain_seconds: float, alive: Callable[[], None]) -> None:
        self._worker = worker
        self._drain_seconds = drain_seconds
        self._config = NOTHING  # as it was told last, obeyed or not
        self._has_orders = (
            False  # before, there is nothing to say: a successor is taken to be as far as its first orders
        )
        self._said: Status | None = None
        self._leaving = asyncio.Event()
        self._link = Link(sock, compose=self._compose, received=self._received, ended=self._abandoned)
        self._alive = alive
        worker.swept = self._swept

    async def done(self) -> None:
        """Serves until the end."""
        await self._leaving.wait()
        await self._worker.drained()
        await self._worker.stop()
        self._link.poke()
        self._link.close()

    def _swept(self) -> None:
        self._alive()
        self._link.poke()

    def _compose(self) -> Message | None:
        status = self._worker.status()
        if not self._has_orders or status == self._said:
            return None
        self._said = status
        return Message(status_to_json(status))

    def _received(self, body: dict[str, Any], sockets: list[socket.socket]) -> None:
        if "drain" in body:
            self._leave(body["drain"])
            return
        orders = orders_from_json(body["orders"], self._config)
        self._config = orders.config
        self._has_orders = True
        self._worker.obey(orders, {number: sockets.pop(0) for number in body["sockets"]})
        self._link.poke()

    def _abandoned(self) -> None:
        self._leave(self._drain_seconds)

    def _leave(self, seconds: float) -> None:
        self._worker.drain(seconds)
        self._leaving.set()
