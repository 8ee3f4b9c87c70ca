"""Rules of listeners: which request gets which action (aws-facts §1.3, §10.3). The default rule is part of its listener."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, tags_of
from lab.actions.elbv2.conditions import described_conditions, described_transforms
from lab.actions.elbv2.find import default_listener, get_listener, get_load_balancer, get_rule, rules_of
from lab.actions.elbv2.limits import RULES
from lab.actions.elbv2.rule_actions import Place, described_actions
from lab.core.elbv2.model import Listener, ListenerRule
from lab.core.errors import LabError, ValidationError


@reads("ListenerArn", "Conditions", "Priority", "Actions", "Tags", "Transforms")
def create_rule(context: Context, request: Request) -> Response:
    listener = get_listener(context, request["ListenerArn"])
    priority = _priority(request["Priority"])
    of_balancer = [
        row for row in context.store.all(ListenerRule) if row.load_balancer_arn == listener.load_balancer_arn
    ]
    if len(of_balancer) >= RULES:
        raise LabError("TooManyRules", f"A load balancer has at most {RULES} rules, its default rules not counted")
    rule = ListenerRule(
        arn=f"{listener.arn.replace(':listener/', ':listener-rule/')}/{context.new_id('hex16')}",
        listener_arn=listener.arn,
        load_balancer_arn=listener.load_balancer_arn,
        priority=priority,
        conditions=described_conditions(request["Conditions"]),
        actions=described_actions(context, request["Actions"], _place(context, listener)),
        transforms=described_transforms(request.get("Transforms", ())),
        tags=tags_of(request.get("Tags")),
    )
    _check_priorities([*rules_of(context, listener.arn), rule])
    context.store.put(rule)
    return {"Rules": [_rule(rule)]}


@reads("ListenerArn", "RuleArns", "Marker", "PageSize")
def describe_rules(context: Context, request: Request) -> Response:
    """Of a listener, in the order in which they are tried, the default rule last; or those named."""
    if ("ListenerArn" in request) == ("RuleArns" in request):
        raise ValidationError("You must specify either a listener or rules")
    if "RuleArns" in request:
        return {"Rules": [_named(context, arn) for arn in request["RuleArns"]]}
    listener = get_listener(context, request["ListenerArn"])
    return {"Rules": [*map(_rule, rules_of(context, listener.arn)), _default(listener)]}


@reads("RuleArn", "Conditions", "Actions", "Transforms", "ResetTransforms")
def modify_rule(context: Context, request: Request) -> Response:
    """Each list that is given replaces the one that is there."""
    rule = get_rule(context, request["RuleArn"])
    if "Transforms" in request and request.get("ResetTransforms"):
        raise ValidationError("Specify either Transforms or ResetTransforms, not both")
    changes: dict[str, Any] = {}
    if "Conditions" in request:
        changes["conditions"] = described_conditions(request["Conditions"])
    if "Actions" in request:
        place = _place(context, get_listener(context, rule.listener_arn), rule.arn)
        changes["actions"] = described_actions(context, request["Actions"], place)
    if "Transforms" in request or request.get("ResetTransforms"):
        changes["transforms"] = described_transforms(request.get("Transforms", ()))
    rule = replace(rule, **changes)
    context.store.put(rule)
    return {"Rules": [_rule(rule)]}


@reads("RuleArn")
def delete_rule(context: Context, request: Request) -> Response:
    context.store.delete(ListenerRule, get_rule(context, request["RuleArn"]).arn)
    return {}


@reads("RulePriorities")
def set_rule_priorities(context: Context, request: Request) -> Response:
    """All at once: rules may change places. Those that are not named keep their priority."""
    pairs = request["RulePriorities"]
    changed = [replace(get_rule(context, pair["RuleArn"]), priority=_priority(pair["Priority"])) for pair in pairs]
    if len({rule.arn for rule in changed}) < len(changed):
        raise ValidationError("A rule cannot be named twice")
    new = {rule.arn: rule for rule in changed}
    for listener_arn in {rule.listener_arn for rule in changed}:
        _check_priorities([new.get(rule.arn, rule) for rule in rules_of(context, listener_arn)])
    for rule in changed:
        context.store.put(rule)
    return {"Rules": [_rule(rule) for rule in changed]}


def _place(context: Context, listener: Listener, replacing: str = "") -> Place:
    balancer = get_load_balancer(context, listener.load_balancer_arn)
    return Place(balancer, listener.protocol, listener.port, replacing)


def _priority(number: int) -> int:
    if not 1 <= number <= 50000:
        raise ValidationError(f"Priority {number} is out of range: 1 to 50000")
    return number


def _check_priorities(rules: list[ListenerRule]) -> None:
    """`rules` are those of one listener."""
    for priority, count in Counter(rule.priority for rule in rules).items():
        if count > 1:
            raise LabError("PriorityInUse", f"Priority '{priority}' is currently in use")


def _named(context: Context, arn: str) -> Mapping[str, Any]:
    listener = default_listener(context, arn)
    return _default(listener) if listener is not None else _rule(get_rule(context, arn))


def _rule(rule: ListenerRule) -> dict[str, Any]:
    return {
        "RuleArn": rule.arn,
        "Priority": str(rule.priority),
        "Conditions": [dict(condition) for condition in rule.conditions],
        "Actions": [dict(action) for action in rule.actions],
        "Transforms": [dict(transform) for transform in rule.transforms],
        "IsDefault": False,
    }


def _default(listener: Listener) -> dict[str, Any]:
    return {
        "RuleArn": listener.default_rule_arn,
        "Priority": "default",
        "Conditions": [],
        "Actions": [dict(action) for action in listener.default_actions],
        "Transforms": [],
        "IsDefault": True,
    }
