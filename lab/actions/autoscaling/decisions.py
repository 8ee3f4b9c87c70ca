"""Carries decisions out: the log and the group's capacity, with its reason, in one transaction."""

from dataclasses import replace

from lab.actions.context import Context
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import Decision
from lab.core.autoscaling.record import KEPT, asked, folded, surplus
from lab.core.store import Store


def record(store: Store, decision: Decision) -> None:
    """Keep the decision, folded into the one before it when that said the same."""
    earlier = store.where(Decision, "group", decision.group)
    store.put(folded(decision, earlier))
    if len(earlier) >= KEPT:
        for old in surplus(store.where(Decision, "group", decision.group)):
            store.delete(Decision, old.key)


def carry_out(store: Store, group: AutoScalingGroup, decision: Decision, cause: str) -> AutoScalingGroup:
    """Keep the decision and give the group the capacity it came to; `cause` is the sentence its activities will begin with.
    Answers the group as it is then."""
    record(store, decision)
    if decision.desired == group.desired_capacity:
        return group
    changed = replace(group, desired_capacity=decision.desired, capacity_cause=cause)
    store.put(changed)
    return changed


def keep(context: Context, before: AutoScalingGroup, after: AutoScalingGroup, action: str) -> None:
    """A user's action, by its name, has changed the group."""
    context.store.put(after)
    if before.desired_capacity != after.desired_capacity or action == "SetDesiredCapacity":
        record(context.store, asked(before, after, action, context.now, context.new_id("uuid")))


def forget(store: Store, group_name: str) -> None:
    """With the group."""
    for decision in store.where(Decision, "group", group_name):
        store.delete(Decision, decision.key)
