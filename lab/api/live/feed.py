"""The feed behind the dashboard: one loop that looks at the lab once a second, and whoever listens.

A listener is told `init` first (the points and events of the last minutes, and the whole lab), then a `tick` a second: the
newest point, the events that are new or have changed, and the whole lab again. A listener that does not read loses ticks,
not its place: it is told everything anew when it comes back.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from lab.api.live.events import events
from lab.api.live.load import Load
from lab.api.live.traffic import Seen, looked, percentiles, together
from lab.api.status import group_cpu, status
from lab.control.loop import Loop
from lab.control.world import World
from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup, Member
from lab.core.elbv2.model import LoadBalancer

log = logging.getLogger("lab.api")

INTERVAL = 1.0
"""Wall seconds between points."""
KEPT = 600
"""Points: ten minutes."""
BEHIND = 4
"""Ticks a listener may be behind before it loses them."""

Message = dict[str, Any]


class Feed:
    def __init__(self, world: World, loop: Loop, compute: str) -> None:
        self._world = world
        self._loop = loop
        self._compute = compute
        self._points: deque[Message] = deque(maxlen=KEPT)
        self._nodes: dict[str, Seen] = {}
        self._told: dict[str, str] = {}
        self._listeners: set[asyncio.Queue[Message]] = set()
        self.load = Load()

    async def run(self) -> None:
        """For ever. A look that fails is logged, and the next one is another."""
        while True:
            try:
                self.look()
            except Exception:
                log.exception("the dashboard's feed could not look at the lab")
            await asyncio.sleep(INTERVAL)

    def look(self) -> None:
        """Make a point, and tell the listeners."""
        now = self._world.clock.now()
        self._points.append(self._point(now))
        fresh = self._news()
        if not self._listeners:
            return
        tick = {"type": "tick", "point": self._points[-1], "events": fresh, "lab": self._lab()}
        for queue in self._listeners:
            with suppress(asyncio.QueueFull):
                queue.put_nowait(tick)

    async def listen(self) -> AsyncGenerator[Message, None]:
        """What a listener is told, from `init` on."""
        queue: asyncio.Queue[Message] = asyncio.Queue(BEHIND)
        self._listeners.add(queue)
        try:
            now = self._world.clock.now()
            since = self._points[0]["t"] if self._points else now
            yield {
                "type": "init",
                "points": list(self._points),
                "events": events(self._world.store, since),
                "lab": self._lab(),
            }
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    def _lab(self) -> Message:
        return {**status(self._world, self._loop, self._compute), "load": self.load.state()}

    def _news(self) -> list[Message]:
        """Events that are new, or changed, since the last look."""
        found = events(self._world.store, self._points[0]["t"])
        fresh = [event for event in found if self._told.get(event["id"]) != event["revision"]]
        self._told = {event["id"]: event["revision"] for event in found}
        return fresh

    def _point(self, now: float) -> Message:
        """`t` is lab time; rates are per wall second, times milliseconds, CPU percent. None is not known."""
        wall_between, store = self._world.clock.wall_between, self._world.store
        node_ids = {node.node_id for balancer in store.all(LoadBalancer) for node in balancer.nodes}
        self._nodes = {
            node_id: looked(self._nodes.get(node_id), heard.report, heard.at, wall_between)
            for node_id in sorted(node_ids)
            if (heard := self._world.nodes.heard(node_id)) is not None
        }
        flow = together(self._nodes.values(), now, wall_between)
        return {
            "t": now,
            "rates": flow.rates,
            **percentiles(flow.times),
            "groups": {group.name: self._group(group, now) for group in store.all(AutoScalingGroup)},
        }

    def _group(self, group: AutoScalingGroup, now: float) -> Message:
        members = self._world.store.where(Member, "group", group.name)
        return {
            "cpu": group_cpu(self._world, group.name, now),
            "desired": group.desired_capacity,
            "in_service": sum(1 for member in members if member.state == IN_SERVICE),
            "min": group.min_size,
            "max": group.max_size,
        }
