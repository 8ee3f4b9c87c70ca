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
}


def after(state: str, event: Event) -> str:
    """The state that follows. Raises ValueError when the event cannot happen in this state."""
    found = TRANSITIONS.get((state, event))
    if found is None:
        raise ValueError(f"a member that is {state} cannot take the event: {event}")
    return found


def moved(member: Member, event: Event) -> Member:
    return replace(member, state=after(member.state, event))
