"""What happened, in one order: decisions that changed something, alarms, activities; those of one moment and kind together."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from lab.report.words import clock
from lab.simulate.result import Action, GroupRun


@dataclass(frozen=True, slots=True)
class Event:
    """`kind` is alarm, ok, decision, up, down or failed; `count` how many the same sentence stands for."""

    at: float
    kind: str
    title: str
    text: str
    count: int = 1

    @property
    def sentence(self) -> str:
        times = f" (× {self.count})" if self.count > 1 else ""
        return f"{clock(self.at)}  {self.title}{times}\n{self.text}"


KINDS = ("decision", "alarm", "ok", "up", "down", "failed")
"""In the order in which those of one moment are told."""


def events(group: GroupRun) -> list[Event]:
    found = [*_transitions(group), *_decisions(group), *_activities(group)]
    return sorted(found, key=lambda event: (event.at, KINDS.index(event.kind)))


def _transitions(group: GroupRun) -> Iterator[Event]:
    for one in group.transitions:
        kind = "alarm" if one.after == "ALARM" else "ok"
        yield Event(one.at, kind, f"alarm {short(one.alarm)}: {one.before} → {one.after}", one.reason)


def _decisions(group: GroupRun) -> Iterator[Event]:
    for one in group.choices:
        if one.desired != one.current:
            title = f"policy {one.policy}: desired {one.current} → {one.desired}"
            yield Event(one.at, "decision", title, one.why)


def _activities(group: GroupRun) -> Iterator[Event]:
    def alike(one: Action) -> tuple[float, str, str]:
        return (one.at, _kind(one), one.status)

    for (at, kind, status), same in groupby(sorted(group.activities, key=alike), key=alike):
        first, *others = same
        title = f"{first.description.partition(':')[0]}: {status}"
        yield Event(at, kind, title, first.cause.replace("  ", "\n"), 1 + len(others))


def _kind(one: Action) -> str:
    if one.status == "Failed":
        return "failed"
    return "down" if one.description.startswith("Terminating") else "up"


def short(alarm: str) -> str:
    """Target tracking's alarms have the group and a UUID in their names; which one of the two it is is what matters."""
    for side in ("AlarmHigh", "AlarmLow"):
        if f"-{side}-" in alarm:
            return side
    return alarm
