"""Listeners and their default actions (aws-facts §1.2, §1.3)."""

from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, tags_of
from lab.actions.elbv2.find import get_listener, get_load_balancer, listeners_of, rules_of
from lab.actions.elbv2.limits import LISTENERS
from lab.actions.elbv2.rule_actions import Place, described_actions
from lab.actions.elbv2.tls import MEMBERS, checked_protocol, described_tls, tls_of
from lab.core.elbv2.model import Listener, ListenerRule
from lab.core.errors import LabError


@reads("LoadBalancerArn", "Protocol", "Port", "DefaultActions", *MEMBERS, "Tags")
def create_listener(context: Context, request: Request) -> Response:
    """A second request with the same settings answers with what is there."""
    balancer = get_load_balancer(context, request["LoadBalancerArn"])
    if "Port" not in request or "Protocol" not in request:
        raise LabError("ValidationError", "A listener needs Port and Protocol")
    arn = f"{balancer.arn.replace(':loadbalancer/', ':listener/')}/{context.new_id('hex16')}"
    place = Place(balancer, checked_protocol(request["Protocol"]), request["Port"])
    listener = Listener(
        arn=arn,
        load_balancer_arn=balancer.arn,
        protocol=place.protocol,
        port=place.port,
        default_actions=described_actions(context, request["DefaultActions"], place),
        tags=tags_of(request.get("Tags")),
        default_rule_arn=f"{arn.replace(':listener/', ':listener-rule/')}/{context.new_id('hex16')}",
        tls=tls_of(context, request, place.protocol, None, balancer.arn),
    )
    others = listeners_of(context, balancer.arn)
    same = next((other for other in others if _settings(other) == _settings(listener)), None)
    if same is not None:
        return {"Listeners": [_listener(same)]}
    if len(others) >= LISTENERS:
        raise LabError("TooManyListeners", f"A load balancer has at most {LISTENERS} listeners")
    _check_port(context, listener)
    context.store.put(listener)
    return {"Listeners": [_listener(listener)]}


@reads("LoadBalancerArn", "ListenerArns", "Marker", "PageSize")
def describe_listeners(context: Context, request: Request) -> Response:
    found = context.store.all(Listener)
    if balancer := request.get("LoadBalancerArn"):
        found = listeners_of(context, get_load_balancer(context, balancer).arn)
    if arns := request.get("ListenerArns"):
        found = [get_listener(context, arn) for arn in arns]
    return {"Listeners": [_listener(listener) for listener in found]}


@reads("ListenerArn", "Port", "Protocol", "DefaultActions", *MEMBERS)
def modify_listener(context: Context, request: Request) -> Response:
    listener = get_listener(context, request["ListenerArn"])
    protocol = checked_protocol(request.get("Protocol", listener.protocol))
    listener = replace(
        listener,
        port=request.get("Port", listener.port),
        protocol=protocol,
        tls=tls_of(context, request, protocol, listener, listener.load_balancer_arn),
    )
    if "DefaultActions" in request:
        balancer = get_load_balancer(context, listener.load_balancer_arn)
        place = Place(balancer, listener.protocol, listener.port, listener.arn)
        listener = replace(listener, default_actions=described_actions(context, request["DefaultActions"], place))
    _check_port(context, listener)
    context.store.put(listener)
    return {"Listeners": [_listener(listener)]}


@reads("ListenerArn")
def delete_listener(context: Context, request: Request) -> Response:
    remove_listener(context, get_listener(context, request["ListenerArn"]))
    return {}


def remove_listener(context: Context, listener: Listener) -> None:
    """With its rules."""
    for rule in rules_of(context, listener.arn):
        context.store.delete(ListenerRule, rule.arn)
    context.store.delete(Listener, listener.arn)


def _settings(listener: Listener) -> tuple[Any, ...]:
    """What makes two requests for a listener the same."""
    return (listener.protocol, listener.port, listener.default_actions, listener.tls)


def _check_port(context: Context, listener: Listener) -> None:
    if not 1 <= listener.port <= 65535:
        raise LabError("ValidationError", f"Port {listener.port} is out of range: 1 to 65535")
    for other in listeners_of(context, listener.load_balancer_arn):
        if other.port == listener.port and other.arn != listener.arn:
            raise LabError("DuplicateListener", "A listener already exists on this port for this load balancer")


def _listener(listener: Listener) -> dict[str, Any]:
    return {
        "ListenerArn": listener.arn,
        "LoadBalancerArn": listener.load_balancer_arn,
        "Port": listener.port,
        "Protocol": listener.protocol,
        "DefaultActions": [dict(action) for action in listener.default_actions],
        **described_tls(listener.tls),
    }
