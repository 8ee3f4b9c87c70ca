"""What a rule does with a request: AWS's list of actions, checked, and brought into the form in which AWS describes it.

Source: alb:rule-action-types; bc:elbv2.Action (aws-facts §1.3).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.actions.context import Context
from lab.actions.elbv2.find import get_target_group, groups_of, load_balancer_of
from lab.actions.elbv2.limits import TARGET_GROUPS_PER_ACTION, TARGET_GROUPS_PER_LOAD_BALANCER
from lab.core.elbv2.attributes import WEEK
from lab.core.elbv2.model import Described, Listener, ListenerRule, LoadBalancer, TargetGroup
from lab.core.errors import LabError

CONTENT_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")
AUTHENTICATION = ("authenticate-oidc", "authenticate-cognito", "jwt-validation")
KEPT = {"Protocol": "#{protocol}", "Port": "#{port}", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}
"""What a redirect keeps where it does not say otherwise."""
PLACEHOLDERS = {
    "Host": {"#{host}"},
    "Path": {"#{host}", "#{path}", "#{port}"},
    "Query": {"#{protocol}", "#{host}", "#{port}", "#{path}", "#{query}"},
}
REDIRECT_LENGTHS = {"Host": range(1, 129), "Path": range(1, 129), "Query": range(129)}
NO_BLANKS = re.compile(r"[\x21-\x7e]*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where actions are to stand: a rule or default rule of a listener (`protocol`, `port`) of the load balancer. `replacing`
    is the ARN of the rule or listener whose actions they replace."""

    balancer: LoadBalancer
    protocol: str
    port: int
    replacing: str = ""


def described_actions(context: Context, given: Iterable[Mapping[str, Any]], place: Place) -> tuple[Described, ...]:
    """AWS's list of actions as it is described: exactly one, which answers or forwards. Raises InvalidLoadBalancerAction and
    AWS's other codes."""
    actions = list(given)
    for action in actions:
        if action["Type"] in AUTHENTICATION:
            raise _invalid(
                f"the lab does not support actions of type {action['Type']}: let the application check who asks, or stub "
                "the identity provider in front of the lab, and leave the action out of the lab's template"
            )
    if len(actions) > 2:
        raise LabError("TooManyActions", "A rule has at most two actions: one that authenticates, and one that routes")
    if len(actions) != 1:
        raise _invalid("A rule must have exactly one action of type forward, redirect or fixed-response")
    [action] = actions
    order = action.get("Order", 1)
    if not 1 <= order <= 50000:
        raise LabError("ValidationError", f"Order {order} is out of range: 1 to 50000")
    kind, member = action["Type"], _MEMBERS.get(action["Type"])
    for name in _MEMBERS.values():
        if name in action and name != member:
            raise _invalid(f"An action of type {kind} has no {name}")
    if kind != "forward" and "TargetGroupArn" in action:
        raise _invalid(f"An action of type {kind} has no TargetGroupArn")
    match kind:
        case "forward":
            body = _forward(context, action, place)
        case "redirect":
            body = {"RedirectConfig": _redirect(action.get("RedirectConfig", {}), place)}
        case "fixed-response":
            body = {"FixedResponseConfig": _fixed_response(action.get("FixedResponseConfig", {}))}
        case _:
            raise _invalid(f"'{kind}' is not a type of action")
    return ({"Type": kind, "Order": order, **body},)


_MEMBERS = {"forward": "ForwardConfig", "redirect": "RedirectConfig", "fixed-response": "FixedResponseConfig"}


def _forward(context: Context, action: Mapping[str, Any], place: Place) -> dict[str, Any]:
    config = action.get("ForwardConfig", {})
    named = action.get("TargetGroupArn")
    pairs = config.get("TargetGroups") or ([{"TargetGroupArn": named}] if named else [])
    arns = [pair.get("TargetGroupArn", "") for pair in pairs]
    if not arns:
        raise _invalid("A forward action needs a target group, in TargetGroupArn or ForwardConfig")
    if named and arns != [named]:
        raise _invalid("TargetGroupArn and ForwardConfig must name the same, one target group")
    if len(arns) > TARGET_GROUPS_PER_ACTION:
        raise _invalid(f"A forward action has at most {TARGET_GROUPS_PER_ACTION} target groups")
    if len(set(arns)) < len(arns):
        raise _invalid("A forward action cannot have a target group twice")
    groups = [get_target_group(context, arn) for arn in arns]
    for group in groups:
        _check_owner(context, group, place.balancer)
    if len(groups_of(context, place.balancer.arn, place.replacing) | set(arns)) > TARGET_GROUPS_PER_LOAD_BALANCER:
        raise LabError(
            "TooManyUniqueTargetGroupsPerLoadBalancer",
            f"A load balancer forwards to at most {TARGET_GROUPS_PER_LOAD_BALANCER} target groups",
        )
    sticky = _group_stickiness(config.get("TargetGroupStickinessConfig", {}))
    problem = weighted_problem([group.settings for group in groups], sticky["Enabled"])
    if problem is not None:
        raise LabError("InvalidConfigurationRequest", problem)
    return {
        **({"TargetGroupArn": arns[0]} if len(arns) == 1 else {}),
        "ForwardConfig": {
            "TargetGroups": [
                {"TargetGroupArn": arn, "Weight": _weight(pair)} for arn, pair in zip(arns, pairs, strict=True)
            ],
            "TargetGroupStickinessConfig": sticky,
        },
    }


def _check_owner(context: Context, group: TargetGroup, balancer: LoadBalancer) -> None:
    if load_balancer_of(context, group.arn) not in (None, balancer.arn):
        raise LabError(
            "TargetGroupAssociationLimit", f"Target group '{group.arn}' is in use by another load balancer already"
        )
    if group.vpc_id != balancer.vpc_id:
        raise LabError(
            "InvalidConfigurationRequest",
            f"Target group '{group.arn}' is not of the load balancer's VPC {balancer.vpc_id}",
        )


def _weight(pair: Mapping[str, Any]) -> int:
    weight = int(pair.get("Weight", 1))
    if not 0 <= weight <= 999:
        raise LabError("ValidationError", f"Weight {weight} is out of range: 0 to 999")
    return weight


def _group_stickiness(config: Mapping[str, Any]) -> dict[str, Any]:
    if not config.get("Enabled", False):
        return {"Enabled": False}
    duration = config.get("DurationSeconds")
    if duration is None or not 1 <= duration <= WEEK:
        raise LabError(
            "ValidationError", f"TargetGroupStickinessConfig needs DurationSeconds, a number from 1 to {WEEK}"
        )
    return {"Enabled": True, "DurationSeconds": duration}


def weighted_problem(groups: Sequence[Mapping[str, str]], group_stickiness: bool) -> str | None:
    """Why target groups of these attributes cannot share one forward action (alb:edit-target-group-attributes)."""
    if len(groups) < 2:
        return None
    sticky = [values for values in groups if values["stickiness.enabled"] == "true"]
    if any(values["stickiness.type"] == "app_cookie" for values in sticky):
        return "a target group with application-based stickiness cannot share an action with other target groups"
    if sticky and not group_stickiness:
        return (
            "You must enable group stickiness on a rule (TargetGroupStickinessConfig) if you enabled target stickiness on "
            "one of its target groups"
        )
    return None


def check_sharing(context: Context, group: TargetGroup, settings: Mapping[str, str]) -> None:
    """Raises InvalidConfigurationRequest when `group`, once it has these attributes, can no longer share the forward actions
    that it is in."""
    for actions in (
        *(row.default_actions for row in context.store.all(Listener)),
        *(row.actions for row in context.store.all(ListenerRule)),
    ):
        for config in (action["ForwardConfig"] for action in actions if action["Type"] == "forward"):
            arns = [pair["TargetGroupArn"] for pair in config["TargetGroups"]]
            if group.arn not in arns:
                continue
            others = [get_target_group(context, arn).settings for arn in arns if arn != group.arn]
            problem = weighted_problem([settings, *others], config["TargetGroupStickinessConfig"]["Enabled"])
            if problem is not None:
                raise LabError("InvalidConfigurationRequest", problem)


def _redirect(config: Mapping[str, Any], place: Place) -> dict[str, Any]:
    whole = {name: str(config.get(name, kept)) for name, kept in KEPT.items()}
    if config.get("StatusCode") not in ("HTTP_301", "HTTP_302"):
        raise _invalid("The StatusCode of a redirect must be HTTP_301 or HTTP_302")
    if re.fullmatch(r"HTTPS?|#\{protocol\}", whole["Protocol"]) is None:
        raise _invalid("The Protocol of a redirect must be HTTP, HTTPS or #{protocol}")
    if place.protocol == "HTTPS" and whole["Protocol"] == "HTTP":
        raise _invalid("A redirect cannot lead from HTTPS to HTTP")
    port = whole["Port"]
    if port != "#{port}" and not (port.isascii() and port.isdecimal() and len(port) < 6 and 1 <= int(port) <= 65535):
        raise _invalid("The Port of a redirect must be #{port} or a number from 1 to 65535")
    for name, lengths in REDIRECT_LENGTHS.items():
        if len(whole[name]) not in lengths or NO_BLANKS.fullmatch(whole[name]) is None:
            raise _invalid(
                f"The {name} of a redirect has {lengths.start} to {lengths.stop - 1} characters, printable ASCII, no blanks"
            )
    if not whole["Path"].startswith("/"):
        raise _invalid("The Path of a redirect must begin with /")
    for name, allowed in PLACEHOLDERS.items():
        for found in re.findall(r"#\{[^}]*\}?", whole[name]):
            if found not in allowed:
                raise _invalid(f"The {name} of a redirect cannot contain {found}")
    same = {"Protocol": place.protocol, "Port": str(place.port)}
    if all(whole[name] in (KEPT[name], same.get(name)) for name in ("Protocol", "Port", "Host", "Path")):
        raise _invalid(
            "The redirect configuration is not valid because it creates a loop: change the protocol, host, port or path"
        )
    return {**whole, "StatusCode": config["StatusCode"]}


def _fixed_response(config: Mapping[str, Any]) -> dict[str, Any]:
    if re.fullmatch(r"[245]\d\d", config.get("StatusCode", ""), re.ASCII) is None:
        raise _invalid("The StatusCode of a fixed response must be 2XX, 4XX or 5XX")
    if len(config.get("MessageBody", "")) > 1024:
        raise _invalid("The MessageBody of a fixed response has at most 1024 characters")
    if config.get("ContentType", "text/plain") not in CONTENT_TYPES:
        raise _invalid(f"ContentType must be one of {', '.join(CONTENT_TYPES)}")
    return dict(config)


def _invalid(message: str) -> LabError:
    return LabError("InvalidLoadBalancerAction", message)
