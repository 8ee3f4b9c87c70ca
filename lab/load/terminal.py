"""A run at a terminal: live display, Ctrl-C, summary. The composition root of this package; `lab load` calls `drive`.

Without a terminal on standard output there is one plain line per second instead of the live display.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lab.load import report
from lab.load.engine import run
from lab.load.plan import Plan
from lab.load.result import Result, Snapshot

if TYPE_CHECKING:
    from rich.console import Console


def drive(plan: Plan, console: "Console | None" = None, watch: Callable[[Snapshot], None] | None = None) -> Result:
    """Run `plan` and show it on `console` (default: standard output); returns when the summary is printed. `watch` is told
    each second, too.

    The first Ctrl-C ends the sending and the summary is of what was done; a second one raises KeyboardInterrupt.
    """
    from rich.console import Console

    console = console or Console(highlight=False)
    allow_open_files(plan.max_in_flight + 64)
    with _display(plan, console) as on_tick:

        def tick(snapshot: Snapshot) -> None:
            on_tick(snapshot)
            if watch is not None:
                watch(snapshot)

        result = asyncio.run(_interruptible(plan, tick))
    console.print(report.summary(plan, result), highlight=False)
    return result


async def _interruptible(plan: Plan, on_tick: Callable[[Snapshot], None]) -> Result:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)  # which puts back the handler that raises KeyboardInterrupt

    # Not on Windows, and not outside the main thread: there Ctrl-C ends the run without a summary.
    with suppress(NotImplementedError, ValueError, RuntimeError):
        loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        return await run(plan, on_tick, stop)
    finally:
        with suppress(NotImplementedError, ValueError, RuntimeError):
            loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def _display(plan: Plan, console: "Console") -> Iterator[Callable[[Snapshot], None]]:
    if not console.is_terminal:
        yield lambda snapshot: console.print(report.plain_line(snapshot), markup=False, highlight=False, soft_wrap=True)
        return
    from rich.live import Live

    history: list[Snapshot] = []
    with Live(console=console, auto_refresh=False, transient=True) as display:

        def draw(snapshot: Snapshot) -> None:
            history.append(snapshot)
            del history[: -report.TREND]
            display.update(report.live(plan, history), refresh=True)

        yield draw


def allow_open_files(wanted: int) -> None:
    """Raise this process's soft limit of open files to `wanted`, as far as its hard limit lets it; never lower it."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
