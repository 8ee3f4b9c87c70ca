"""Telling and changing the attributes of load balancers, listeners and target groups (aws-facts §1.2, §1.4, §2)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lab.actions.context import Context, Request, Response, reads, tag_list
from lab.actions.elbv2.find import get_listener, get_load_balancer, get_target_group
from lab.actions.elbv2.rule_actions import check_sharing
from lab.core.elbv2.attributes import (
    LISTENER,
    LOAD_BALANCER,
    LOGS,
    RENAMED,
    TARGET_GROUP,
    Table,
    listener_problem,
    load_balancer_problem,
    target_group_problem,
)
from lab.core.elbv2.model import Listener, LoadBalancer
from lab.core.errors import LabError

IPV6 = "ipv6.deny_all_igw_traffic"


@reads("LoadBalancerArn")
def describe_load_balancer_attributes(context: Context, request: Request) -> Response:
    return {"Attributes": _of_load_balancer(get_load_balancer(context, request["LoadBalancerArn"]))}


@reads("LoadBalancerArn", "Attributes")
def modify_load_balancer_attributes(context: Context, request: Request) -> Response:
    balancer = get_load_balancer(context, request["LoadBalancerArn"])
    # What is internal anyway stays so: the one attribute whose default depends on the scheme.
    internal = [{"Key": IPV6, "Value": "true"}] if balancer.scheme == "internal" else []
    changes = [change for change in request["Attributes"] if change not in internal]
    attributes = _changed(balancer.settings, changes, LOAD_BALANCER)
    _refuse(load_balancer_problem(attributes))
    for log in LOGS:
        place = [attributes[f"{log}.{member}"] for member in ("s3.enabled", "s3.bucket", "s3.prefix")]
        before = [balancer.settings[f"{log}.{member}"] for member in ("s3.enabled", "s3.bucket", "s3.prefix")]
        if place[0] == "true" and place != before:
            context.prepare_log_bucket(place[1], place[2])
    balancer = replace(balancer, attributes=attributes)
    context.store.put(balancer)
    return {"Attributes": _of_load_balancer(balancer)}


@reads("ListenerArn")
def describe_listener_attributes(context: Context, request: Request) -> Response:
    return {"Attributes": _of_listener(get_listener(context, request["ListenerArn"]))}


@reads("ListenerArn", "Attributes")
def modify_listener_attributes(context: Context, request: Request) -> Response:
    listener = get_listener(context, request["ListenerArn"])
    attributes = _changed(listener.settings, request["Attributes"], LISTENER)
    _refuse(listener_problem(attributes, listener.protocol))
    listener = replace(listener, attributes=attributes)
    context.store.put(listener)
    return {"Attributes": _of_listener(listener)}


@reads("TargetGroupArn")
def describe_target_group_attributes(context: Context, request: Request) -> Response:
    return {"Attributes": tag_list(get_target_group(context, request["TargetGroupArn"]).settings)}


@reads("TargetGroupArn", "Attributes")
def modify_target_group_attributes(context: Context, request: Request) -> Response:
    group = get_target_group(context, request["TargetGroupArn"])
    attributes = _changed(group.settings, request["Attributes"], TARGET_GROUP)
    _refuse(target_group_problem(attributes))
    check_sharing(context, group, attributes)
    context.store.put(replace(group, attributes=attributes))
    return {"Attributes": tag_list(attributes)}


def _changed(settings: Mapping[str, str], changes: Iterable[Mapping[str, str]], table: Table) -> dict[str, str]:
    """The attributes after the changes. Raises InvalidConfigurationRequest for a key AWS does not have, a value that the key
    does not take, and one that the lab would pass over in silence."""
    attributes = dict(settings)
    for change in changes:
        key, value = change.get("Key", ""), change.get("Value", "")
        if key not in table:
            raise LabError("InvalidConfigurationRequest", f"Attribute key '{key}' is not recognized")
        _refuse(table[key].problem(key, value))
        attributes[key] = value
    return attributes


def _refuse(problem: str | None) -> None:
    if problem is not None:
        raise LabError("InvalidConfigurationRequest", problem)


def _of_load_balancer(balancer: LoadBalancer) -> list[dict[str, str]]:
    internal = {IPV6: "true"} if balancer.scheme == "internal" else {}
    return tag_list({**balancer.settings, **internal})


def _of_listener(listener: Listener) -> list[dict[str, str]]:
    """An HTTP listener has no fields of TLS to rename."""
    shown = {
        key: value for key, value in listener.settings.items() if listener.protocol == "HTTPS" or key not in RENAMED
    }
    return tag_list(shown)
