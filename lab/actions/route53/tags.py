"""Tags of hosted zones and health checks (bc:route53.ChangeTagsForResource)."""

from dataclasses import replace

from lab.actions.context import Context, Request, Response, reads, tag_list, tags_of
from lab.actions.route53.common import bare, get_check, get_zone, invalid
from lab.core.route53.model import HealthCheck, HostedZone

MOST_TAGS = 50


@reads("ResourceType", "ResourceId", "AddTags", "RemoveTagKeys")
def change_tags_for_resource(context: Context, request: Request) -> Response:
    resource = _resource(context, request)
    added = tags_of(pair for pair in request.get("AddTags", ()) if "Key" in pair)
    tags = {**resource.tags, **added}
    tags = {key: value for key, value in tags.items() if key not in request.get("RemoveTagKeys", ())}
    if len(tags) > MOST_TAGS or not all(1 <= len(key) <= 128 and len(value) <= 256 for key, value in added.items()):
        raise invalid(f"At most {MOST_TAGS} tags, with keys of 1 to 128 characters and values of at most 256")
    context.store.put(replace(resource, tags=tags))
    return {}


@reads("ResourceType", "ResourceId")
def list_tags_for_resource(context: Context, request: Request) -> Response:
    resource = _resource(context, request)
    of = {"ResourceType": request["ResourceType"], "ResourceId": resource.key}
    return {"ResourceTagSet": {**of, "Tags": tag_list(resource.tags)}}


def _resource(context: Context, request: Request) -> HostedZone | HealthCheck:
    match request["ResourceType"]:
        case "hostedzone":
            return get_zone(context, bare(request["ResourceId"]))
        case "healthcheck":
            return get_check(context, request["ResourceId"])
        case other:
            raise invalid(f"ResourceType must be hostedzone or healthcheck, not '{other}'")
