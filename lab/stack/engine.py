"""One step of a stack. Called again and again it brings a stack to the end of its operation, from whatever it finds.

    CREATE_IN_PROGRESS ──▶ CREATE_COMPLETE
        └─ failed ─▶ ROLLBACK_IN_PROGRESS ─▶ ROLLBACK_COMPLETE | ROLLBACK_FAILED
    UPDATE_IN_PROGRESS ─▶ UPDATE_COMPLETE_CLEANUP_IN_PROGRESS ─▶ UPDATE_COMPLETE
        └─ failed ─▶ UPDATE_ROLLBACK_IN_PROGRESS ─▶ UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS
                          └─ failed ─▶ UPDATE_ROLLBACK_FAILED         └─▶ UPDATE_ROLLBACK_COMPLETE
    DELETE_IN_PROGRESS ─▶ DELETE_COMPLETE | DELETE_FAILED

A step starts one resource, or finds one finished, or moves the stack itself; the actions it calls and the rows it
writes are one transaction. When the call is refused, that transaction is gone and a second one writes the failure down.
"""

from collections.abc import Callable

from lab.core.store import Store
from lab.stack import building, demolishing
from lab.stack.context import EngineContext
from lab.stack.journal import find
from lab.stack.model import Stack

STEPS: dict[str, Callable[[EngineContext, Stack], bool]] = {
    "CREATE_IN_PROGRESS": building.step,
    "UPDATE_IN_PROGRESS": building.step,
    "UPDATE_ROLLBACK_IN_PROGRESS": building.step,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": demolishing.step,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": demolishing.step,
    "ROLLBACK_IN_PROGRESS": demolishing.step,
    "DELETE_IN_PROGRESS": demolishing.step,
}


def step(ctx: EngineContext, stack_name: str) -> bool:
    """Moves the stack one bit further. True: something changed, call again soon; False: it waits, or has nothing to do."""
    stack = find(ctx.store, stack_name)
    advance = None if stack is None else STEPS.get(stack.status)
    return advance is not None and stack is not None and advance(ctx, stack)


def unfinished(store: Store) -> list[str]:
    """The names of stacks that need steps."""
    return [stack.name for stack in store.all(Stack) if stack.status in STEPS]
