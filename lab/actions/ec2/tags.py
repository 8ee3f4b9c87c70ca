"""Tags of EC2 resources."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, tags_of
from lab.core.ec2.keys import KeyPair
from lab.core.ec2.model import (
    Address,
    Instance,
    InternetGateway,
    LaunchTemplate,
    NatGateway,
    NetworkAcl,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
)
from lab.core.errors import LabError

KINDS: dict[str, Any] = {
    "vpc": Vpc,
    "subnet": Subnet,
    "igw": InternetGateway,
    "nat": NatGateway,
    "eipalloc": Address,
    "rtb": RouteTable,
    "acl": NetworkAcl,
    "sg": SecurityGroup,
    "lt": LaunchTemplate,
    "i": Instance,
    "key": KeyPair,
}
"""Resources with tags, by the prefix of their ids."""


@reads("Resources", "Tags")
def create_tags(context: Context, request: Request) -> Response:
    added = tags_of(request["Tags"])
    for key in added:
        if key.lower().startswith("aws:"):
            raise LabError(
                "InvalidParameterValue",
                f"Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use",
            )
    _change(context, request["Resources"], lambda tags: {**tags, **added})
    return {}


@reads("Resources", "Tags")
def delete_tags(context: Context, request: Request) -> Response:
    """Without Tags, all of them; a tag given with a value goes only if it has that value."""
    doomed = {tag["Key"]: tag.get("Value") for tag in request.get("Tags", ())}

    def kept(tags: Mapping[str, str]) -> dict[str, str]:
        return {
            key: value
            for key, value in tags.items()
            if doomed and (key not in doomed or doomed[key] not in (None, value))
        }

    _change(context, request["Resources"], kept)
    return {}


def _change(context: Context, resources: list[str], change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
    for identity in resources:
        kind = KINDS.get(identity.partition("-")[0])
        row = None if kind is None else context.store.get(kind, identity)
        if row is None:
            raise LabError("InvalidID", f"The ID '{identity}' is not valid")
        context.store.put(replace(row, tags=change(row.tags)))
