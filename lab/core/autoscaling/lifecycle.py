"""The lifecycle of a group's member (aws-facts §3.2; asg:ec2-auto-scaling-lifecycle). An unknown transition raises.

                 launch, attach
                       │
                       ▼             a hook holds                 its hooks are through
    ┌───────────── Pending ─────────────────▶ Pending:Wait ──────────────▶ Pending:Proceed
    │ leave standby    │ serve                      │ terminate              │        │ terminate
    │                  ▼                            │                        │ serve  │
    │              InService ◀──────────────────────┼────────────────────────┘        │
    │      stand by │   │  │ detach                 │                                 │
    │               ▼   │  └──────────▶ Detaching   │                                 │
    │   EnteringStandby │ terminate         │       │                                 │
    │               │   │                   ▼       │                                 │
    └── Standby ◀───┘   │               Detached    │                                 │
                        ▼                           ▼                                 │
                    Terminating ◀─────────────────────────────────────────────────────┘
                        │      │ a hook holds                 its hooks are through
                        │      └──▶ Terminating:Wait ──────────────▶ Terminating:Proceed
                        │ end               │ abandoned                   ▲ │ end
                        │                   └──▶ Terminating:Retained ────┘ │
                        └────────────────────▶ Terminated ◀─────────────────┘

A member that is Detached or Terminated has left the group: its row is gone. Draining comes before a terminating hook.
A warm pool has the same beside it: Warmed:Pending, with …:Wait and …:Proceed, to Warmed:Stopped, Running or Hibernated; from
there to Pending when the group takes it, or by Warmed:Terminating, with …:Wait, …:Proceed and …:Retained, out of the group.
"""

from dataclasses import replace
from enum import StrEnum

from lab.core.autoscaling.model import (
    DETACHED,
    DETACHING,
    ENTERING_STANDBY,
    IN_SERVICE,
    PENDING,
    PENDING_PROCEED,
    PENDING_WAIT,
    STANDBY,
    TERMINATED,
    TERMINATING,
    TERMINATING_PROCEED,
    TERMINATING_RETAINED,
    TERMINATING_WAIT,
    WARMED_HIBERNATED,
    WARMED_PENDING,
    WARMED_PENDING_PROCEED,
    WARMED_PENDING_WAIT,
    WARMED_RUNNING,
    WARMED_STOPPED,
    WARMED_TERMINATED,
    WARMED_TERMINATING,
    WARMED_TERMINATING_PROCEED,
    WARMED_TERMINATING_RETAINED,
    WARMED_TERMINATING_WAIT,
    Member,
)


class Event(StrEnum):
    WAIT = "a lifecycle hook holds it"
    PROCEED = "its lifecycle hooks are through"
    RETAIN = "its hook was abandoned, and it is kept for that"
    SERVE = "it enters service"
    TERMINATE = "it is to be terminated"
    STAND_BY = "it is to stand by"
    REST = "it gets no requests any more"
    RETURN = "it leaves standby"
    DETACH = "it is to leave the group and live"
    END = "it leaves the group"
    KEEP_STOPPED = "it rests in the warm pool, stopped"
    KEEP_RUNNING = "it rests in the warm pool, running"
    KEEP_HIBERNATED = "it rests in the warm pool, hibernated"
    TAKE = "it leaves the warm pool for the group"
    POOL = "it leaves the group for the warm pool"


TRANSITIONS: dict[tuple[str, Event], str] = {
    (PENDING, Event.WAIT): PENDING_WAIT,
    (PENDING_WAIT, Event.PROCEED): PENDING_PROCEED,
    (PENDING, Event.SERVE): IN_SERVICE,
    (PENDING_PROCEED, Event.SERVE): IN_SERVICE,
    (PENDING, Event.TERMINATE): TERMINATING,
    (PENDING_WAIT, Event.TERMINATE): TERMINATING,
    (PENDING_PROCEED, Event.TERMINATE): TERMINATING,
    (IN_SERVICE, Event.TERMINATE): TERMINATING,
    (STANDBY, Event.TERMINATE): TERMINATING,
    (TERMINATING, Event.WAIT): TERMINATING_WAIT,
    (TERMINATING_WAIT, Event.PROCEED): TERMINATING_PROCEED,
    (TERMINATING_WAIT, Event.RETAIN): TERMINATING_RETAINED,
    (TERMINATING_RETAINED, Event.TERMINATE): TERMINATING_PROCEED,
    (TERMINATING_RETAINED, Event.PROCEED): TERMINATING_PROCEED,
    (TERMINATING_RETAINED, Event.DETACH): DETACHING,
    (TERMINATING_RETAINED, Event.END): TERMINATED,
    (TERMINATING, Event.END): TERMINATED,
    (TERMINATING_WAIT, Event.END): TERMINATED,
    (TERMINATING_PROCEED, Event.END): TERMINATED,
    (IN_SERVICE, Event.STAND_BY): ENTERING_STANDBY,
    (ENTERING_STANDBY, Event.REST): STANDBY,
    (ENTERING_STANDBY, Event.TERMINATE): TERMINATING,
    (STANDBY, Event.RETURN): PENDING,
    (IN_SERVICE, Event.DETACH): DETACHING,
    (STANDBY, Event.DETACH): DETACHING,
    (DETACHING, Event.END): DETACHED,
    (IN_SERVICE, Event.POOL): WARMED_PENDING,
    (WARMED_PENDING, Event.WAIT): WARMED_PENDING_WAIT,
    (WARMED_PENDING_WAIT, Event.PROCEED): WARMED_PENDING_PROCEED,
    (WARMED_PENDING, Event.KEEP_STOPPED): WARMED_STOPPED,
    (WARMED_PENDING, Event.KEEP_RUNNING): WARMED_RUNNING,
    (WARMED_PENDING, Event.KEEP_HIBERNATED): WARMED_HIBERNATED,
    (WARMED_PENDING_PROCEED, Event.KEEP_STOPPED): WARMED_STOPPED,
    (WARMED_PENDING_PROCEED, Event.KEEP_RUNNING): WARMED_RUNNING,
    (WARMED_PENDING_PROCEED, Event.KEEP_HIBERNATED): WARMED_HIBERNATED,
    (WARMED_STOPPED, Event.TAKE): PENDING,
    (WARMED_RUNNING, Event.TAKE): PENDING,
    (WARMED_HIBERNATED, Event.TAKE): PENDING,
    (WARMED_PENDING, Event.TERMINATE): WARMED_TERMINATING,
    (WARMED_PENDING_WAIT, Event.TERMINATE): WARMED_TERMINATING,
    (WARMED_PENDING_PROCEED, Event.TERMINATE): WARMED_TERMINATING,
    (WARMED_STOPPED, Event.TERMINATE): WARMED_TERMINATING,
    (WARMED_RUNNING, Event.TERMINATE): WARMED_TERMINATING,
    (WARMED_HIBERNATED, Event.TERMINATE): WARMED_TERMINATING,
    (WARMED_TERMINATING, Event.WAIT): WARMED_TERMINATING_WAIT,
    (WARMED_TERMINATING_WAIT, Event.PROCEED): WARMED_TERMINATING_PROCEED,
    (WARMED_TERMINATING_WAIT, Event.RETAIN): WARMED_TERMINATING_RETAINED,
    (WARMED_TERMINATING_RETAINED, Event.TERMINATE): WARMED_TERMINATING_PROCEED,
    (WARMED_TERMINATING_RETAINED, Event.PROCEED): WARMED_TERMINATING_PROCEED,
    (WARMED_TERMINATING, Event.END): WARMED_TERMINATED,
    (WARMED_TERMINATING_WAIT, Event.END): WARMED_TERMINATED,
    (WARMED_TERMINATING_PROCEED, Event.END): WARMED_TERMINATED,
    (WARMED_TERMINATING_RETAINED, Event.END): WARMED_TERMINATED,
}


def after(state: str, event: Event) -> str:
    """The state that follows. Raises ValueError when the event cannot happen in this state."""
    found = TRANSITIONS.get((state, event))
    if found is None:
        raise ValueError(f"a member that is {state} cannot take the event: {event}")
    return found


def moved(member: Member, event: Event) -> Member:
    return replace(member, state=after(member.state, event))


_BECOMES = {
    **dict.fromkeys((PENDING, PENDING_WAIT, PENDING_PROCEED), IN_SERVICE),
    ENTERING_STANDBY: STANDBY,
    DETACHING: DETACHED,
    **dict.fromkeys((TERMINATING, TERMINATING_WAIT, TERMINATING_PROCEED, TERMINATING_RETAINED), TERMINATED),
    **dict.fromkeys((WARMED_PENDING, WARMED_PENDING_WAIT, WARMED_PENDING_PROCEED), ""),
    **dict.fromkeys(
        (WARMED_TERMINATING, WARMED_TERMINATING_WAIT, WARMED_TERMINATING_PROCEED, WARMED_TERMINATING_RETAINED),
        WARMED_TERMINATED,
    ),
}


def becomes(state: str) -> str:
    """The state that a member is on its way to, or rests in; what waits in the pool's antechamber does not know it yet: ""
    (asg:retrieving-target-lifecycle-state-through-imds)."""
    return _BECOMES.get(state, state)
