"""Writing down what happens: each change of a status is one event, in the same transaction as the row it is about."""

from dataclasses import replace
from typing import Any

from lab.core.errors import LabError
from lab.core.store import Store
from lab.stack.context import EngineContext
from lab.stack.model import STACK_TYPE, Resource, Stack, StackEvent

_CANCELLED = {
    "CREATE_IN_PROGRESS": ("CREATE_FAILED", "Resource creation cancelled"),
    "UPDATE_IN_PROGRESS": ("UPDATE_FAILED", "Resource update cancelled"),
}


def find(store: Store, name_or_id: str) -> Stack | None:
    """The stack of that name that is not deleted, or the stack of that id whatever its state."""
    by_id = store.get(Stack, name_or_id)
    if by_id is not None:
        return by_id
    named = (one for one in store.all(Stack) if one.name == name_or_id and one.status != "DELETE_COMPLETE")
    return next(named, None)


def resources_of(store: Store, stack: Stack) -> dict[str, Resource]:
    """All rows of a stack's resources by logical id, gone ones too, in the order they were started."""
    return {one.logical_id: one for one in store.all(Resource) if one.stack_id == stack.stack_id}


def put_stack(ctx: EngineContext, stack: Stack, status: str, reason: str = "", **changes: Any) -> Stack:
    """The stack in a new status, with its event."""
    after = replace(stack, status=status, reason=reason, **changes)
    ctx.store.put(after)
    _event(ctx, after, after.name, after.stack_id, STACK_TYPE, status, reason)
    return after


def put_resource(
    ctx: EngineContext, stack: Stack, row: Resource, status: str, reason: str = "", **changes: Any
) -> Resource:
    """The resource in a new status, with its event."""
    after: Resource = replace(row, status=status, reason=reason, changed=ctx.now, **changes)
    ctx.store.put(after)
    _event(ctx, stack, after.logical_id, after.physical_id, after.type, status, reason)
    return after


def cancel(ctx: EngineContext, stack: Stack) -> None:
    """Ends whatever is in progress, because something else failed or the stack is to be deleted."""
    for row in resources_of(ctx.store, stack).values():
        if row.status in _CANCELLED:
            put_resource(ctx, stack, row, *_CANCELLED[row.status])


def _event(ctx: EngineContext, stack: Stack, logical: str, physical: str, kind: str, status: str, reason: str) -> None:
    event_id = f"{logical}-{status}-{ctx.new_id('event')}"
    row = StackEvent(event_id, stack.stack_id, stack.name, logical, physical, kind, status, reason, ctx.now)
    ctx.store.put(row)


def reason_of(error: LabError, kind: str) -> str:
    """A failure as a resource's status reason: the action's own message, then whose it is."""
    service = kind.split("::")[1] if kind.count("::") == 2 else kind
    return f"{error.message} (Service: {service}, Status Code: {error.status}, Error Code: {error.code})"
