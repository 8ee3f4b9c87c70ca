"""The decisions of groups, newest first, as data and as sentences: what `lab why` prints."""

from dataclasses import asdict
from typing import Any

from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import Decision
from lab.core.autoscaling.story import sentences
from lab.core.errors import LabError
from lab.core.store import Store


def decisions(store: Store, group: str, last: int) -> dict[str, Any]:
    """The newest `last` ones of the group, of all groups when it is empty. Raises LabError when there is no such group."""
    if group and store.get(AutoScalingGroup, group) is None:
        known = ", ".join(one.name for one in store.all(AutoScalingGroup)) or "none"
        raise LabError("ValidationError", f"there is no Auto Scaling group {group}; there is {known}", status=404)
    found = store.where(Decision, "group", group) if group else store.all(Decision)
    newest = sorted(found, key=lambda one: one.until, reverse=True)[:last]
    return {"decisions": [{**asdict(one), "until": one.until, "sentences": sentences(one)} for one in newest]}
