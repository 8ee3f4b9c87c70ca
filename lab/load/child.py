"""A load generator that is told by lines what to do: `python -m lab.load.child`.

Each line on standard input is a plan, {"urls": […], "rate": 60}; it takes the place of the one before, and a rate of 0 is rest.
About once a second a line on standard output tells how it goes. The end of the input ends the process: whoever started it
is gone, and nobody would stop the load otherwise.
"""

import asyncio
import contextlib
import json
import signal
import sys
from typing import Any

from lab.load.engine import run
from lab.load.plan import Plan
from lab.load.result import Snapshot
from lab.load.terminal import allow_open_files

FOR_EVER = 1e8
"""Seconds."""


def plan_of(line: str) -> Plan | None:
    """None is rest. Raises ValueError for a line that is no plan."""
    told = json.loads(line)
    if told["rate"] == 0:
        return None
    return Plan(tuple(told["urls"]), float(told["rate"]), FOR_EVER, arrivals="poisson", failover=True)


def line_of(snapshot: Snapshot) -> str:
    """Rates are per second, times milliseconds."""
    told: dict[str, Any] = {
        "rate": snapshot.rate,
        "failed": snapshot.failed_now,
        "in_flight": snapshot.in_flight,
        "p99": None if snapshot.p99 is None else snapshot.p99 * 1000,
    }
    return json.dumps(told)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    running: asyncio.Task[object] | None = None
    while line := await lines.readline():
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            running = None
        plan = plan_of(line.decode())
        if plan is not None:
            running = asyncio.create_task(run(plan, lambda snapshot: print(line_of(snapshot), flush=True)))
    if running is not None:
        running.cancel()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at the control plane's terminal is the control plane's affair
    allow_open_files(4096)
    with contextlib.suppress(BrokenPipeError):
        asyncio.run(serve())


if __name__ == "__main__":
    main()
