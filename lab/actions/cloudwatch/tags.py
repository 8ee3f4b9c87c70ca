"""Tags of alarms."""

from dataclasses import replace

from lab.actions.cloudwatch.alarm_checks import MOST_TAGS
from lab.actions.cloudwatch.alarms import find_alarm
from lab.actions.context import Context, Request, Response, reads, tag_list, tags_of
from lab.core.cloudwatch.model import Alarm
from lab.core.errors import LabError


@reads("ResourceARN", "Tags")
def tag_resource(context: Context, request: Request) -> Response:
    alarm = _tagged(context, request)
    tags = {**alarm.tags, **tags_of(request["Tags"])}
    if len(tags) > MOST_TAGS:
        raise LabError("InvalidParameterValue", f"An alarm has at most {MOST_TAGS} tags")
    context.store.put(replace(alarm, tags=tags))
    return {}


@reads("ResourceARN", "TagKeys")
def untag_resource(context: Context, request: Request) -> Response:
    alarm = _tagged(context, request)
    kept = {key: value for key, value in alarm.tags.items() if key not in request["TagKeys"]}
    context.store.put(replace(alarm, tags=kept))
    return {}


@reads("ResourceARN")
def list_tags_for_resource(context: Context, request: Request) -> Response:
    return {"Tags": tag_list(_tagged(context, request).tags)}


def _tagged(context: Context, request: Request) -> Alarm:
    """Raises ResourceNotFoundException: AWS's other actions on alarms call it ResourceNotFound."""
    alarm = find_alarm(context.store, request["ResourceARN"])
    if alarm is None:
        raise LabError("ResourceNotFoundException", f"There is no alarm {request['ResourceARN']}", status=404)
    return alarm
