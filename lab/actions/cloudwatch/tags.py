"""Tags of alarms."""

from dataclasses import replace

from lab.actions.cloudwatch.alarms import get_alarm
from lab.actions.context import Context, Request, Response, reads, tag_list, tags_of
from lab.core.cloudwatch.model import MetricAlarm


@reads("ResourceARN", "Tags")
def tag_resource(context: Context, request: Request) -> Response:
    alarm = _by_arn(context, request["ResourceARN"])
    context.store.put(replace(alarm, tags={**alarm.tags, **tags_of(request["Tags"])}))
    return {}


@reads("ResourceARN", "TagKeys")
def untag_resource(context: Context, request: Request) -> Response:
    alarm = _by_arn(context, request["ResourceARN"])
    kept = {key: value for key, value in alarm.tags.items() if key not in request["TagKeys"]}
    context.store.put(replace(alarm, tags=kept))
    return {}


@reads("ResourceARN")
def list_tags_for_resource(context: Context, request: Request) -> Response:
    return {"Tags": tag_list(_by_arn(context, request["ResourceARN"]).tags)}


def _by_arn(context: Context, arn: str) -> MetricAlarm:
    return get_alarm(context, arn.partition(":alarm:")[2])
