"""What was seen of the lab, a few times a second: its status reduced to what a drill is about. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REFRESHING = ("Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking")


@dataclass(frozen=True, slots=True)
class Seen:
    """One instance: `target` is "" where nobody checks it."""

    zone: str
    lifecycle: str
    target: str

    @property
    def serves(self) -> bool:
        return self.lifecycle == "InService" and self.target == "healthy"


@dataclass(frozen=True, slots=True)
class Sample:
    """The lab at `at` wall seconds of the drill, when its clock said `lab`. `alarms` are the names of those that ring, `silent`
    the load balancer's nodes that do not report."""

    at: float
    lab: float
    desired: int
    instances: Mapping[str, Seen]
    database: str
    alarms: tuple[str, ...]
    refresh: str
    failed_zones: tuple[str, ...]
    silent: tuple[str, ...] = ()

    @property
    def serving(self) -> int:
        return sum(one.serves for one in self.instances.values())

    def unrest(self) -> str:
        """Why this is no steady state, empty when it is one."""
        if self.failed_zones:
            return f"{', '.join(self.failed_zones)} has failed"
        if self.silent:
            return f"{', '.join(self.silent)} does not report"
        if self.refresh in REFRESHING:
            return f"an instance refresh is {self.refresh}"
        if self.database not in ("", "available"):
            return f"the database is {self.database}"
        if not self.serving == self.desired == len(self.instances):
            return f"{self.serving} of {len(self.instances)} instances serve, {self.desired} are desired"
        return ""


def sample(at: float, status: Mapping[str, Any]) -> Sample:
    """Of `/lab/status`; the lab's first group is the one that is watched. Raises LookupError without one."""
    group = status["groups"][0]
    refresh = group["refresh"]
    return Sample(
        at=at,
        lab=status["now"],
        desired=group["desired"],
        instances={row["id"]: Seen(row["zone"], row["lifecycle"], row["target"]) for row in group["instances"]},
        database=status["databases"][0]["status"] if status["databases"] else "",
        alarms=tuple(row["name"] for row in status["alarms"] if row["state"] == "ALARM"),
        refresh="" if refresh is None else refresh["status"],
        failed_zones=tuple(status["failed_zones"]),
        silent=tuple(node["id"] for row in status["load_balancers"] for node in row["nodes"] if not node["live"]),
    )
