"""Health checks (alb:target-group-health-checks, alb:load-balancer-troubleshooting).

Every target of the document is checked by a task of its own, once for the whole node. A check is a GET on a new connection.
The next one starts when the interval, counted from the *start* of the last one, has passed and the last one has ended. The
first starts at once; the wait after it is shortened by a share that depends on the target, so that targets registered
together do not go on being checked together. Draining targets are not checked. HTTPS checks take any certificate.
What a result means is decided in `lab.core.elbv2.health`.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab.core.elbv2.config import HealthCheck, LoadBalancerConfig, Target
from lab.core.elbv2.health import FAILED, REGISTERED, TIMED_OUT, CheckResult, Matcher, TargetHealth, after, answered
from services.lb.logs.health import health_entry
from services.lb.logs.logs import Logs
from services.lb.node.fetch import BadAnswer, fetch
from services.lb.targets.target import TargetKey
from services.lb.tls.settings import health_check_context

_log = logging.getLogger("lb")


@dataclass(frozen=True, slots=True)
class Checks:
    """What decides how a target is checked. `interval` is in wall seconds."""

    target: Target
    settings: HealthCheck
    interval: float


class Prober:
    """Keeps one task per target in step with the document. `health` is of all its targets; a target that stays keeps its
    own. `on_change` is called after a target changed its state."""

    def __init__(self, clock: Callable[[], float], on_change: Callable[[], None], logs: Logs | None) -> None:
        self.health: dict[TargetKey, TargetHealth] = {}
        self._clock = clock
        self._on_change = on_change
        self._logs = logs
        self._tasks: dict[TargetKey, asyncio.Task[None]] = {}
        self._checks: dict[TargetKey, Checks] = {}

    def follow(self, config: LoadBalancerConfig) -> None:
        """Check the targets of `config` from now on. A target whose settings are the same goes on in its rhythm."""
        self.health = {key: self.health.get(key, REGISTERED) for key, _ in registered(config)}
        wanted = {key: checks for key, checks in registered(config) if not checks.target.draining}
        for key in list(self._tasks):
            if self._checks[key] != wanted.get(key):
                self._tasks.pop(key).cancel()
                del self._checks[key]
        for key, checks in wanted.items():
            if key not in self._tasks:
                self._checks[key] = checks
                self._tasks[key] = asyncio.create_task(self._watch(key, checks))

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()
        self._checks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, key: TargetKey, checks: Checks) -> None:
        matcher = Matcher(checks.settings.matcher)
        share = random.Random(repr(key)).uniform(0.5, 1.0)
        while True:
            started = self._clock()
            result = await check(checks.target, checks.settings, matcher)
            self._record(key, result, checks)
            self._log(key, result, checks, started)
            await asyncio.sleep(max(0.0, started + checks.interval * share - self._clock()))
            share = 1.0

    def _record(self, key: TargetKey, result: CheckResult, checks: Checks) -> None:
        before = self.health[key]
        self.health[key] = health = after(before, result, checks.settings)
        if health.state is before.state:
            return
        why = f": {health.description}" if health.description else ""
        _log.info("target %s:%d is %s%s", checks.target.id, checks.target.port, health.state, why)
        self._on_change()

    def _log(self, key: TargetKey, result: CheckResult, checks: Checks, started: float) -> None:
        logs = self._logs
        if logs is None or logs.health_checks is None:
            return
        now = self._clock()
        port = checks.settings.port if checks.settings.port is not None else checks.target.dial_port
        kind = b"https" if checks.settings.protocol == "HTTPS" else b"http"
        target = f"{checks.target.host}:{port}"
        entry = health_entry(kind, now, now - started, target, key[0], result.status, result.reason)
        logs.add_health(logs.health_checks.line(entry))


def registered(config: LoadBalancerConfig) -> Iterator[tuple[TargetKey, Checks]]:
    """All targets of the document, each once per group."""
    for group in config.target_groups:
        interval = group.health_check.interval / config.speed
        for target in group.targets:
            key = (group.arn, target.id, target.port, target.host, target.dial_port)
            yield key, Checks(target, group.health_check, interval)


async def check(target: Target, settings: HealthCheck, matcher: Matcher) -> CheckResult:
    """One health check. `settings.port` replaces the traffic port; the Host field names what is dialled."""
    host, dial_port = target.host, target.dial_port
    port = settings.port if settings.port is not None else dial_port
    tls = health_check_context() if settings.protocol == "HTTPS" else None
    try:
        answer = await fetch(
            host,
            port,
            "GET",
            settings.path,
            fields=(
                ("Host", host_field(host, port, settings.protocol)),
                ("User-Agent", "ELB-HealthChecker/2.0"),
            ),
            seconds=settings.timeout,
            head_only=True,
            tls=tls,
        )
    except TimeoutError:
        return TIMED_OUT
    except (OSError, BadAnswer):
        return FAILED
    return answered(answer.status, matcher)


def host_field(host: str, port: int, protocol: str) -> str:
    return host if (protocol, port) == ("HTTPS", 443) else f"{host}:{port}"
