"""Health checks (alb:target-group-health-checks, alb:load-balancer-troubleshooting).

Every target of every group is checked by a task of its own. A check is a GET on a new connection. The next one starts when
the interval, counted from the *start* of the last one, has passed and the last one has ended. The first starts at once;
the wait after it is shortened by a share that depends on the target, so that targets registered together do not go on
being checked together. Draining targets are not checked. What a result means is decided in `lab.core.elbv2.health`.
"""

import asyncio
import logging
import random
from collections.abc import Callable

from lab.core.elbv2.config import HealthCheck
from lab.core.elbv2.health import FAILED, TIMED_OUT, CheckResult, Matcher, after, answered
from services.lb.fetch import BadAnswer, fetch
from services.lb.routing import Group, RoutingTable, TargetKey, TargetState

_log = logging.getLogger("lb")


class Prober:
    """Keeps one task per target in step with the configuration. `on_change` is called after a target changed its state."""

    def __init__(self, clock: Callable[[], float], on_change: Callable[[], None]) -> None:
        self._clock = clock
        self._on_change = on_change
        self._tasks: dict[TargetKey, asyncio.Task[None]] = {}
        self._settings: dict[TargetKey, tuple[HealthCheck, float]] = {}
        self._groups: dict[str, Group] = {}

    def follow(self, table: RoutingTable) -> None:
        """Check the targets of `table` from now on. A target whose settings are the same goes on in its rhythm."""
        self._groups = table.groups
        speed = table.config.speed
        wanted = {
            target.key: (target, group.config.health_check)
            for group in table.groups.values()
            for target in group.members
            if not target.draining
        }
        for key in list(self._tasks):
            if key not in wanted or self._settings[key] != (wanted[key][1], speed):
                self._tasks.pop(key).cancel()
                del self._settings[key]
        for key, (target, settings) in wanted.items():
            if key not in self._tasks:
                self._settings[key] = (settings, speed)
                self._tasks[key] = asyncio.create_task(self._watch(target, settings, settings.interval / speed))

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()
        self._settings.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, target: TargetState, settings: HealthCheck, interval: float) -> None:
        matcher = Matcher(settings.matcher)
        share = random.Random(repr(target.key)).uniform(0.5, 1.0)
        while True:
            started = self._clock()
            result = await check(target, settings, matcher)
            self._record(target, result, settings)
            await asyncio.sleep(max(0.0, started + interval * share - self._clock()))
            share = 1.0

    def _record(self, target: TargetState, result: CheckResult, settings: HealthCheck) -> None:
        before = target.health
        target.health = after(before, result, settings)
        if target.health.state is before.state:
            return
        self._groups[target.group.arn].refresh(self._clock())
        _log.info(
            "target %s:%d is %s%s",
            target.id,
            target.port,
            target.health.state,
            f": {target.health.description}" if target.health.description else "",
        )
        self._on_change()


async def check(target: TargetState, settings: HealthCheck, matcher: Matcher) -> CheckResult:
    """One health check. `settings.port` replaces the traffic port; the Host field names what is dialled."""
    host, dial_port = target.sockaddr
    port = settings.port if settings.port is not None else dial_port
    try:
        answer = await fetch(
            host,
            port,
            "GET",
            settings.path,
            fields=(("Host", f"{host}:{port}"), ("User-Agent", "ELB-HealthChecker/2.0")),
            seconds=settings.timeout,
            head_only=True,
        )
    except TimeoutError:
        return TIMED_OUT
    except (OSError, BadAnswer):
        return FAILED
    return answered(answer.status, matcher)
