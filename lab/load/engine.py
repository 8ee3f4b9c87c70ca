"""The engine: fires requests when they are due, gives up on them when they are late, counts how each one ended.

It runs in one event loop without a task per request: a request is an `Exchange`, a timer and a callback; only a new
connection needs a task. The only clock is the loop's own. It wakes up to a millisecond late (the resolution of epoll
in asyncio), and since latency runs from the intended time, that millisecond is in it.
"""

import asyncio
import errno
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from lab.load.connection import Connection, Outcome, Pool
from lab.load.plan import Plan
from lab.load.result import Recorder, Result, Snapshot
from lab.load.schedule import arrivals

TICK = 1.0
"""Seconds between two snapshots."""

STOP_GRACE = 0.5
"""Seconds that requests in flight still get when the run is stopped early."""

BURST = 64
"""Arrivals fired in a row before answers get a turn, when the engine is behind its schedule."""

_ERROR_KINDS = {
    errno.ECONNREFUSED: "connect_refused",
    errno.ECONNRESET: "reset",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ETIMEDOUT: "connect_timeout",
    errno.EMFILE: "too_many_open_files",
    errno.EADDRNOTAVAIL: "no_local_port",
}


async def run(
    plan: Plan, on_tick: Callable[[Snapshot], None] | None = None, stop: asyncio.Event | None = None
) -> Result:
    """Carry out `plan` and wait for the last answers. `on_tick` is called about once a second.

    Setting `stop` ends the sending; the result is then of what was done until there. What goes wrong on the network is
    counted, not raised; an exception of `on_tick` ends the run and is raised.
    """
    engine = _Engine(plan)
    try:
        return await engine.run(on_tick or _ignore, stop or asyncio.Event())
    finally:
        await engine.close()


def _ignore(_: Snapshot) -> None:
    pass


class _Exchange:
    """One request, from its intended time to its end. Exactly one of `connection` and `connecting` is set meanwhile."""

    __slots__ = ("connecting", "connection", "first", "intended", "retries", "timer", "tries")

    def __init__(self, intended: float, first: int, retries: int) -> None:
        self.intended = intended
        self.first = first
        self.retries = retries
        self.tries = 0
        self.timer: asyncio.TimerHandle | None = None
        self.connection: Connection | None = None
        self.connecting: asyncio.Task[None] | None = None


class _Engine:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._recorder = Recorder(plan.slow)
        self._pools = [Pool(endpoint) for endpoint in plan.endpoints()]
        self._in_flight: set[_Exchange] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._quiet = asyncio.Event()
        self._stopping = False

    async def run(self, on_tick: Callable[[Snapshot], None], stop: asyncio.Event) -> Result:
        sender = asyncio.create_task(self._send_and_drain())
        ticker = asyncio.create_task(self._tick(on_tick))
        stopper = asyncio.create_task(stop.wait())
        tasks = (sender, ticker, stopper)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if ticker in done:
                ticker.result()
            if sender in done:
                sending = sender.result()
            else:
                sending = min(self._now(), self._plan.duration)
                self._stopping = True
                sender.cancel()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._drained(), STOP_GRACE)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._recorder.unfinished = len(self._in_flight)
        return self._recorder.result(sending, self._now())

    async def close(self) -> None:
        """Give up what is in flight and close every socket."""
        for exchange in tuple(self._in_flight):
            self._end(exchange)
        if self._connecting:
            await asyncio.wait(self._connecting)
        for pool in self._pools:
            await pool.close()

    def _now(self) -> float:
        return self._loop.time() - self._start

    async def _send_and_drain(self) -> float:
        """Fire every arrival and wait for the answers; the seconds spent firing."""
        plan = self._plan
        burst = 0
        for number, offset in enumerate(arrivals(plan.arrivals, plan.load, plan.duration, plan.seed)):
            delay = offset - self._now()
            if delay > 0:
                await asyncio.sleep(delay)
                burst = 0
            elif burst == BURST:
                await asyncio.sleep(0)
                burst = 0
            burst += 1
            self._fire(number, offset, plan.retries)
        # The last gap belongs to the schedule: 3 requests at 1/s are 3 seconds of sending.
        await asyncio.sleep(max(0.0, plan.duration - self._now()))
        sending = self._now()
        await self._drained()
        return sending

    async def _drained(self) -> None:
        while self._in_flight:
            self._quiet.clear()
            await self._quiet.wait()

    async def _tick(self, on_tick: Callable[[Snapshot], None]) -> None:
        tick = 0
        while True:
            tick += 1
            await asyncio.sleep(max(0.0, tick * TICK - self._now()))
            connections = sum(len(pool.live) for pool in self._pools)
            on_tick(self._recorder.snapshot(self._now(), len(self._in_flight), connections))

    def _fire(self, number: int, intended: float, retries: int) -> None:
        self._recorder.scheduled += 1
        if len(self._in_flight) >= self._plan.max_in_flight:
            self._recorder.shed += 1
            return
        self._recorder.lateness.record(self._now() - intended)
        exchange = _Exchange(intended, number % len(self._pools), retries)
        exchange.timer = self._loop.call_later(self._plan.timeout, self._expired, exchange)
        self._in_flight.add(exchange)
        self._attempt(exchange)

    def _attempt(self, exchange: _Exchange) -> None:
        pool = self._pools[(exchange.first + exchange.tries) % len(self._pools)]
        exchange.tries += 1
        connection = pool.lease()
        if connection is not None:
            self._put(exchange, pool, connection)
            return
        exchange.connecting = self._loop.create_task(self._connect(exchange, pool))
        self._connecting.add(exchange.connecting)
        exchange.connecting.add_done_callback(self._connecting.discard)

    async def _connect(self, exchange: _Exchange, pool: Pool) -> None:
        try:
            async with asyncio.timeout(self._plan.connect_timeout):
                connection = await pool.open()
        except TimeoutError:
            self._not_connected(exchange, "connect_timeout")
        except OSError as error:
            self._not_connected(exchange, _kind(error))
        else:
            exchange.connecting = None
            self._put(exchange, pool, connection)

    def _not_connected(self, exchange: _Exchange, kind: str) -> None:
        exchange.connecting = None
        if self._plan.failover and exchange.tries < len(self._pools):
            self._recorder.failovers += 1
            self._attempt(exchange)
        else:
            self._settle(exchange, kind)

    def _put(self, exchange: _Exchange, pool: Pool, connection: Connection) -> None:
        exchange.connection = connection
        connection.send(pool.endpoint.request, partial(self._settle, exchange))

    def _expired(self, exchange: _Exchange) -> None:
        self._end(exchange)
        self._recorder.no_answer(exchange.intended, "timeout")
        self._again(exchange)

    def _settle(self, exchange: _Exchange, outcome: Outcome) -> None:
        exchange.connection = None  # it is back in its pool, or gone
        self._end(exchange)
        if isinstance(outcome, str):
            self._recorder.no_answer(exchange.intended, outcome)
        else:
            self._recorder.answered(exchange.intended, self._now() - exchange.intended, outcome)
        if isinstance(outcome, str) or outcome.status >= 500:
            self._again(exchange)

    def _again(self, failed: _Exchange) -> None:
        if failed.retries > 0 and not self._stopping:
            self._recorder.retried += 1
            self._fire(failed.first + failed.tries, self._now(), failed.retries - 1)

    def _end(self, exchange: _Exchange) -> None:
        """Take the exchange out of flight, with whatever it still holds."""
        self._in_flight.discard(exchange)
        if exchange.timer is not None:
            exchange.timer.cancel()
        if exchange.connection is not None:
            exchange.connection.abort()
        if exchange.connecting is not None:
            exchange.connecting.cancel()
        if not self._in_flight:
            self._quiet.set()


def _kind(error: OSError) -> str:
    # asyncio joins the errors of several addresses into one without a number; a name that does not resolve is a gaierror.
    if error.errno is None and "Connect call failed" in str(error):
        return "connect_refused"
    return _ERROR_KINDS.get(error.errno or 0, "connect_failed")
