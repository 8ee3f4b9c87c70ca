"""AWS::AutoScaling::WarmPool.

Source: AWS CloudFormation resource reference, Amazon EC2 Auto Scaling.
"""

from typing import Any

from lab.core.errors import LabError
from lab.stack.resources.base import DONE, WAITING, Progress, ResourceType, Work
from lab.stack.schema import BOOLEAN, INTEGER, STRING, fixed, free, map_of, need, one_of

_DEFAULTS: dict[str, Any] = {
    "InstanceReusePolicy": {"ReuseOnScaleIn": False},
    "MaxGroupPreparedCapacity": -1,
    "MinSize": 0,
    "PoolState": "Stopped",
}
"""What the API is told when a property is taken away: it leaves alone what it is not told."""


def _put(work: Work) -> str:
    group: str = work.properties["AutoScalingGroupName"]
    request = {**work.resets(_DEFAULTS), **work.some(" ".join(_DEFAULTS))}
    work.call("autoscaling", "PutWarmPool", {"AutoScalingGroupName": group, **request})
    return group


def _update(work: Work) -> None:
    _put(work)


def _delete(work: Work) -> Progress:
    """Its instances go with it."""
    group = {"AutoScalingGroupName": work.physical_id}
    try:
        found = work.call("autoscaling", "DescribeWarmPool", group).get("WarmPoolConfiguration")
        if found is None:
            return DONE
        if found.get("Status") != "PendingDelete":
            work.call("autoscaling", "DeleteWarmPool", {**group, "ForceDelete": True})
    except LabError as error:
        if error.code == "ValidationError":  # the group itself is gone
            return DONE
        raise
    return WAITING


WARM_POOL = ResourceType(
    "AWS::AutoScaling::WarmPool",
    {
        "AutoScalingGroupName": need(fixed(STRING)),
        "InstanceReusePolicy": free(map_of({"ReuseOnScaleIn": BOOLEAN})),
        "MaxGroupPreparedCapacity": free(INTEGER),
        "MinSize": free(INTEGER),
        "PoolState": free(one_of("Hibernated Running Stopped")),
    },
    create=_put,
    update=_update,
    delete=_delete,
)

TYPES = (WARM_POOL,)
