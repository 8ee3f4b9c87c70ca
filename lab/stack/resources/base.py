"""What a resource type is to the engine, and the small tools the tables of types share.

A type is a row: its properties (shape, required, what a change means), what Fn::GetAtt gives, and four functions.

* `create(work)` makes it and gives its physical id, the value of Ref.
* `update(work)` brings it from `work.previous` to `work.properties`; `work.changed` names the properties that differ.
* `delete(work)` takes the next step towards its being gone and says how far that is. It is called until it says done, so
  it looks at the world each time. None means there is nothing to delete.
* `stable(work)` says whether what was created or changed is ready.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lab.core.errors import LabError
from lab.stack.context import Call
from lab.stack.schema import Property


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a resource is: complete, in progress, or failed with a reason."""

    state: Literal["complete", "in progress", "failed"]
    reason: str = ""


DONE = Progress("complete")
WAITING = Progress("in progress")


@dataclass(frozen=True, slots=True)
class Work:
    """One resource's turn.

    `properties` are those of the template now, secrets revealed where an action is about to need them; `name` is a
    physical name to use where they give none; `previous` are the properties in force, references unrevealed; `changed`
    names what differs between the two, or is on one side only, with references unrevealed on both.
    """

    call: Call
    properties: dict[str, Any]
    name: str = ""
    physical_id: str = ""
    previous: dict[str, Any] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()

    def some(self, names: str) -> dict[str, Any]:
        """Those of the properties that are named here and set, as a request has them."""
        return {name: self.properties[name] for name in names.split() if name in self.properties}

    def changes(self, names: str) -> dict[str, Any]:
        """Those of the named properties that are set and changed."""
        return {name: value for name, value in self.some(names).items() if name in self.changed}

    def resets(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """The default of each property that was set and no longer is: AWS's calls leave alone what they are not told."""
        return {
            name: value for name, value in defaults.items() if name in self.previous and name not in self.properties
        }


Attribute = Callable[[Call, str, dict[str, Any]], Any]


def _nothing(_: Work) -> Progress:
    return DONE


def _keep(_: Work) -> None:
    """For types of which every change is a replacement."""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A row of the table of types.

    `attributes` answer Fn::GetAtt from the world; `volatile` are those an update in place may change; `elsewhere` are
    properties AWS has and the lab has not; `check` finds what no single property shows (one of two is required, …);
    `name_limit` and `lower` shape generated names; `tags` is the property that holds the tags, where there is one.
    """

    name: str
    properties: Mapping[str, Property]
    create: Callable[[Work], str]
    delete: Callable[[Work], Progress] = _nothing
    update: Callable[[Work], None] = _keep
    stable: Callable[[Work], Progress] = _nothing
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    volatile: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    check: Callable[[dict[str, Any]], str | None] = lambda _: None
    name_limit: int = 255
    lower: bool = False
    tags: str = "Tags"


def words(text: str) -> frozenset[str]:
    """A set of names from a text, for the tables."""
    return frozenset(text.split())


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> frozenset[str]:
    """Names whose values differ, or that only one side has. An unknown value differs from everything."""
    missing = object()
    return frozenset(name for name in {**old, **new} if old.get(name, missing) != new.get(name, missing))


def the_id(call: Call, physical_id: str, properties: dict[str, Any]) -> str:
    """The attribute that is the physical id itself."""
    return physical_id


def deleted_by(service: str, operation: str, request: Callable[[Work], dict[str, Any]]) -> Callable[[Work], Progress]:
    """A delete that one call does, and that is done as well when the thing is gone already."""

    def delete(work: Work) -> Progress:
        try:
            work.call(service, operation, request(work))
        except LabError as error:
            if not is_gone(error):
                raise
        return DONE

    return delete


_GONE_CODES = words(
    "Gateway.NotAttached DBInstanceNotFound DBSubnetGroupNotFoundFault ResourceNotFound NoSuchHostedZone NoSuchHealthCheck"
)
_BUSY_CODES = words(
    """DependencyViolation InvalidGroup.InUse ResourceInUse ResourceInUseException ResourceInUseFault
    TrustStoreInUse ScalingActivityInProgress ResourceContention InvalidDBInstanceState InvalidDBInstanceStateFault
    InvalidDBSubnetGroupStateFault PriorRequestNotComplete"""
)


def is_gone(error: LabError) -> bool:
    """True for AWS's many ways of saying that the thing does not exist."""
    return error.code in _GONE_CODES or "NotFound" in error.code


def is_busy(error: LabError) -> bool:
    """True when a delete may work later: something that is going away still uses the thing."""
    return error.code in _BUSY_CODES


# ── tags ──────────────────────────────────────────────────────────────────────────────────────────────────────────

Tags = list[dict[str, Any]]


def tag_changes(work: Work) -> tuple[Tags, list[str]]:
    """Tags to put (new or different) and keys to take away."""
    old: Tags = work.previous.get("Tags", [])
    new: Tags = work.properties.get("Tags", [])
    keys = {tag["Key"] for tag in new}
    return [tag for tag in new if tag not in old], [tag["Key"] for tag in old if tag["Key"] not in keys]


def retag(work: Work, put: Callable[[Tags], None], take: Callable[[list[str]], None]) -> None:
    """Brings a resource's tags up to date with at most one call each way."""
    added, removed = tag_changes(work)
    if removed:
        take(removed)
    if added:
        put(added)
