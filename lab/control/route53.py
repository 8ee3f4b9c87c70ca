"""Route 53's health checks: tries what is due, and writes down what that changes.

How many tries in a row came to the same is kept in memory only, as a load balancer node keeps it of its targets: after a
restart every endpoint is tried at once, and a check's health stays as it was until FailureThreshold tries say otherwise. A
row is written when its health or its report changes; an endpoint that is well costs no disk.
"""

import logging
from dataclasses import replace
from functools import partial

from lab.control.effects import Effects
from lab.control.world import World
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.route53.answer import answer
from lab.core.route53.checks import ENDPOINT, Tally, of_alarm, verdict
from lab.core.route53.model import HealthCheck
from lab.core.route53.names import canonical
from lab.core.route53.probe import Outcome, door, probe_of
from lab.core.route53.view import Place, Source

log = logging.getLogger("lab.control")

AT_ONCE = 50


class HealthChecks:
    """`_tallies` are what the last tries came to, by check."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._effects = Effects(world.clock, AT_ONCE, lambda: None)
        self._tallies: dict[str, Tally] = {}

    def look(self, now: float) -> None:
        """Follow the alarms; begin the tries that are due."""
        checks = self._world.store.all(HealthCheck)
        known = {check.key for check in checks}
        self._tallies = {key: tally for key, tally in self._tallies.items() if key in known}
        for check in checks:
            if check.type == "CLOUDWATCH_METRIC":
                self._follow(check, now)
            elif check.type in ENDPOINT and not check.config["Disabled"] and self._is_due(check, now):
                self._effects.start(check.key, partial(self._try, check))

    def _is_due(self, check: HealthCheck, now: float) -> bool:
        tally = self._tallies.get(check.key)
        return tally is None or tally.next_at <= now

    def _follow(self, check: HealthCheck, now: float) -> None:
        alarm = self._world.store.get(MetricAlarm, check.config["AlarmIdentifier"]["Name"])
        self._settle(check, of_alarm(check, alarm), check.report, now)

    async def _try(self, check: HealthCheck) -> None:
        began = self._world.clock.now()
        outcome = await self._outcome(check, began)
        row = self._world.store.get(HealthCheck, check.key)
        if row is None:
            return
        next_at = began + check.config["RequestInterval"]
        tally = self._tallies.get(check.key, Tally(outcome.passed, 0, 0.0)).counting(outcome.passed, next_at)
        self._tallies[check.key] = tally
        self._settle(row, verdict(row, tally), outcome.report, self._world.clock.now())

    async def _outcome(self, check: HealthCheck, now: float) -> Outcome:
        found = self._address(check, now)
        if isinstance(found, Outcome):
            return found
        where = door(self._world.store, self._world.site, found, check.config["Port"])
        return await self._world.prober.probe(probe_of(check, found, where))

    def _address(self, check: HealthCheck, now: float) -> str | Outcome:
        """The endpoint's address, or the failure that there is none: a name is resolved at every try."""
        if "IPAddress" in check.config:
            return str(check.config["IPAddress"])
        name = canonical(check.config["FullyQualifiedDomainName"])
        found = answer(self._world.view(now), name, "A", Source("", Place(regions=(self._world.account.region,))))
        if found.rcode != "NOERROR":
            return Outcome(False, f"Failure: DNS resolution failed: DNS response error code {found.rcode}")
        if not found.records or found.records[-1].type != "A":
            return Outcome(False, f"Failure: DNS resolution failed: {name} has no address")
        return found.records[-1].values[0]

    def _settle(self, row: HealthCheck, healthy: bool | None, report: str, now: float) -> None:
        if (healthy, report) == (row.healthy, row.report):
            return
        if healthy != row.healthy:
            log.info(
                "health check %s is %s: %s",
                row.key,
                "healthy" if healthy else "unhealthy",
                report or "its alarm says so",
            )
        after = replace(row, healthy=healthy, report=report, observed=now)
        if report.startswith("Failure"):
            after = replace(after, last_failure=report, failed=now)
        self._world.store.put(after)

    async def settle(self) -> None:
        """Wait for the tries that run now."""
        await self._effects.settle()

    async def close(self) -> None:
        await self._effects.close()
