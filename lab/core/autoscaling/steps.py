"""The steps a look at a group may find due. They are carried out as one change of rows; whoever starts and stops machines
finds out from the rows."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Why a member is to be replaced, the most urgent first."""

    UNHEALTHY = "unhealthy"
    REFRESH = "refresh"
    LIFETIME = "lifetime"
    REBALANCE = "rebalance"


@dataclass(frozen=True, slots=True)
class EnterService:
    """Register with the target groups; Pending → InService."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class LaunchFailed:
    """The instance did not live to be in service: terminate what is left, forget it, and hold back the next launch."""

    instance_id: str
    why: str


@dataclass(frozen=True, slots=True)
class BeginTermination:
    """→ Terminating: deregister, and terminate at once if `dead`. `kind` tells why a member is replaced, None when the group
    scales in; `owed` that its successor is still to be launched."""

    instance_id: str
    cause: str
    kind: Kind | None = None
    owed: bool = False
    dead: bool = False


@dataclass(frozen=True, slots=True)
class TerminateInstance:
    """Drained: EC2 may have it."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class Forget:
    """The instance is terminated: it leaves the group."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class Launch:
    """A new instance in a zone. `replaces` is the member it stands in for, "" when it adds capacity, and `kind` why. With a
    `leaving_cause` that member stays in service until the new one is ready, and leaves with this cause then."""

    zone: str
    cause: str
    replaces: str = ""
    kind: Kind | None = None
    leaving_cause: str = ""


Step = EnterService | LaunchFailed | BeginTermination | TerminateInstance | Forget | Launch
