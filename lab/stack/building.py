"""Creating, updating, and going back: resources are brought to what the stack's source says, needs first.

An update's rollback is the same walk with the source of before. A resource has had its turn when its revision is the
stack's; one that already is as it should be has its turn without an event.
"""

from dataclasses import replace
from typing import Any

from lab.core.errors import LabError, ValidationError
from lab.stack.context import EngineContext
from lab.stack.functions import evaluate
from lab.stack.graph import needs
from lab.stack.journal import cancel, put_resource, put_stack, reason_of, resources_of
from lab.stack.model import Output, Resource, Stack
from lab.stack.names import physical_name
from lab.stack.plan import replacing_among
from lab.stack.resolve import holds, included, properties, raise_problems
from lab.stack.resources import TYPES
from lab.stack.resources.base import Progress, Work, differing
from lab.stack.secrets import Vault
from lab.stack.template import ResourceItem
from lab.stack.values import is_scalar, text_of
from lab.stack.world import live_scope, template_of

Rows = dict[str, Resource]
Items = dict[str, ResourceItem]
_IN_PROGRESS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
_ENDS = {
    "CREATE_IN_PROGRESS": "CREATE_COMPLETE",
    "UPDATE_IN_PROGRESS": "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
}
_ON_CREATE_FAILURE = {
    "ROLLBACK": ("ROLLBACK_IN_PROGRESS", " Rollback requested by user."),
    "DELETE": ("DELETE_IN_PROGRESS", " Delete requested by user."),
    "DO_NOTHING": ("CREATE_FAILED", ""),
}


def step(ctx: EngineContext, stack: Stack) -> bool:
    """One step of a create, an update or an update's rollback."""
    rows = resources_of(ctx.store, stack)
    # 1. something in progress has ended
    if any(_settle(ctx, stack, row) for row in rows.values() if row.status in _IN_PROGRESS):
        return True
    # 2. something has failed: the stack turns round
    failed = [row for row in rows.values() if row.revision == stack.revision and row.status.endswith("_FAILED")]
    if failed:
        _turn_round(ctx, stack, failed)
        return True
    # 3. something can begin
    items = included(template_of(stack.source), live_scope(ctx, stack))
    ready = next((item for item in items.values() if _is_ready(item, items, rows, stack)), None)
    if ready is not None:
        _begin(ctx, stack, ready, items, rows.get(ready.logical_id))
        return True
    # 4. everything has had its turn, or is still on its way
    if all(_had_its_turn(rows.get(name), stack) for name in items):
        _finish(ctx, stack)
        return True
    return False


def _had_its_turn(row: Resource | None, stack: Stack) -> bool:
    return row is not None and row.revision == stack.revision and row.status.endswith("_COMPLETE")


def _is_ready(item: ResourceItem, items: Items, rows: Rows, stack: Stack) -> bool:
    row = rows.get(item.logical_id)
    if row is not None and row.revision == stack.revision:
        return False
    return all(_had_its_turn(rows.get(need), stack) for need in needs(item, items))


# ── beginning ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _begin(ctx: EngineContext, stack: Stack, item: ResourceItem, items: Items, row: Resource | None) -> None:
    start = Resource(stack.stack_id, item.logical_id, item.type, "", ctx.now)
    if row is not None and row.exists and row.physical_id:
        start = row
    start = replace(
        start,
        revision=stack.revision,
        depends_on=needs(item, items),
        deletion_policy=item.deletion_policy,
    )
    vault = Vault(ctx.call)
    try:
        with ctx.store.transaction():
            _carry_out(ctx, stack, item, start, vault)
    except LabError as error:
        verb = "UPDATE" if start.physical_id else "CREATE"
        with ctx.store.transaction():
            put_resource(ctx, stack, start, f"{verb}_IN_PROGRESS")
            put_resource(ctx, stack, start, f"{verb}_FAILED", vault.mask(reason_of(error, item.type)))


def _carry_out(ctx: EngineContext, stack: Stack, item: ResourceItem, start: Resource, vault: Vault) -> None:
    """Makes the resource or changes it; when it already is as it should be, only its turn is written down."""
    kind = TYPES[item.type]
    wanted = _properties(ctx, stack, item, None)
    changed = differing(start.properties, wanted)
    if start.physical_id:
        if not changed:
            if start.status.endswith("_FAILED"):
                put_resource(ctx, stack, start, "UPDATE_COMPLETE")
            else:
                ctx.store.put(start)
            return
        replacing = replacing_among(item.type, sorted(changed))
        if replacing:
            raise ValidationError(f"{', '.join(replacing)} cannot be changed in place")
    name = physical_name(stack.name, item.logical_id, stack.stack_id, kind.name_limit, lower=kind.lower)
    revealed = _properties(ctx, stack, item, vault)
    work = Work(ctx.call, revealed, name, start.physical_id, start.properties, changed)
    if start.physical_id:
        put_resource(ctx, stack, start, "UPDATE_IN_PROGRESS", properties=wanted)
        kind.update(work)
        return
    begun = put_resource(ctx, stack, start, "CREATE_IN_PROGRESS", properties=wanted)
    physical_id = kind.create(work)
    put_resource(ctx, stack, begun, "CREATE_IN_PROGRESS", "Resource creation Initiated", physical_id=physical_id)


def _properties(ctx: EngineContext, stack: Stack, item: ResourceItem, vault: Vault | None) -> dict[str, Any]:
    """The properties now: with a vault as the actions want them, without one as they are kept."""
    scope = live_scope(ctx, stack, vault)
    found = properties(item, scope, stack.source.tags)
    raise_problems(scope.problems)
    return found


# ── ending ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _settle(ctx: EngineContext, stack: Stack, row: Resource) -> bool:
    """Whether a resource in progress has become complete or failed; if so, that is written down."""
    verb = row.status.removesuffix("_IN_PROGRESS")
    with ctx.store.transaction():
        progress = _look(ctx, row)
        if progress.state == "in progress":
            return False
        status = f"{verb}_COMPLETE" if progress.state == "complete" else f"{verb}_FAILED"
        put_resource(ctx, stack, row, status, progress.reason)
    return True


def _look(ctx: EngineContext, row: Resource) -> Progress:
    try:
        return TYPES[row.type].stable(Work(ctx.call, row.properties, physical_id=row.physical_id))
    except LabError as error:
        return Progress("failed", reason_of(error, row.type))


def _turn_round(ctx: EngineContext, stack: Stack, failed: list[Resource]) -> None:
    kinds = {"CREATE_FAILED": "create", "UPDATE_FAILED": "update"}
    said = " ".join(
        f"The following resource(s) failed to {verb}: [{', '.join(names)}]."
        for status, verb in kinds.items()
        if (names := [row.logical_id for row in failed if row.status == status])
    )
    with ctx.store.transaction():
        cancel(ctx, stack)
        _fail(ctx, stack, said)


def _fail(ctx: EngineContext, stack: Stack, said: str) -> None:
    if stack.status == "CREATE_IN_PROGRESS":
        status, more = _ON_CREATE_FAILURE[stack.on_failure]
        put_stack(ctx, stack, status, said + more)
    elif stack.status == "UPDATE_ROLLBACK_IN_PROGRESS" or stack.before is None:
        put_stack(ctx, stack, "UPDATE_ROLLBACK_FAILED", said)
    elif stack.on_failure == "DO_NOTHING":
        put_stack(ctx, stack, "UPDATE_FAILED", said, before=None)
    else:
        back = {"source": stack.before, "before": stack.source, "revision": stack.revision + 1}
        put_stack(ctx, stack, "UPDATE_ROLLBACK_IN_PROGRESS", said, **back)


def _finish(ctx: EngineContext, stack: Stack) -> None:
    try:
        with ctx.store.transaction():
            put_stack(ctx, stack, _ENDS[stack.status], outputs=_outputs(ctx, stack))
    except LabError as error:
        with ctx.store.transaction():
            _fail(ctx, stack, error.message)


def _outputs(ctx: EngineContext, stack: Stack) -> tuple[Output, ...]:
    scope = live_scope(ctx, stack)
    found: list[Output] = []
    for name, item in template_of(stack.source).outputs.items():
        if not holds(item.condition, scope, item.line):
            continue
        path = ("Outputs", name, "Value")
        value = evaluate(item.value, scope, path)
        export = None if item.export is None else evaluate(item.export, scope, path)
        if not is_scalar(value.value):
            scope.wrong(value.line, path, "The Value field of every Outputs member must evaluate to a String.")
        exported = None if export is None else text_of(export.value)
        found.append(Output(name, text_of(value.value), item.description, exported))
    raise_problems(scope.problems)
    return tuple(found)
