"""Members that have lived as long as the group allows (asg:asg-max-instance-lifetime). Protection from scale-in keeps them."""

from collections.abc import Iterator, Sequence

from lab.core.autoscaling import causes
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.needs import Need
from lab.core.autoscaling.steps import Kind
from lab.core.autoscaling.view import MemberView


def outlived(group: AutoScalingGroup, views: Sequence[MemberView], now: float) -> Iterator[Need]:
    """The oldest first."""
    if group.max_instance_lifetime is None:
        return
    for view in sorted(views, key=lambda view: (view.member.launched_at, view.id)):
        old = now - view.member.launched_at >= group.max_instance_lifetime
        if old and view.serves and not view.member.protected:
            yield Need(view.id, Kind.LIFETIME, causes.LIFETIME)
