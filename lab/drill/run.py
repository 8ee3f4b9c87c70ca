"""A drill carried out: steady state, load, acts, watching until all that is expected was seen, and everything put back.

The load is made in this process, its latencies measured from the intended times; the lab is watched by its own status, four
times a second, and told by its own API. A drill that ends leaves the group as it was.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click

from lab.cli import client
from lab.drill import act
from lab.drill.defaults import Settings, settings_of
from lab.drill.figures import DATABASE, Figures, figures
from lab.drill.model import Drill
from lab.drill.samples import Sample, sample
from lab.drill.verdicts import Verdict, complete, verdicts
from lab.load.engine import run as send
from lab.load.plan import Plan
from lab.load.result import Result, Snapshot
from lab.load.shapes import load_trace
from lab.load.trace import Trace

LOOK = 0.25
"""Seconds between two looks at the lab."""
STEADY = 240.0
"""Seconds that a lab may take to become steady, before a drill and after it."""
SETTLED = 2.0
"""Seconds for which a steady state must hold."""
LONGEST = 3600.0
"""Seconds, of a load without a shape, which is stopped."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`began` is the lab's time of the first act, `began_at` the drill's second of it (None: nothing was done)."""

    drill: Drill
    plan: Plan
    mode: str
    speed: float
    started: str
    began: float
    began_at: float | None
    victims: tuple[str, ...]
    samples: tuple[Sample, ...]
    shots: tuple[Snapshot, ...]
    result: Result
    figures: Figures
    verdicts: tuple[Verdict, ...]
    settings: Settings
    activities: tuple[dict[str, Any], ...] = ()
    decisions: tuple[dict[str, Any], ...] = ()

    @property
    def held(self) -> bool:
        return all(one.held for one in self.verdicts)


def carry_out(drill: Drill, say: Say) -> Outcome:
    """Raises ClickException when the lab is not steady, before or after."""
    status, began_with = client.status(), int(act.group()["DesiredCapacity"])
    plan = plan_of(drill, act.urls(drill.load.path))
    act.prepare(drill.acts)
    try:
        say("waiting for a steady state")
        _steady(drill, began_with)
        try:
            seen = asyncio.run(_Run(drill, plan, float(status["speed"]), say).run())
        finally:
            say("putting everything back")
            act.clean(drill.acts)
            _steady(drill, began_with, back=True)
    finally:
        act.put_away(drill.acts)
    return _outcome(drill, plan, status, seen)


@dataclass(slots=True)
class _Seen:
    """What a run gathers."""

    result: Result | None = None
    shots: list[Snapshot] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    victims: list[str] = field(default_factory=list)
    began: float | None = None
    began_at: float | None = None
    started: str = ""


class _Run:
    def __init__(self, drill: Drill, plan: Plan, speed: float, say: Say) -> None:
        self._drill = drill
        self._plan = plan
        self._speed = speed
        self._say = say
        self._seen = _Seen(started=datetime.now(UTC).isoformat(timespec="seconds"))
        self._start = time.monotonic()

    async def run(self) -> _Seen:
        seen, stop = self._seen, asyncio.Event()
        self._start = time.monotonic()
        await self._look()
        loading = asyncio.create_task(send(self._plan, seen.shots.append, stop))
        watching = asyncio.create_task(self._watch())
        try:
            await self._acts()
            await self._wait_for_the_expected()
        finally:
            stop.set()
            seen.result = await loading
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        return seen

    async def _acts(self) -> None:
        for one in self._drill.acts:
            await asyncio.sleep(max(0.0, one.at - self._at()))
            last = self._seen.samples[-1]
            if self._seen.began is None:
                self._seen.began, self._seen.began_at = last.lab + (self._at() - last.at) * self._speed, self._at()
            at = self._at()
            hit = await asyncio.to_thread(act.do, one, last)
            self._seen.victims += hit
            named = f" ({', '.join(hit)})" if hit and hit != [DATABASE] else ""
            self._say(f"{at:5.1f} s  {describe(one.kind, one.what, one.fault)}{named}")

    async def _wait_for_the_expected(self) -> None:
        shaped = isinstance(self._plan.rate, Trace)
        lasts = max(self._drill.lasts, self._plan.duration if shaped else 0.0)
        while True:
            await asyncio.sleep(LOOK)
            last = self._seen.samples[-1]
            began = self._seen.samples[0].lab if self._seen.began is None else self._seen.began
            found = figures(self._seen.samples, began, self._seen.victims)
            over = last.lab > began + self._drill.within
            if self._at() >= lasts and (over or complete(self._drill, found)):
                return

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            await self._look()

    async def _look(self) -> None:
        """A control plane that is away is not seen; what it missed shows when it is back."""
        with contextlib.suppress(client.NoLab, client.LabRefused, LookupError):
            at = self._at()
            self._seen.samples.append(sample(at, await asyncio.to_thread(client.status)))

    def _at(self) -> float:
        return time.monotonic() - self._start


def plan_of(drill: Drill, urls: list[str]) -> Plan:
    """Raises ClickException for a load that makes no sense."""
    load = drill.load
    try:
        amount = load_trace(load.amount, 0) if isinstance(load.amount, str) else load.amount
        if load.every is not None:
            amount = amount.scaled(1.0 / load.every) if isinstance(amount, Trace) else amount / load.every
        duration = amount.duration if isinstance(amount, Trace) else LONGEST
        return Plan(
            tuple(urls), amount, duration, timeout=load.timeout, retries=load.retries, slow=load.slow, failover=True
        )
    except ValueError as error:
        raise click.ClickException(f"{drill.name}: {error}") from error


def describe(kind: str, what: str, fault: dict[str, object]) -> str:
    match kind:
        case "kill":
            return f"the {'control plane' if what == 'control' else what} is killed"
        case "fault":
            rest = ", ".join(f"{name} {value}" for name, value in fault.items() if value and name != "health")
            return f"an instance's answers: {fault['health']} ({rest})"
        case "zone":
            return f"zone {what} fails"
        case "capacity":
            return f"the desired capacity is set to {what}"
        case _:
            return f"a {what} build is rolled out"


def _steady(drill: Drill, wanted: int, *, back: bool = False) -> None:
    """Wait for a steady state that holds. Afterwards (`back`) with as many instances as before. Raises ClickException."""
    deadline, since, why = time.monotonic() + STEADY, time.monotonic(), ""
    while time.monotonic() < deadline:
        seen = sample(0.0, client.status())
        if back:
            act.settle_capacity(wanted, seen)
        why = seen.unrest() or ("" if back else act.ready(drill.acts))
        if not why and seen.desired != wanted:
            why = f"{seen.desired} instances are desired, not {wanted}"
        if why:
            since = time.monotonic()
        elif time.monotonic() - since >= SETTLED:
            return
        time.sleep(LOOK)
    raise click.ClickException(f"the lab is not steady{' again' if back else ''}: {why}; `lab status` shows more")


def _outcome(drill: Drill, plan: Plan, status: dict[str, Any], seen: _Seen) -> Outcome:
    assert seen.result is not None
    began = seen.samples[0].lab if seen.began is None else seen.began
    found = figures(seen.samples, began, seen.victims)
    group = act.group()
    name, arn = group["AutoScalingGroupName"], group["TargetGroupARNs"][0]
    target_group = client.aws("elbv2", "DescribeTargetGroups", TargetGroupArns=[arn])["TargetGroups"][0]
    attributes = client.aws("elbv2", "DescribeTargetGroupAttributes", TargetGroupArn=arn)["Attributes"]
    activities = client.aws("autoscaling", "DescribeScalingActivities", AutoScalingGroupName=name)["Activities"]
    decisions = client.get(f"/lab/decisions?group={name}&last=50")["decisions"]
    return Outcome(
        drill=drill,
        plan=plan,
        mode=status["compute"],
        speed=status["speed"],
        started=seen.started,
        began=began,
        began_at=seen.began_at,
        victims=tuple(seen.victims),
        samples=tuple(seen.samples),
        shots=tuple(seen.shots),
        result=seen.result,
        figures=found,
        verdicts=verdicts(drill, found, seen.result),
        settings=settings_of(target_group, {row["Key"]: row["Value"] for row in attributes}),
        # Without what was done to put everything back.
        activities=tuple(row for row in activities if began - 1 <= _moment(row["StartTime"]) <= seen.samples[-1].lab),
        decisions=tuple(row for row in decisions if began <= row["until"] <= seen.samples[-1].lab),
    )


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
