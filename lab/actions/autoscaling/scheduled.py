"""Scheduled actions: put, described, deleted, one by one or in batches (aws-facts §4.4; bc:autoscaling)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lab.actions.autoscaling.groups import get_group
from lab.actions.autoscaling.recurrence import check_recurrence, next_after
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling.scheduled import ScheduledAction, is_over
from lab.core.errors import LabError, ValidationError
from lab.core.times import iso, moment

MOST_ACTIONS = 125
SIZES = {"MinSize": "Min size", "MaxSize": "Max size", "DesiredCapacity": "Desired capacity"}


@reads(
    "AutoScalingGroupName", "ScheduledActionName", "Time", "StartTime", "EndTime", "Recurrence", "TimeZone", "MinSize",
    "MaxSize", "DesiredCapacity",
)  # fmt: skip
def put_scheduled_update_group_action(context: Context, request: Request) -> Response:
    """A new action, or another schedule for the one of that name."""
    _put(context, request["AutoScalingGroupName"], request)
    return {}


@reads("AutoScalingGroupName", "ScheduledUpdateGroupActions")
def batch_put_scheduled_update_group_action(context: Context, request: Request) -> Response:
    """Each on its own: those that fail are named, the others are put."""
    group = get_group(context, request["AutoScalingGroupName"])
    return {
        "FailedScheduledUpdateGroupActions": _failed(
            request["ScheduledUpdateGroupActions"], lambda one: _put(context, group.name, one)
        )
    }


@reads("AutoScalingGroupName", "ScheduledActionNames", "StartTime", "EndTime", "MaxRecords", "NextToken")
def describe_scheduled_actions(context: Context, request: Request) -> Response:
    """Those that have not run for the last time, by when they run next."""
    group, names = request.get("AutoScalingGroupName"), request.get("ScheduledActionNames")
    start, end = (_time(request, member) for member in ("StartTime", "EndTime"))
    found = [
        action
        for action in context.store.all(ScheduledAction)
        if group in (None, action.group)
        and (not names or action.name in names or action.arn in names)
        and (start is None or action.next_at >= start)
        and (end is None or action.next_at <= end)
    ]
    return {"ScheduledUpdateGroupActions": [_shape(one) for one in sorted(found, key=lambda one: one.next_at)]}


@reads("AutoScalingGroupName", "ScheduledActionName")
def delete_scheduled_action(context: Context, request: Request) -> Response:
    _delete(context, request["AutoScalingGroupName"], request["ScheduledActionName"])
    return {}


@reads("AutoScalingGroupName", "ScheduledActionNames")
def batch_delete_scheduled_action(context: Context, request: Request) -> Response:
    group = get_group(context, request["AutoScalingGroupName"])
    names = [{"ScheduledActionName": name} for name in request["ScheduledActionNames"]]
    return {
        "FailedScheduledActions": _failed(names, lambda one: _delete(context, group.name, one["ScheduledActionName"]))
    }


def following(action: ScheduledAction, now: float) -> float | None:
    """When the action runs after `now`, None when it is over."""
    found = next_after(action.recurrence, action.time_zone, now) if action.recurrence else None
    return None if is_over(action, found) else found


def _put(context: Context, group_name: str, request: Mapping[str, Any]) -> None:
    group = get_group(context, group_name)
    name = request["ScheduledActionName"]
    known = context.store.where(ScheduledAction, "group", group.name)
    old = next((one for one in known if one.name == name), None)
    if old is None and len(known) >= MOST_ACTIONS:
        raise LabError("LimitExceeded", f"{group.name} has {MOST_ACTIONS} scheduled actions, and may not have more")
    arn = f"scheduledUpdateGroupAction:{context.new_id('uuid')}:autoScalingGroupName/{group.name}:scheduledActionName/{name}"
    action = ScheduledAction(
        name=name,
        arn=old.arn if old else context.account.arn("autoscaling", arn),
        group=group.name,
        next_at=_first(request, context.now),
        start_time=_start(request),
        end_time=_time(request, "EndTime"),
        recurrence=request.get("Recurrence", ""),
        time_zone=request.get("TimeZone", ""),
        **_sizes(request),
    )
    if is_over(action, action.next_at):
        raise ValidationError(f"The recurrence does not come up before the end time, {iso(action.end_time or 0)}")
    if any(one.next_at == action.next_at for one in known if one.name != name):
        raise LabError(
            "AlreadyExists",
            f"Scheduled action with this scheduled start time already exists: {iso(action.next_at)} on {group.name}",
        )
    context.store.put(action)


def _sizes(request: Mapping[str, Any]) -> dict[str, int | None]:
    low, high, desired = (request.get(member) for member in SIZES)
    if low is None and high is None and desired is None:
        raise ValidationError("At least one of max size, min size, or desired capacity must be specified")
    for member, words in SIZES.items():
        if request.get(member, 0) < 0:
            raise ValidationError(f"{words} must be non-negative; leave {member} out to keep the group's")
    if low is not None and high is not None and low > high:
        raise ValidationError("Min size must be less than or equal to max size")
    if desired is not None and high is not None and desired > high:
        raise ValidationError("Desired capacity must be less than or equal to max size")
    if desired is not None and low is not None and desired < low:
        raise ValidationError("Desired capacity must be greater than or equal to min size")
    return {"min_size": low, "max_size": high, "desired_capacity": desired}


def _first(request: Mapping[str, Any], now: float) -> float:
    """When the action runs first. Raises ValidationError for a schedule that makes no sense."""
    start, end = _start(request), _time(request, "EndTime")
    recurrence, time_zone = request.get("Recurrence", ""), request.get("TimeZone", "")
    if recurrence:
        check_recurrence(recurrence, time_zone)
    elif time_zone:
        raise ValidationError("TimeZone is for a Recurrence; StartTime and EndTime are in UTC")
    if start is None and not recurrence:
        raise ValidationError("Scheduled start time must be specified for non-recurrent future group action")
    if start is not None and start < now:
        raise ValidationError(f"Given start time is in the past: it is {iso(now)} in the lab")
    if end is not None and end < now:
        raise ValidationError(f"Given end time is in the past: it is {iso(now)} in the lab")
    if start is not None and end is not None and end <= start:
        raise ValidationError("Given end time must be after start time")
    if start is not None:
        return start
    found = next_after(recurrence, time_zone, now)
    if found is None:
        raise ValidationError(f"Given recurrence string: {recurrence} is invalid; it never comes up")
    return found


def _start(request: Mapping[str, Any]) -> float | None:
    """`Time` is the old name of StartTime."""
    start = _time(request, "StartTime")
    return _time(request, "Time") if start is None else start


def _time(request: Mapping[str, Any], member: str) -> float | None:
    """botocore takes a time without a zone for UTC."""
    given: datetime | None = request.get(member)
    if given is None:
        return None
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()


def _delete(context: Context, group_name: str, name: str) -> None:
    for action in context.store.where(ScheduledAction, "group", get_group(context, group_name).name):
        if name in (action.name, action.arn):
            context.store.delete(ScheduledAction, action.key)
            return
    raise ValidationError(f"Scheduled action name not found - no scheduled action {name} of {group_name}")


def _failed(requests: Any, do: Any) -> list[dict[str, str]]:
    """What went wrong, by name of the scheduled action."""
    failed = []
    for one in requests:
        try:
            do(one)
        except LabError as error:
            failed.append(
                {
                    "ScheduledActionName": one["ScheduledActionName"],
                    "ErrorCode": error.code,
                    "ErrorMessage": error.message,
                }
            )
    return failed


def _shape(action: ScheduledAction) -> dict[str, Any]:
    """Of a recurring action, AWS shows as its start time when it runs next."""
    start = moment(action.next_at)
    sizes = {"MinSize": action.min_size, "MaxSize": action.max_size, "DesiredCapacity": action.desired_capacity}
    return {
        "AutoScalingGroupName": action.group,
        "ScheduledActionName": action.name,
        "ScheduledActionARN": action.arn,
        "Time": start,
        "StartTime": start,
        **({} if action.end_time is None else {"EndTime": moment(action.end_time)}),
        **({"Recurrence": action.recurrence} if action.recurrence else {}),
        **({"TimeZone": action.time_zone} if action.time_zone else {}),
        **{member: value for member, value in sizes.items() if value is not None},
    }
