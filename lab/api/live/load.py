"""The load that the dashboard's slider makes: a process beside the control plane, told by lines (`lab.load.child`).

It is the control plane's child, so that nothing of it has to be found again; without the control plane it ends. For load that
outlives the control plane there is `lab load`.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from lab.core.errors import LabError

HIGHEST = 2000.0
"""Requests per second that may be asked for."""


class Load:
    """`rate` is what was asked for, 0 at rest; `last` what the process said last."""

    def __init__(self) -> None:
        self.rate = 0.0
        self.path = ""
        self.last: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def set(self, urls: Sequence[str], path: str, rate: float) -> None:
        """Raises LabError for a rate or path that cannot be."""
        if not 0 <= rate <= HIGHEST:
            raise LabError("ValidationError", f"rate must be 0 (none) to {HIGHEST:g} requests per second, not {rate:g}")
        if not path.startswith("/") or not path.isascii() or " " in path:
            raise LabError("ValidationError", f"path must be a URL's path, such as /burn?ms=10, not {path!r}")
        if rate > 0 and not urls:
            raise LabError("ValidationError", "no load balancer has an HTTP listener yet: there is nothing to load")
        if rate == 0 and self._process is None:
            return
        process = self._process
        if process is None or process.returncode is not None:
            process = await self._start()
        assert process.stdin is not None  # it was asked for
        process.stdin.write(json.dumps({"urls": [url + path for url in urls], "rate": rate}).encode() + b"\n")
        await process.stdin.drain()
        self.rate, self.path = rate, path
        if rate == 0:
            self.last = {}

    def state(self) -> dict[str, Any]:
        return {"asked": self.rate, "path": self.path, **self.last}

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._reading is not None:
            self._reading.cancel()

    async def _start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lab.load.child", stdin=pipe, stdout=pipe
        )
        self._reading = asyncio.create_task(self._read(self._process), name="load")
        return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # it was asked for
        while line := await process.stdout.readline():
            if self.rate > 0:
                self.last = json.loads(line)
        self.rate, self.last = 0.0, {}
