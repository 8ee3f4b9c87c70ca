"""The rows of CloudFormation: stacks, their resources, their events. Desired state and nothing that a process remembers.

`Resource.properties` are the properties last given to AWS's actions, functions evaluated and dynamic references left
standing. `Resource.revision` equals the stack's when the resource has had its turn in the stack's current operation:
every create, update and rollback starts a new revision, so "done or not" is a comparison and survives any crash.
"""

from dataclasses import dataclass, field
from typing import Any

STACK_TYPE = "AWS::CloudFormation::Stack"
GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")


@dataclass(frozen=True, slots=True)
class Output:
    """An output's value when the stack's last operation ended."""

    name: str
    value: str
    description: str = ""
    export_name: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What a stack is made from: the template's text, each parameter's value as a string, the stack's tags."""

    template: str
    parameters: dict[str, str]
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack. `before` is what an update in flight goes back to; times are lab epoch seconds."""

    stack_id: str
    name: str
    status: str
    source: Source
    created: float
    reason: str = ""
    description: str = ""
    before: Source | None = None
    revision: int = 1
    on_failure: str = "ROLLBACK"
    updated: float | None = None
    deleted: float | None = None
    outputs: tuple[Output, ...] = ()
    capabilities: tuple[str, ...] = ()
    notification_arns: tuple[str, ...] = ()
    retained: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.stack_id


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a stack. `physical_id` is what Ref gives, empty until it is made.

    `depends_on` are logical ids, kept here so that a resource the template no longer has is still deleted in order.
    `retry_since` is when a delete was first refused because something still uses the resource.
    """

    stack_id: str
    logical_id: str
    type: str
    status: str
    changed: float
    physical_id: str = ""
    reason: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    deletion_policy: str = "Delete"
    revision: int = 0
    retry_since: float | None = None

    @property
    def key(self) -> str:
        return f"{self.stack_id}/{self.logical_id}"

    @property
    def exists(self) -> bool:
        """False once it is deleted or let go of."""
        return self.status not in GONE


@dataclass(frozen=True, slots=True)
class StackEvent:
    """One line of DescribeStackEvents."""

    event_id: str
    stack_id: str
    stack_name: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    time: float

    @property
    def key(self) -> str:
        return self.event_id
