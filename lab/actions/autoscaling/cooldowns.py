"""Whether a group is in its cooldown, for those who ask to honour it."""

from lab.actions.context import Context
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.autoscaling.simple import waits
from lab.core.errors import LabError


def check_cooldown(context: Context, group: AutoScalingGroup, cooldown: float) -> None:
    """Raises ScalingActivityInProgress while an activity is in progress or the cooldown, in lab seconds, lasts."""
    members = context.store.where(Member, "group", group.name)
    activities = context.store.where(Activity, "group", group.name)
    held = waits(group, members, activities, cooldown, context.now)
    if held:
        raise LabError("ScalingActivityInProgress", f"{group.name}: {held}")
