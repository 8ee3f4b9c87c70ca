"""CloudFormation as a service of the lab: its actions found by name, its engine turned by the control plane's loop."""

import logging
from collections.abc import Callable
from typing import Any

from botocore import xform_name

from lab.actions.dispatch import call as call_action
from lab.actions.dispatch import check, operation_model
from lab.control.world import World
from lab.core.errors import LabError
from lab.stack import actions
from lab.stack.context import EngineContext
from lab.stack.engine import step, unfinished
from lab.stack.model import StackEvent

log = logging.getLogger("lab.stack")

SERVICE = "cloudformation"
ACTIONS: dict[str, Callable[[EngineContext, dict[str, Any]], dict[str, Any]]] = {
    action.__name__: action
    for action in (
        actions.create_stack,
        actions.update_stack,
        actions.delete_stack,
        actions.describe_stacks,
        actions.list_stacks,
        actions.describe_stack_events,
        actions.describe_stack_resources,
        actions.get_template,
        actions.validate_template,
    )
}


class Stacks:
    """CloudFormation on this lab's own actions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._told = len(world.store.all(StackEvent))

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Any AWS action of the lab, CloudFormation's included. Raises LabError."""
        if service != SERVICE:
            return self._world.call(service, operation, request)
        operation_model(service, operation)
        action = ACTIONS.get(xform_name(operation))
        if action is None:
            raise LabError("UnsupportedOperation", f"the lab does not have {service} {operation} yet", status=501)
        check(service, operation, request)
        with self._world.store.transaction():
            return action(self._context(self._world.clock.now()), request)

    def advance(self, now: float) -> bool:
        """One step of every unfinished stack; True when there was any."""
        context = self._context(now)
        moved = [step(context, name) for name in unfinished(self._world.store)]
        self._tell()
        return any(moved)

    def _tell(self) -> None:
        """Log what became of resources since the last time."""
        found = self._world.store.all(StackEvent)
        for event in found[self._told :]:
            if not event.status.endswith("_IN_PROGRESS"):
                log.info("stack %s: %s %s %s", event.stack_name, event.status, event.logical_id, event.reason)
        self._told = len(found)

    def _context(self, now: float) -> EngineContext:
        account, context = self._world.account, self._world.context(now)
        return EngineContext(
            store=self._world.store,
            call=lambda service, operation, request: call_action(context, service, operation, request),
            now=now,
            new_id=self._world.new_id,
            region=account.region,
            account_id=account.account_id,
            zones=account.zones,
        )
