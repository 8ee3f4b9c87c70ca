"""The activities of several groups side by side, minute by minute: what `lab activities --table` draws.

Each group has a column. A cell says a change of its capacity, who or what asked for it, and what came of it; all of it is read
from the causes of the activities, which are AWS's sentences.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

WHO = (
    (re.compile(r"a monitor alarm .* triggered policy (?P<name>.+?) changing"), "policy {name}"),
    (re.compile(r"a user request executed policy (?P<name>.+?) changing"), "a user, by policy {name}"),
    (re.compile(r"a forecast of predictive scaling policy (?P<name>.+?) changing"), "forecast of {name}"),
    (re.compile(r"a scheduled action"), "a scheduled action"),
    (re.compile(r"a user request"), "a user"),
)
CHANGE = re.compile(r"At (?P<at>\S+) (?P<what>.*)changing the desired capacity from (?P<old>\d+) to (?P<new>\d+)\.")
OUTCOMES = {
    ("Launching", "Successful"): "launched",
    ("Terminating", "Successful"): "terminated",
    ("Launching", "Failed"): "failed to launch",
    ("Launching", "Cancelled"): "given up",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a group's capacity, or an instance that was replaced, and what it came to."""

    at: datetime
    text: str


def table(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """`groups` holds the activities of each as DescribeScalingActivities gives them."""
    drawn = Table("at", box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in groups:
        drawn.add_column(name, overflow="fold")
    for minute, cells in rows(groups):
        drawn.add_row(minute, *("\n".join(cells[name]) for name in groups))
    return drawn


def rows(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[tuple[str, dict[str, list[str]]]]:
    """By minute of lab time, oldest first: what happened in it to each of the groups."""
    minutes: dict[datetime, dict[str, list[str]]] = defaultdict(lambda: {name: [] for name in groups})
    for name, activities in groups.items():
        for event in events(activities):
            minutes[event.at.replace(second=0, microsecond=0)][name].append(event.text)
    return [(f"{minute:%H:%M}", minutes[minute]) for minute in sorted(minutes)]


def events(activities: Sequence[Mapping[str, Any]]) -> list[Event]:
    """Oldest first. Activities with the same change of capacity in their causes are one event."""
    found: dict[tuple[datetime, str], Counter[str]] = defaultdict(Counter)
    for row in activities:
        outcome = OUTCOMES.get((row["Description"].split(" ")[0], row["StatusCode"]), "under way")
        found[_of(row)][outcome] += 1
    return [
        Event(at, f"{text}: {', '.join(f'{count} {outcome}' for outcome, count in came_to.items())}")
        for (at, text), came_to in sorted(found.items(), key=lambda item: item[0])
    ]


def _of(row: Mapping[str, Any]) -> tuple[datetime, str]:
    """When, and what."""
    change = CHANGE.match(row["Cause"])
    if change is None:
        replaced = "needing to be replaced" in row["Cause"] or "health" in row["Cause"]
        start = datetime.fromisoformat(str(row["StartTime"])).astimezone(UTC)
        return start.replace(microsecond=0), "replacement" if replaced else row["Description"].split(":")[0]
    at = datetime.fromisoformat(change["at"])
    return at, f"{change['old']} → {change['new']} by {_who(change['what'] + 'changing')}"


def _who(what: str) -> str:
    for pattern, words in WHO:
        match = pattern.search(what)
        if match is not None:
            return words.format(**match.groupdict())
    return "something else"
