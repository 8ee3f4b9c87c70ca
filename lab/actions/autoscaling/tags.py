"""Tags of groups (asg:ec2-auto-scaling-tagging)."""

from dataclasses import replace
from typing import Any

from lab.actions.autoscaling.groups import get_group
from lab.actions.autoscaling.paging import page
from lab.actions.autoscaling.settings import tag_of
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.errors import ValidationError

FILTERS = {
    "auto-scaling-group": "ResourceId",
    "key": "Key",
    "value": "Value",
    "propagate-at-launch": "PropagateAtLaunch",
}
"""By filter, the member that it looks at (bc:autoscaling.Filter)."""


@reads("Tags")
def create_or_update_tags(context: Context, request: Request) -> Response:
    for row in request["Tags"]:
        group = get_group(context, row.get("ResourceId", ""))
        kept = tuple(tag for tag in group.tags if tag.key != row["Key"])
        context.store.put(replace(group, tags=(*kept, tag_of(row))))
    return {}


@reads("Tags")
def delete_tags(context: Context, request: Request) -> Response:
    for row in request["Tags"]:
        group = get_group(context, row.get("ResourceId", ""))
        context.store.put(replace(group, tags=tuple(tag for tag in group.tags if tag.key != row["Key"])))
    return {}


@reads("Filters", "MaxRecords", "NextToken")
def describe_tags(context: Context, request: Request) -> Response:
    found = [shape for group in context.store.all(AutoScalingGroup) for shape in tag_shapes(group)]
    for entry in request.get("Filters", ()):
        name, values = entry.get("Name", ""), entry.get("Values", ())
        if name not in FILTERS:
            raise ValidationError(f"The filter '{name}' is none of {', '.join(FILTERS)}")
        found = [shape for shape in found if _text(shape[FILTERS[name]]) in values]
    shown, more = page(request, found, 50, 100)
    return {"Tags": list(shown), **more}


def tag_shapes(group: AutoScalingGroup) -> list[dict[str, Any]]:
    return [
        {
            "ResourceId": group.name,
            "ResourceType": "auto-scaling-group",
            "Key": tag.key,
            "Value": tag.value,
            "PropagateAtLaunch": tag.propagate_at_launch,
        }
        for tag in group.tags
    ]


def _text(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()
