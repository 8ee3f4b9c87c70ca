"""Listeners and their default actions (aws-facts §1.2, §1.3)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tags_of
from lab.actions.elbv2.load_balancers import get_load_balancer
from lab.actions.elbv2.target_groups import get_target_group, load_balancers_of
from lab.core.elbv2.model import Listener
from lab.core.errors import LabError

CONTENT_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")


@reads("LoadBalancerArn", "Protocol", "Port", "DefaultActions", "Tags")
def create_listener(context: Context, request: Request) -> Response:
    balancer = get_load_balancer(context, request["LoadBalancerArn"])
    if "Port" not in request or "Protocol" not in request:
        raise LabError("ValidationError", "A listener needs Port and Protocol")
    actions = _actions(context, request["DefaultActions"], balancer.arn)
    listener = Listener(
        arn=f"{balancer.arn.replace(':loadbalancer/', ':listener/')}/{context.new_id('hex16')}",
        load_balancer_arn=balancer.arn,
        protocol=_protocol(request["Protocol"]),
        port=request["Port"],
        default_actions=actions,
        tags=tags_of(request.get("Tags")),
    )
    _check_port(context, listener)
    context.store.put(listener)
    return {"Listeners": [_listener(listener)]}


@reads("LoadBalancerArn", "ListenerArns", "Marker", "PageSize")
def describe_listeners(context: Context, request: Request) -> Response:
    found = context.store.all(Listener)
    if balancer := request.get("LoadBalancerArn"):
        arn = get_load_balancer(context, balancer).arn
        found = [listener for listener in found if listener.load_balancer_arn == arn]
    if arns := request.get("ListenerArns"):
        found = [_get(context, arn) for arn in arns]
    return {"Listeners": [_listener(listener) for listener in found]}


@reads("ListenerArn", "Port", "Protocol", "DefaultActions")
def modify_listener(context: Context, request: Request) -> Response:
    listener = _get(context, request["ListenerArn"])
    if "DefaultActions" in request:
        actions = _actions(context, request["DefaultActions"], listener.load_balancer_arn)
        listener = replace(listener, default_actions=actions)
    listener = replace(
        listener,
        port=request.get("Port", listener.port),
        protocol=_protocol(request.get("Protocol", listener.protocol)),
    )
    _check_port(context, listener)
    context.store.put(listener)
    return {"Listeners": [_listener(listener)]}


@reads("ListenerArn")
def delete_listener(context: Context, request: Request) -> Response:
    context.store.delete(Listener, _get(context, request["ListenerArn"]).arn)
    return {}


def _get(context: Context, arn: str) -> Listener:
    return require(context.store, Listener, arn, "ListenerNotFound", f"One or more listeners not found: '{arn}'")


def _protocol(name: str) -> str:
    if name != "HTTP":
        raise LabError("UnsupportedProtocol", f"the lab supports listeners of protocol HTTP, not {name} yet")
    return name


def _check_port(context: Context, listener: Listener) -> None:
    if not 1 <= listener.port <= 65535:
        raise LabError("ValidationError", f"Port {listener.port} is out of range: 1 to 65535")
    for other in context.store.all(Listener):
        same = other.load_balancer_arn == listener.load_balancer_arn and other.port == listener.port
        if same and other.arn != listener.arn:
            raise LabError("DuplicateListener", "A listener already exists on this port for this load balancer")


def _actions(context: Context, given: Iterable[Mapping[str, Any]], balancer_arn: str) -> tuple[Mapping[str, Any], ...]:
    """AWS's list of actions, checked and in the form describe shows: exactly one that ends the request."""
    actions = tuple(given)
    if len(actions) != 1:
        raise LabError("InvalidLoadBalancerAction", "The lab supports exactly one action: forward or fixed-response")
    action = actions[0]
    match action.get("Type"):
        case "forward":
            return (_forward(context, action, balancer_arn),)
        case "fixed-response":
            return (_fixed_response(action),)
    raise LabError("InvalidLoadBalancerAction", f"the lab does not support actions of type {action.get('Type')} yet")


def _forward(context: Context, action: Mapping[str, Any], balancer_arn: str) -> dict[str, Any]:
    config = action.get("ForwardConfig", {})
    groups = config.get("TargetGroups") or [{"TargetGroupArn": action.get("TargetGroupArn", "")}]
    if not 1 <= len(groups) <= 5:
        raise LabError("TooManyActions", "A forward action has one to five target groups")
    if config.get("TargetGroupStickinessConfig", {}).get("Enabled", False):
        raise LabError("InvalidLoadBalancerAction", "the lab does not support target group stickiness yet")
    weighted = []
    for group in groups:
        arn = get_target_group(context, group.get("TargetGroupArn", "")).arn
        if any(other != balancer_arn for other in load_balancers_of(context, arn)):
            raise LabError(
                "TargetGroupAssociationLimit", f"Target group '{arn}' is in use by another load balancer already"
            )
        weight = group.get("Weight", 1)
        if not 0 <= weight <= 999:
            raise LabError("ValidationError", f"Weight {weight} is out of range: 0 to 999")
        weighted.append({"TargetGroupArn": arn, "Weight": weight})
    return {
        "Type": "forward",
        "Order": action.get("Order", 1),
        **({"TargetGroupArn": weighted[0]["TargetGroupArn"]} if len(weighted) == 1 else {}),
        "ForwardConfig": {"TargetGroups": weighted, "TargetGroupStickinessConfig": {"Enabled": False}},
    }


def _fixed_response(action: Mapping[str, Any]) -> dict[str, Any]:
    config = action.get("FixedResponseConfig", {})
    if re.fullmatch(r"[245]\d\d", config.get("StatusCode", "")) is None:
        raise LabError("InvalidLoadBalancerAction", "The StatusCode of a fixed response must be 2XX, 4XX or 5XX")
    if len(config.get("MessageBody", "")) > 1024:
        raise LabError("InvalidLoadBalancerAction", "The MessageBody of a fixed response has at most 1024 characters")
    if config.get("ContentType", "text/plain") not in CONTENT_TYPES:
        raise LabError("InvalidLoadBalancerAction", f"ContentType must be one of {', '.join(CONTENT_TYPES)}")
    return {"Type": "fixed-response", "Order": action.get("Order", 1), "FixedResponseConfig": dict(config)}


def _listener(listener: Listener) -> dict[str, Any]:
    return {
        "ListenerArn": listener.arn,
        "LoadBalancerArn": listener.load_balancer_arn,
        "Port": listener.port,
        "Protocol": listener.protocol,
        "DefaultActions": [dict(action) for action in listener.default_actions],
    }
