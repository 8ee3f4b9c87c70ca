"""Tags of load balancers, target groups, listeners, rules and trust stores."""

from collections.abc import Mapping
from dataclasses import replace

from lab.actions.context import Context, Request, Response, reads, require, tag_list, tags_of
from lab.actions.elbv2.find import default_listener
from lab.core.elbv2.model import Listener, ListenerRule, LoadBalancer, TargetGroup, TrustStore
from lab.core.errors import LabError

TAGS = 50
Kind = type[LoadBalancer] | type[TargetGroup] | type[Listener] | type[ListenerRule] | type[TrustStore]
KINDS: dict[str, tuple[Kind, str]] = {
    "loadbalancer": (LoadBalancer, "LoadBalancerNotFound"),
    "targetgroup": (TargetGroup, "TargetGroupNotFound"),
    "listener": (Listener, "ListenerNotFound"),
    "listener-rule": (ListenerRule, "RuleNotFound"),
    "truststore": (TrustStore, "TrustStoreNotFound"),
}
"""By the word that begins the last part of an ARN."""


@reads("ResourceArns", "Tags")
def add_tags(context: Context, request: Request) -> Response:
    added = tags_of(request["Tags"])
    for arn in request["ResourceArns"]:
        _put(context, arn, {**_tags(context, arn), **added})
    return {}


@reads("ResourceArns", "TagKeys")
def remove_tags(context: Context, request: Request) -> Response:
    for arn in request["ResourceArns"]:
        _put(context, arn, {key: text for key, text in _tags(context, arn).items() if key not in request["TagKeys"]})
    return {}


@reads("ResourceArns")
def describe_tags(context: Context, request: Request) -> Response:
    arns = request["ResourceArns"]
    return {"TagDescriptions": [{"ResourceArn": arn, "Tags": tag_list(_tags(context, arn))} for arn in arns]}


def _tags(context: Context, arn: str) -> Mapping[str, str]:
    listener = default_listener(context, arn)
    return listener.default_rule_tags if listener is not None else _row(context, arn).tags


def _put(context: Context, arn: str, tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS:
        raise LabError("TooManyTags", f"A resource has at most {TAGS} tags")
    listener = default_listener(context, arn)
    if listener is not None:
        context.store.put(replace(listener, default_rule_tags=tags))
    else:
        context.store.put(replace(_row(context, arn), tags=tags))


def _row(context: Context, arn: str) -> LoadBalancer | TargetGroup | Listener | ListenerRule | TrustStore:
    kind, code = KINDS.get(arn.rpartition(":")[2].partition("/")[0], (LoadBalancer, "LoadBalancerNotFound"))
    return require(context.store, kind, arn, code, f"One or more resources not found: '{arn}'")
