"""Takes finished log files from a spool to the control plane, which puts them into the bucket. One per machine.

While the control plane is away, files wait in the spool, which is bounded. A file is removed once it was taken, and also when
the control plane will not have it (the bucket is gone, or the load balancer's attributes name another one): AWS delivers such
logs nowhere either. Compressing and all other work on files is a thread's of low priority.
"""

import asyncio
import contextlib
import logging
import os
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from services.lb.logs.spool import PACKS_FAST, Finished, Spool
from services.lb.node.control import ControlPlane
from services.lb.node.fetch import BadAnswer, fetch
from services.lb.node.pause import Pause

_LOOK_SECONDS = 1.0
_UPLOAD_SECONDS = 30.0
_NICENESS = 19 if PACKS_FAST else 10
"""A core that is busy with requests leaves it 1.5 or 10 % of its time, enough for 40 000 lines a second either way; the less
it may take at a stretch, the less requests wait for it."""
_REFUSALS = (400, 403, 404, 413)

_log = logging.getLogger("lb")


class Delivery:
    """Run `run` as a task; `finish` afterwards makes one last attempt."""

    def __init__(self, spool: Spool, control: ControlPlane, node_id: str, jitter: random.Random) -> None:
        self._spool = spool
        self._control = control
        self._node_id = node_id
        self._jitter = jitter
        self._worker = ThreadPoolExecutor(1, "delivery", initializer=_be_polite)
        self.delivered = 0
        self.refused = 0

    async def run(self) -> None:
        """Until it is cancelled."""
        pause = Pause(self._jitter)
        away = False
        while True:
            try:
                await self.deliver()
            except (OSError, BadAnswer) as error:
                if not away:
                    _log.warning("log files wait: %s", error or type(error).__name__)
                away = True
                await asyncio.sleep(pause.take())
            else:
                away = False
                pause.reset()
                await asyncio.sleep(_LOOK_SECONDS)

    async def finish(self, seconds: float) -> None:
        """Deliver what there is, for at most `seconds`; the rest waits for the next start. Call it once, at the end."""
        with contextlib.suppress(OSError, BadAnswer):
            async with asyncio.timeout(seconds):
                await self.deliver()
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def deliver(self) -> None:
        """Everything that is finished now. Raises OSError or BadAnswer at the first that could not be delivered."""
        loop = asyncio.get_running_loop()
        for finished in await loop.run_in_executor(self._worker, self._gather):
            body = await loop.run_in_executor(self._worker, finished.path.read_bytes)
            if await self._upload(finished, body):
                self.delivered += 1
            else:
                self.refused += 1
            await loop.run_in_executor(self._worker, self._spool.remove, finished)

    def _gather(self) -> list[Finished]:
        self._spool.salvage()
        try:
            self._spool.pack()
        except OSError as error:
            _log.error("log files could not be compressed: %s", error)  # delivering others may make room
        return self._spool.ready()

    async def _upload(self, finished: Finished, body: bytes) -> bool:
        """Whether it was taken; False when it never will be."""
        answer = await fetch(
            self._control.host,
            self._control.port,
            "PUT",
            f"/lab/nodes/{self._node_id}/logs/{quote(finished.bucket)}/{quote(finished.key)}",
            fields=(
                ("Host", f"{self._control.host}:{self._control.port}"),
                ("Authorization", f"Bearer {self._control.token}"),
            ),
            body=body,
            content_type="application/gzip",
            seconds=_UPLOAD_SECONDS,
        )
        if answer.status in _REFUSALS:
            _log.error("log file %s is not wanted (status %d) and dropped", finished.key, answer.status)
            return False
        if answer.status >= 300:
            raise BadAnswer(f"status {answer.status} for log file {finished.key}")
        return True


def _be_polite() -> None:
    """Linux: the thread yields to those that serve requests. A thread has a priority of its own there only."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
