"""What an update would change: one `Change` per resource, computed before anything is done.

A value that an earlier change may alter (the id of a resource to be added, the latest version of a launch template that
gets a new one) is unknown, and differs from what is there.

Source: AWS CloudFormation User Guide, "Update behaviors of stack resources".
"""

from dataclasses import dataclass
from typing import Any, Literal

from lab.stack.context import EngineContext
from lab.stack.graph import needs, order
from lab.stack.journal import resources_of
from lab.stack.model import Resource, Stack
from lab.stack.resolve import included, properties, scope_of
from lab.stack.resources import TYPES
from lab.stack.resources.base import differing
from lab.stack.template import ResourceItem
from lab.stack.values import Unknown
from lab.stack.world import setting_of, template_of

Action = Literal["Add", "Modify", "Replace", "Remove"]


@dataclass(frozen=True, slots=True)
class Change:
    """One resource's change. `properties` differ; `replacing` are those among them that need another resource."""

    action: Action
    logical_id: str
    type: str
    properties: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()


def changes(ctx: EngineContext, stack: Stack) -> tuple[Change, ...]:
    """The changes that bring what exists to what `stack.source` says, in the order they would be made."""
    rows = {name: row for name, row in resources_of(ctx.store, stack).items() if row.exists and row.physical_id}
    template = template_of(stack.source)
    modified: set[str] = set()

    def resource(name: str) -> Any:
        row = rows.get(name)
        return Unknown(name) if row is None else row.physical_id

    def attribute(name: str, member: str) -> Any:
        row = rows.get(name)
        if row is None or (name in modified and member in TYPES[row.type].volatile):
            return Unknown(f"{name}.{member}")
        return TYPES[row.type].attributes[member](ctx.call, row.physical_id, row.properties)

    scope = scope_of(template, setting_of(ctx, stack), stack.source.parameters, resource, attribute)
    items = included(template, scope)
    found: list[Change] = []
    for name in order({name: needs(item, items) for name, item in items.items()})[0]:
        wanted = properties(items[name], scope, stack.source.tags)
        change = _change(rows.get(name), items[name], wanted)
        if change is not None:
            found.append(change)
            modified.add(name)
    gone = (row for name, row in rows.items() if name not in items)
    return (*found, *(Change("Remove", row.logical_id, row.type) for row in gone))


def refusal(found: tuple[Change, ...]) -> str | None:
    """Why the lab cannot do this update, naming every resource and property that stands in the way; None if it can."""
    blocking = [change for change in found if change.action == "Replace"]
    if not blocking:
        return None
    listed = "; ".join(f"{change.logical_id} ({change.type}): {', '.join(change.replacing)}" for change in blocking)
    return (
        "The lab updates resources in place only, and this update needs replacement (nothing was changed): "
        f"{listed}. Give the resource another logical id, or delete the stack and create it again."
    )


def _change(row: Resource | None, item: ResourceItem, wanted: dict[str, Any]) -> Change | None:
    if row is None:
        return Change("Add", item.logical_id, item.type)
    if row.type != item.type:
        return Change("Replace", item.logical_id, item.type, ("Type",), ("Type",))
    differ = sorted(differing(row.properties, wanted))
    if not differ:
        return None
    replacing = replacing_among(item.type, differ)
    return Change("Replace" if replacing else "Modify", item.logical_id, item.type, tuple(differ), replacing)


def replacing_among(kind: str, names: list[str]) -> tuple[str, ...]:
    """Those of the properties whose change needs another resource."""
    known = TYPES[kind].properties
    return tuple(name for name in names if known[name].update == "Replacement")
