"""Deleting: a whole stack, what a failed create made, or what an update no longer has. Whoever needs goes first.

A delete that is refused because something going away still uses the resource is tried again, for a while of lab time.
"""

from dataclasses import replace

from lab.core.errors import LabError
from lab.stack.context import EngineContext
from lab.stack.journal import put_resource, put_stack, reason_of, resources_of
from lab.stack.model import Resource, Stack
from lab.stack.resolve import included
from lab.stack.resources import TYPES
from lab.stack.resources.base import Progress, Work, is_busy
from lab.stack.world import live_scope, template_of

PATIENCE = 900.0
"""Lab seconds during which a delete that meets DependencyViolation and its like is tried again."""

_ROLLING_BACK = ("ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
_CLEANUPS = {
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
}
_ENDS = {
    "ROLLBACK_IN_PROGRESS": ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"),
    "DELETE_IN_PROGRESS": ("DELETE_COMPLETE", "DELETE_FAILED"),
}


def step(ctx: EngineContext, stack: Stack) -> bool:
    """One step of a delete, a rollback or a cleanup."""
    rows = [row for row in resources_of(ctx.store, stack).values() if row.exists]
    leaving = _leaving(ctx, stack, rows)
    for row in reversed(leaving):
        if not _has_failed(row, stack) and not _is_needed(row, leaving) and _delete(ctx, stack, row):
            return True
    if any(row.status == "DELETE_IN_PROGRESS" for row in leaving):
        return False
    _finish(ctx, stack, leaving)
    return True


def _leaving(ctx: EngineContext, stack: Stack, rows: list[Resource]) -> list[Resource]:
    if stack.status not in _CLEANUPS:
        return rows
    items = included(template_of(stack.source), live_scope(ctx, stack))
    return [row for row in rows if row.logical_id not in items]


def _is_needed(row: Resource, leaving: list[Resource]) -> bool:
    return any(row.logical_id in other.depends_on for other in leaving)


def _is_kept(row: Resource, stack: Stack) -> bool:
    if row.logical_id in stack.retained or row.deletion_policy == "Retain":
        return True
    return row.deletion_policy == "RetainExceptOnCreate" and stack.status not in _ROLLING_BACK


def _delete(ctx: EngineContext, stack: Stack, row: Resource) -> bool:
    """Takes the next step towards the resource's being gone; True when that changed its row."""
    begun = row.status == "DELETE_IN_PROGRESS"
    try:
        with ctx.store.transaction():
            after = row if begun else _first(ctx, stack, row)
            if after.exists and _call(ctx, after).state == "complete":
                after = put_resource(ctx, stack, after, "DELETE_COMPLETE")
            return not begun or not after.exists
    except LabError as error:
        return _refused(ctx, stack, row, error, begun)


def _first(ctx: EngineContext, stack: Stack, row: Resource) -> Resource:
    if row.physical_id and _is_kept(row, stack):
        return put_resource(ctx, stack, row, "DELETE_SKIPPED")
    if not row.physical_id:
        return put_resource(ctx, stack, row, "DELETE_COMPLETE")
    return put_resource(ctx, stack, row, "DELETE_IN_PROGRESS", retry_since=None)


def _call(ctx: EngineContext, row: Resource) -> Progress:
    return TYPES[row.type].delete(Work(ctx.call, row.properties, physical_id=row.physical_id))


def _refused(ctx: EngineContext, stack: Stack, row: Resource, error: LabError, begun: bool) -> bool:
    """Everything of the refused step is undone; what is known now is written down: wait, or give up."""
    since = ctx.now if row.retry_since is None else row.retry_since
    with ctx.store.transaction():
        if not begun:
            row = put_resource(ctx, stack, row, "DELETE_IN_PROGRESS")
        if is_busy(error) and ctx.now - since < PATIENCE:
            ctx.store.put(replace(row, retry_since=since))
            return not begun
        reason = reason_of(error, row.type)
        put_resource(ctx, stack, row, "DELETE_FAILED", reason, retry_since=None, revision=stack.revision)
    return True


def _has_failed(row: Resource, stack: Stack) -> bool:
    """A failure counts for the operation it happened in; the next one tries again."""
    return row.status == "DELETE_FAILED" and row.revision == stack.revision


def _finish(ctx: EngineContext, stack: Stack, leaving: list[Resource]) -> None:
    failed = [row.logical_id for row in leaving]
    with ctx.store.transaction():
        if stack.status in _CLEANUPS:
            put_stack(ctx, stack, _CLEANUPS[stack.status], before=None)
            return
        good, bad = _ENDS[stack.status]
        if failed:
            put_stack(ctx, stack, bad, f"The following resource(s) failed to delete: [{', '.join(failed)}].")
        else:
            deleted = ctx.now if good == "DELETE_COMPLETE" else None
            put_stack(ctx, stack, good, deleted=deleted)
