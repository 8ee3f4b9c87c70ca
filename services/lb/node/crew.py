"""The workers as processes: started, told what to do, replaced when they die, ended.

One way only: also a single worker is a process of its own. So a node survives the death of its data plane with nothing
worse than the loss of what was under way: its listening sockets, and the connections that wait in them, are in the
supervisor's hands too. And there is no second path to test.

Workers are made by executing a fresh interpreter, not by forking: this process has threads and an event loop. What a worker
gets is one end of a socket pair. When that is closed the supervisor is gone, however it went, and the worker finishes and
ends. Signals are none of the workers' business: what a terminal or `killpg` sends to all, the supervisor decides on.

    starting ──orders──▶ serving ──ended──▶ (pause, if it lived shortly) ──▶ starting
                            └──drain──▶ ended
"""

import asyncio
import contextlib
import logging
import random
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.lb.node.link import Link, Message
from services.lb.node.messages import Orders, Status, orders_to_json, status_from_json
from services.lb.node.pause import Pause

STEADY_SECONDS = 5.0
"""A worker that lived so long is replaced without a pause."""
GRACE_SECONDS = 2.0
"""Beyond the deadline of a drain, until a worker that is still there is killed."""

_log = logging.getLogger("lb")


class Crew:
    """`command` gives a worker's command line, from the descriptor of its end of the pair and its number."""

    def __init__(
        self, size: int, command: Callable[[int, int], Sequence[str]], clock: Callable[[], float], jitter: random.Random
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._members = [_Member(number, command) for number in range(size)]
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    @property
    def size(self) -> int:
        return len(self._members)

    @property
    def pids(self) -> Mapping[int, int]:
        """Of the workers that run, by their numbers."""
        return {member.number: member.pid for member in self._members if member.pid}

    def start(self, heard: Callable[[int, Status], None], lost: Callable[[int], None]) -> None:
        """`heard` and `lost` are the node's."""
        self._tasks = [asyncio.create_task(self._keep(member, heard, lost)) for member in self._members]

    def tell(self, orders: Orders, sockets: Mapping[int, list[socket.socket]]) -> None:
        for member in self._members:
            member.tell(orders, {number: mine[member.number] for number, mine in sockets.items()})

    async def drain(self, seconds: float) -> None:
        """All are to end by themselves within `seconds`; who does not is killed."""
        self._stopping.set()
        for member in self._members:
            member.drain(seconds)
        await asyncio.wait(self._tasks, timeout=seconds + GRACE_SECONDS)
        self.kill()
        await asyncio.gather(*self._tasks)

    def kill(self) -> None:
        """All end now."""
        self._stopping.set()
        for member in self._members:
            member.doomed = True
            member.kill()

    async def _keep(self, member: "_Member", heard: Callable[[int, Status], None], lost: Callable[[int], None]) -> None:
        pause = Pause(self._jitter)
        while not self._stopping.is_set():
            started = self._clock()
            try:
                code = await member.run(heard)
            except OSError as error:
                _log.error("worker %d cannot be started: %s", member.number, error)
            except Exception:
                _log.exception("worker %d is given up; another one is started", member.number)
            else:
                if self._stopping.is_set():
                    return
                how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
                _log.error("worker %d %s; another one is started", member.number, how)
            lost(member.number)
            if self._clock() - started >= STEADY_SECONDS:
                pause.reset()
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause.take()):
                        await self._stopping.wait()


class _Member:
    """One worker's place, whoever fills it."""

    def __init__(self, number: int, command: Callable[[int, int], Sequence[str]]) -> None:
        self.number = number
        self.doomed = False
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._link: Link | None = None
        self._orders: Orders | None = None
        self._sockets: Mapping[int, socket.socket] = {}
        self._told: Orders | None = None
        self._drain: float | None = None

    async def run(self, heard: Callable[[int, Status], None]) -> int:
        """One worker's life; its exit code. Raises OSError when it cannot be started."""
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(theirs.fileno(), self.number),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()

        def received(body: dict[str, Any], sockets: list[socket.socket]) -> None:
            heard(self.number, status_from_json(body))

        process = self._process

        def ended() -> None:
            # It is about to end; if it does not, nobody can tell it to any more.
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self.kill, process)

        self._told = None
        self._link = Link(ours, compose=self._compose, received=received, ended=ended)
        try:
            self._link.poke()
            if self.doomed:
                self.kill()
            return await process.wait()
        finally:
            self._link.close()
            self._link = None
            self._process = None
            if process.returncode is None:
                process.kill()

    @property
    def pid(self) -> int:
        """0: no worker runs."""
        return self._process.pid if self._process is not None else 0

    def tell(self, orders: Orders, sockets: Mapping[int, socket.socket]) -> None:
        self._orders, self._sockets = orders, sockets
        if self._link is not None:
            self._link.poke()

    def drain(self, seconds: float) -> None:
        self._drain = seconds
        if self._link is not None:
            self._link.poke()

    def kill(self, which: asyncio.subprocess.Process | None = None) -> None:
        """The worker of now; or nobody, if that is not the one that is meant."""
        if self._process is not None and which in (None, self._process):
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _compose(self) -> Message | None:
        orders, told = self._orders, self._told
        if orders is not None and orders is not told:
            self._told = orders
            fresh = {
                number: self._sockets[number]
                for port, number in orders.listeners.items()
                if told is None or told.listeners.get(port) != number
            }
            body = orders_to_json(orders, with_config=told is None or told.serial != orders.serial)
            return Message({"orders": body, "sockets": list(fresh)}, list(fresh.values()))
        if self._drain is not None:
            seconds, self._drain = self._drain, None
            return Message({"drain": seconds})
        return None
