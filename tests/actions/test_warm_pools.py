"""Warm pools as callers see them: settings, checks, errors (bc:autoscaling.PutWarmPoolType)."""

from dataclasses import replace
from typing import Any

import pytest

from lab.core.autoscaling.model import AutoScalingGroup, Member
from lab.core.autoscaling.warm_pool import WarmPool
from tests.actions.conftest import Site
from tests.core.rows import member


def put(site: Site, **members: Any) -> None:
    site.aws("autoscaling", "PutWarmPool", AutoScalingGroupName=site.group, **members)


def described(site: Site, **members: Any) -> dict[str, Any]:
    return site.aws("autoscaling", "DescribeWarmPool", AutoScalingGroupName=site.group, **members)


def pooled(site: Site, *states: str) -> list[str]:
    rows = [member(f"{number}", group=site.group, state=state) for number, state in enumerate(states)]
    for row in rows:
        site.aws.store.put(row)
    return [row.instance_id for row in rows]


def test_a_pool_has_awss_defaults_and_keeps_what_is_left_out(site: Site) -> None:
    assert described(site) == {"Instances": []}
    put(site)
    assert described(site)["WarmPoolConfiguration"] == {"MinSize": 0, "PoolState": "Stopped"}
    put(site, MinSize=2, MaxGroupPreparedCapacity=5, PoolState="Running", InstanceReusePolicy={"ReuseOnScaleIn": True})
    put(site, MinSize=1)
    assert described(site)["WarmPoolConfiguration"] == {
        "MinSize": 1,
        "MaxGroupPreparedCapacity": 5,
        "PoolState": "Running",
        "InstanceReusePolicy": {"ReuseOnScaleIn": True},
    }
    put(site, MaxGroupPreparedCapacity=-1, InstanceReusePolicy={"ReuseOnScaleIn": False})
    assert described(site)["WarmPoolConfiguration"] == {"MinSize": 1, "PoolState": "Running"}


@pytest.mark.parametrize(
    "members",
    [{"MinSize": -1}, {"MaxGroupPreparedCapacity": -2}, {"PoolState": "Asleep"}, {"PoolState": "Hibernated"}],
)
def test_what_cannot_be_put(site: Site, members: dict[str, Any]) -> None:
    refused = site.aws.refusal("autoscaling", "PutWarmPool", AutoScalingGroupName=site.group, **members)
    assert refused == "ValidationError"


def test_a_pool_hibernates_if_the_launch_template_lets_it(site: Site) -> None:
    template = site.aws.launch_template("sleeper", HibernationOptions={"Configured": True})
    site.aws("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=site.group,
             LaunchTemplate={"LaunchTemplateId": template})  # fmt: skip
    put(site, PoolState="Hibernated")
    assert described(site)["WarmPoolConfiguration"]["PoolState"] == "Hibernated"


def test_its_instances_are_shown_in_pages_and_apart_from_the_groups(site: Site) -> None:
    put(site)
    names = pooled(site, "Warmed:Stopped", "Warmed:Pending", "Warmed:Terminating", "InService")
    assert [one["InstanceId"] for one in described(site)["Instances"]] == names[:3]
    first = described(site, MaxRecords=2)
    assert [one["InstanceId"] for one in first["Instances"]] == names[:2]
    rest = described(site, MaxRecords=2, NextToken=first["NextToken"])
    assert [one["InstanceId"] for one in rest["Instances"]] == names[2:3]
    [group] = site.aws("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"]
    assert [one["InstanceId"] for one in group["Instances"]] == names[3:]
    assert group["WarmPoolSize"] == 3
    shown = site.aws("autoscaling", "DescribeAutoScalingInstances", InstanceIds=names)["AutoScalingInstances"]
    assert [one["LifecycleState"] for one in shown] == [
        "Warmed:Stopped",
        "Warmed:Pending",
        "Warmed:Terminating",
        "InService",
    ]


def test_a_pool_with_instances_is_deleted_by_force_only(site: Site) -> None:
    put(site)
    [name] = pooled(site, "Warmed:Stopped")
    refused = site.aws.refusal("autoscaling", "DeleteWarmPool", AutoScalingGroupName=site.group)
    assert refused == "ResourceInUse"
    site.aws("autoscaling", "DeleteWarmPool", AutoScalingGroupName=site.group, ForceDelete=True)
    assert described(site)["WarmPoolConfiguration"]["Status"] == "PendingDelete"
    refused = site.aws.refusal("autoscaling", "PutWarmPool", AutoScalingGroupName=site.group)
    assert refused == "ResourceContention"
    row = site.aws.store.get(Member, name)
    assert row is not None
    assert row.unhooked


def test_an_empty_pool_is_gone_at_once(site: Site) -> None:
    put(site)
    site.aws("autoscaling", "DeleteWarmPool", AutoScalingGroupName=site.group)
    assert site.aws.store.all(WarmPool) == []
    refused = site.aws.refusal("autoscaling", "DeleteWarmPool", AutoScalingGroupName=site.group)
    assert refused == "ValidationError"


def test_the_pool_waits_for_an_instance_refresh(site: Site) -> None:
    site.aws("autoscaling", "StartInstanceRefresh", AutoScalingGroupName=site.group)
    refused = site.aws.refusal("autoscaling", "PutWarmPool", AutoScalingGroupName=site.group)
    assert refused == "InstanceRefreshInProgress"


def test_terminating_an_instance_of_the_pool_leaves_the_desired_capacity_alone(site: Site) -> None:
    put(site)
    [name] = pooled(site, "Warmed:Stopped")
    group = site.aws.store.get(AutoScalingGroup, site.group)
    assert group is not None
    site.aws.store.put(replace(group, desired_capacity=1, min_size=1))
    answer = site.aws("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=name,
                      ShouldDecrementDesiredCapacity=True)  # fmt: skip
    assert answer["Activity"]["Description"] == f"Terminating EC2 instance from warm pool: {name}"
    after = site.aws.store.get(AutoScalingGroup, site.group)
    assert after is not None
    assert after.desired_capacity == 1
    row = site.aws.store.get(Member, name)
    assert row is not None
    assert row.state == "Warmed:Terminating"


@pytest.mark.parametrize("action", ["EnterStandby", "DetachInstances"])
def test_an_instance_of_the_pool_is_not_in_service(site: Site, action: str) -> None:
    put(site)
    names = pooled(site, "Warmed:Stopped")
    refused = site.aws.refusal("autoscaling", action, AutoScalingGroupName=site.group, InstanceIds=names,
                               ShouldDecrementDesiredCapacity=True)  # fmt: skip
    assert refused == "ValidationError"
