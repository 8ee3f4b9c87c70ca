"""The way to the control plane: configurations come in by long poll, reports go out once a second.

The control plane may be away for as long as it likes: the node keeps serving and asks again, with growing pauses. After a
restart it may count generations anew, so any document that differs from the one in force is taken, not only a later one.
"""

import asyncio
import json
import logging
import random
from dataclasses import dataclass
from pathlib import Path

from lab.core.elbv2 import config as lb_config
from lab.core.elbv2 import report as lb_report
from services.lb.node import lastgood
from services.lb.node.fetch import Answer, BadAnswer, fetch
from services.lb.node.node import Node
from services.lb.node.pause import Pause

_WAIT_SECONDS = 20
_REPORT_SECONDS = 1.0

_log = logging.getLogger("lb")


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Where it is, and what proves that we are who we are."""

    host: str
    port: int
    token: str


class ControlLink:
    """Run `follow_config` and `send_reports` as two tasks."""

    def __init__(self, node: Node, control: ControlPlane, data: Path, jitter: random.Random) -> None:
        self._node = node
        self._control = control
        self._data = data
        self._jitter = jitter
        self._report_now = asyncio.Event()
        node.changed = self._report_now.set
        self._base = f"/lab/nodes/{node.identity.node_id}"
        self._fields = (
            ("Host", f"{control.host}:{control.port}"),
            ("Authorization", f"Bearer {control.token}"),
        )

    async def follow_config(self) -> None:
        pause = Pause(self._jitter)
        away = False
        while True:
            try:
                offered = await self._poll()
            except (OSError, BadAnswer, ValueError) as error:
                if not away:
                    _log.warning("the control plane does not answer (%s); serving on", error or type(error).__name__)
                away = True
                await asyncio.sleep(pause.take())
                continue
            if away:
                _log.info("the control plane is back")
            away = False
            if offered is None:
                pause.reset()
            elif offered != self._node.config and self._node.offer(offered):
                pause.reset()
                await self._save(offered)
            else:
                # Refused, or the same again: asking at once would bring the same document at once.
                await asyncio.sleep(pause.take())

    async def send_reports(self) -> None:
        pause = Pause(self._jitter)
        while True:
            try:
                async with asyncio.timeout(_REPORT_SECONDS):
                    await self._report_now.wait()
            except TimeoutError:
                pass
            self._report_now.clear()
            body = json.dumps(lb_report.to_json(self._node.report())).encode()
            try:
                answer = await self._fetch("POST", "/report", body=body, seconds=5.0)
                if answer.status >= 300:
                    raise BadAnswer(f"status {answer.status}")
            except (OSError, BadAnswer):
                await asyncio.sleep(pause.take())
                self._report_now.set()
            else:
                pause.reset()

    async def _poll(self) -> lb_config.LoadBalancerConfig | None:
        """A document, or None when the one we have is the one to have."""
        answer = await self._fetch(
            "GET", f"/config?have={self._node.config.generation}&wait={_WAIT_SECONDS}", seconds=_WAIT_SECONDS + 10.0
        )
        if answer.status == 304:
            return None
        if answer.status != 200:
            raise BadAnswer(f"status {answer.status}")
        return lb_config.from_json(json.loads(answer.body))

    async def _save(self, config: lb_config.LoadBalancerConfig) -> None:
        try:
            # In a thread: syncing to disk takes as long as it takes, and requests do not wait for it.
            await asyncio.to_thread(lastgood.save, self._data, config)
        except OSError as error:
            _log.error("the configuration could not be kept in %s: %s", self._data, error)

    async def _fetch(self, method: str, path: str, *, seconds: float, body: bytes | None = None) -> Answer:
        return await fetch(
            self._control.host,
            self._control.port,
            method,
            self._base + path,
            fields=self._fields,
            body=body,
            seconds=seconds,
        )
