"""Rows by ARN, with AWS's errors, and what hangs together with what. No operation is here."""

from lab.actions.context import Context, require
from lab.core.elbv2 import model
from lab.core.elbv2.model import (
    Listener,
    ListenerRule,
    LoadBalancer,
    Registration,
    TargetGroup,
    forwarded_to,
)
from lab.core.errors import LabError
from lab.core.store import Store


def get_load_balancer(context: Context, arn: str) -> LoadBalancer:
    message = f"Load balancer '{arn}' not found"
    return require(context.store, LoadBalancer, arn, "LoadBalancerNotFound", message)


def get_listener(context: Context, arn: str) -> Listener:
    return require(context.store, Listener, arn, "ListenerNotFound", f"One or more listeners not found: '{arn}'")


def get_target_group(context: Context, arn: str) -> TargetGroup:
    return require(context.store, TargetGroup, arn, "TargetGroupNotFound", f"Target group '{arn}' not found")


def get_rule(context: Context, arn: str) -> ListenerRule:
    """A rule that may be changed. Raises RuleNotFound, and OperationNotPermitted for a default rule."""
    if default_listener(context, arn) is not None:
        raise LabError(
            "OperationNotPermitted",
            f"The default rule '{arn}' has no priority and no conditions, and goes with its listener; "
            "change its actions with ModifyListener",
        )
    return require(context.store, ListenerRule, arn, "RuleNotFound", f"One or more rules not found: '{arn}'")


def default_listener(context: Context, rule_arn: str) -> Listener | None:
    """The listener whose default rule this is."""
    found = (row for row in context.store.all(Listener) if rule_arn and row.default_rule_arn == rule_arn)
    return next(found, None)


def listeners_of(context: Context, balancer_arn: str) -> list[Listener]:
    return context.store.where(Listener, "load_balancer_arn", balancer_arn)


def rules_of(context: Context, listener_arn: str) -> list[ListenerRule]:
    """In the order in which they are tried, the default rule left out."""
    return sorted(context.store.where(ListenerRule, "listener_arn", listener_arn), key=lambda row: row.priority)


def registrations_of(context: Context, target_group_arn: str) -> list[Registration]:
    return context.store.where(Registration, "target_group_arn", target_group_arn)


def load_balancer_of(context: Context, target_group_arn: str) -> str | None:
    """The ARN of the load balancer whose listeners or rules forward to the target group."""
    return context.store.derived(users_of_groups, Listener, ListenerRule).get(target_group_arn)


def users_of_groups(store: Store) -> dict[str, str]:
    """Target group ARN → the ARN of the load balancer that forwards to it; to be derived from listeners and rules."""
    return model.users_of_groups(store.all(Listener), store.all(ListenerRule))


def groups_of(context: Context, balancer_arn: str, apart_from: str = "") -> set[str]:
    """The target groups that a load balancer forwards to, those of one listener or rule left out."""
    actions = [
        *((row.arn, row.load_balancer_arn, row.default_actions) for row in context.store.all(Listener)),
        *((row.arn, row.load_balancer_arn, row.actions) for row in context.store.all(ListenerRule)),
    ]
    return {
        group
        for arn, owner, found in actions
        if owner == balancer_arn and arn != apart_from
        for group in forwarded_to(found)
    }
