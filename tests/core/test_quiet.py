"""Until when a group need not be looked at (lab.core.autoscaling.quiet)."""

from dataclasses import replace
from typing import Any

import pytest

from lab.core.autoscaling.hooks import LifecycleHook, begun
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.plan import plan
from lab.core.autoscaling.quiet import LONGEST, SILENCE, quiet_until
from lab.core.autoscaling.view import MemberView
from lab.core.autoscaling.zones import ZoneHold
from tests.core.rows import NOW, TG, A, B, group, member

ACTION = begun(LifecycleHook("install", "autoscaling:EC2_INSTANCE_LAUNCHING", 90.0), "token", NOW - 30)


def view(name: str, zone: str = A, instance: str = "running", targets: str = "healthy", **more: Any) -> MemberView:
    return MemberView(member(name, zone, **more), instance, "", ((TG, targets),))


def alone(**more: Any) -> AutoScalingGroup:
    """Without targets: time alone brings nothing."""
    return group(target_group_arns=(), traffic_states=(), health_check_type="EC2", **more)


@pytest.mark.parametrize(
    ("scaled", "second", "seconds"),
    [
        (alone(), {}, LONGEST),
        (group(), {}, SILENCE),
        (group(health_check_type="EC2"), {}, LONGEST),
        (group(deleting=True), {}, 0.0),
        (group(traffic_states=((TG, "Added"),)), {}, 0.0),
        (group(traffic_states=((TG, "InService"), ("gone", "Removing"))), {}, 0.0),
        (alone(launch_not_before=NOW + 15), {}, 15.0),
        (alone(launch_not_before=NOW - 15), {}, LONGEST),
        (alone(zone_holds=(ZoneHold(B, 1, NOW + 40), ZoneHold(A, 1, NOW - 40))), {}, 40.0),
        (alone(launch_failing_since=NOW - 86400 + 50), {}, 50.0),
        (alone(max_instance_lifetime=1000.0 + 70), {}, 70.0),
        (alone(max_instance_lifetime=500.0), {}, 0.0),
        (alone(default_instance_warmup=1001.0), {}, 0.0),
        (alone(), {"state": "Pending", "instance": "pending", "in_service_at": None}, LONGEST),
        (alone(), {"state": "Pending:Wait", "actions": (ACTION,), "in_service_at": None}, 60.0),
        (alone(), {"state": "Pending:Wait", "actions": (replace(ACTION, result="CONTINUE"),)}, 0.0),
        (alone(), {"state": "Terminating"}, 0.0),
        (alone(), {"state": "Standby"}, LONGEST),
        (alone(), {"state": "EnteringStandby"}, 0.0),
        (alone(), {"instance": "stopped"}, 0.0),
        (alone(), {"health": "Unhealthy"}, 0.0),
        (alone(), {"targets": "unhealthy"}, 0.0),
        (alone(), {"leaving_kind": "refresh"}, 0.0),
    ],
)
def test_how_long_a_group_may_rest(scaled: AutoScalingGroup, second: dict[str, Any], seconds: float) -> None:
    assert quiet_until(scaled, [view("1"), view("2", B, **second)], NOW) == NOW + seconds


def test_a_group_that_rests_has_nothing_due_before_its_time() -> None:
    scaled, views = alone(max_instance_lifetime=2000.0), [view("1"), view("2", B)]
    end = quiet_until(scaled, views, NOW)
    assert plan(scaled, views, end - 0.1) == ()
    assert plan(scaled, views, end) != ()
