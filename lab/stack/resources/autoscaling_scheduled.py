"""AWS::AutoScaling::ScheduledAction.

An action that has run for the last time is gone, as on AWS; its resource stays until the stack goes, and an update puts it
again.

Source: AWS CloudFormation resource reference, Amazon EC2 Auto Scaling.
"""

from typing import Any

from lab.stack.resources.base import DONE, Progress, ResourceType, Work
from lab.stack.schema import INTEGER, STRING, Property, fixed, free, need

_ACTION: dict[str, Property] = {
    "AutoScalingGroupName": need(fixed(STRING)),
    "DesiredCapacity": free(INTEGER),
    "EndTime": free(STRING),
    "MaxSize": free(INTEGER),
    "MinSize": free(INTEGER),
    "Recurrence": free(STRING),
    "StartTime": free(STRING),
    "TimeZone": free(STRING),
}


def _put(work: Work, name: str) -> str:
    request = {"ScheduledActionName": name, **work.some(" ".join(_ACTION))}
    work.call("autoscaling", "PutScheduledUpdateGroupAction", request)
    return name


def _update(work: Work) -> None:
    _put(work, work.physical_id)


def _delete(work: Work) -> Progress:
    group, name = work.properties["AutoScalingGroupName"], work.physical_id
    asked = {"AutoScalingGroupName": group, "ScheduledActionNames": [name]}
    if work.call("autoscaling", "DescribeScheduledActions", asked)["ScheduledUpdateGroupActions"]:
        request = {"AutoScalingGroupName": group, "ScheduledActionName": name}
        work.call("autoscaling", "DeleteScheduledAction", request)
    return DONE


def _check(given: dict[str, Any]) -> str | None:
    if not {"DesiredCapacity", "MaxSize", "MinSize"} & set(given):
        return "a scheduled action needs one of DesiredCapacity, MaxSize and MinSize"
    if not {"Recurrence", "StartTime"} & set(given):
        return "a scheduled action needs StartTime or Recurrence"
    return None


ACTION = ResourceType(
    "AWS::AutoScaling::ScheduledAction",
    _ACTION,
    create=lambda work: _put(work, work.name),
    update=_update,
    delete=_delete,
    attributes={"ScheduledActionName": lambda call, name, _: name},
    check=_check,
)

TYPES = (ACTION,)
