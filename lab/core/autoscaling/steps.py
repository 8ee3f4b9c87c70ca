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
class WaitForHooks:
    """Pending → Pending:Wait, or Terminating → Terminating:Wait: an action begins for each hook of the transition."""

    instance_id: str
    transition: str


@dataclass(frozen=True, slots=True)
class Proceed:
    """The hooks are through: …:Wait → …:Proceed. A member that was retained goes on too."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class Retain:
    """A terminating hook was abandoned: Terminating:Wait → Terminating:Retained."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class EnterService:
    """Register with the target groups; Pending → InService."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class LaunchFailed:
    """The instance did not live to be in service: terminate what is left, forget it, and hold back the next launch. `status`
    is the activity's: Failed, or Cancelled when a hook was abandoned."""

    instance_id: str
    why: str
    status: str = "Failed"


@dataclass(frozen=True, slots=True)
class Rest:
    """Drained: EnteringStandby → Standby."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Drained: Detaching → it leaves the group, and runs on."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class MarkUnhealthy:
    """It is unhealthy, and nothing follows from that for now: replacing is suspended."""

    instance_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class MoveTrafficSource:
    """The attachment of a target group has come to a new state; Removed ones are forgotten."""

    identifier: str
    state: str


@dataclass(frozen=True, slots=True)
class BeginTermination:
    """→ Terminating: deregister. `kind` tells why a member is replaced, None when the group scales in; `owed` that its
    successor is still to be launched."""

    instance_id: str
    cause: str
    kind: Kind | None = None
    owed: bool = False


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
    `leaving_cause` that member stays in service until the new one is ready, and leaves with this cause then. `warm` is the
    instance of the warm pool that is taken for it, "" for a cold start; `pooled` says that it goes into the warm pool."""

    zone: str
    cause: str
    replaces: str = ""
    kind: Kind | None = None
    leaving_cause: str = ""
    warm: str = ""
    pooled: bool = False


@dataclass(frozen=True, slots=True)
class Park:
    """Prepared for the warm pool: its instance is stopped, hibernated or left running, as the pool says."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class Store:
    """Its instance has stopped: it rests in the warm pool."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class ReturnToPool:
    """Out of service and back to the warm pool, instead of being terminated."""

    instance_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class ScaleInBlocked:
    """The desired capacity cannot be reached, all that remain are protected: an activity tells so."""

    cause: str


@dataclass(frozen=True, slots=True)
class SuspendLaunch:
    """Launches have failed for a day: an administrative suspension."""


OfMember = (
    WaitForHooks | Proceed | Retain | EnterService | LaunchFailed | Rest | Leave | MarkUnhealthy | BeginTermination
    | TerminateInstance | Forget | Park | Store | ReturnToPool
)  # fmt: skip
Step = OfMember | Launch | MoveTrafficSource | ScaleInBlocked | SuspendLaunch
