"""PutCompositeAlarm (bc:cloudwatch.PutCompositeAlarm, cw:alarm-combining)."""

from dataclasses import replace

from lab.actions.cloudwatch.alarm_checks import check_common, check_length
from lab.actions.cloudwatch.alarms import check_name_is_free, dependents, find_alarm, put_alarm
from lab.actions.context import Context, Request, Response, reads, tags_of
from lab.core.cloudwatch.model import CompositeAlarm
from lab.core.cloudwatch.rule import Rule, children, name_of
from lab.core.cloudwatch.rule_parser import RuleError, parse
from lab.core.errors import LabError, ValidationError
from lab.core.store import Store

LONGEST_RULE, MOST_CHILDREN, MOST_PARENTS = 10240, 100, 150


@reads(
    "AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions",
    "AlarmRule", "ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod", "Tags",
)  # fmt: skip
def put_composite_alarm(context: Context, request: Request) -> Response:
    """A new alarm is in INSUFFICIENT_DATA until its rule is looked at, at once. Putting one again keeps its state; the rule
    is looked at again, and a wait or extension period ends when the suppressor is another one."""
    check_common(context, request, composite=True)
    alarm = _alarm(context, request)
    check_name_is_free(context, alarm)
    _check_rule(context.store, alarm.name, request["AlarmRule"])
    _check_suppressor(context.store, request)
    known = context.store.get(CompositeAlarm, alarm.name)
    if known is not None:
        kept = known.suppressor == alarm.suppressor
        alarm = replace(
            alarm,
            state=known.state,
            state_reason=known.state_reason,
            state_reason_data=known.state_reason_data,
            state_updated_at=known.state_updated_at,
            suppressed_by=known.suppressed_by if kept else "",
            suppressed_until=known.suppressed_until if kept else 0.0,
            acted_at=known.acted_at,
            results=known.results,
            tags=known.tags,
        )
    put_alarm(context, alarm, created=known is None)
    return {}


def _alarm(context: Context, request: Request) -> CompositeAlarm:
    name = request["AlarmName"]
    return CompositeAlarm(
        name=name,
        arn=context.account.arn("cloudwatch", f"alarm:{name}"),
        description=request.get("AlarmDescription", ""),
        rule=request["AlarmRule"],
        configured_at=context.now,
        alarm_actions=tuple(request.get("AlarmActions", ())),
        ok_actions=tuple(request.get("OKActions", ())),
        insufficient_data_actions=tuple(request.get("InsufficientDataActions", ())),
        actions_enabled=request.get("ActionsEnabled", True),
        suppressor=name_of(request.get("ActionsSuppressor", "")),
        wait_period=request.get("ActionsSuppressorWaitPeriod"),
        extension_period=request.get("ActionsSuppressorExtensionPeriod"),
        state_updated_at=context.now,
        acted_at=context.now,
        tags=tags_of(request.get("Tags")),
    )


def _check_rule(store: Store, name: str, source: str) -> None:
    check_length("AlarmRule", source, 1, LONGEST_RULE)
    if source != source.strip():
        raise ValidationError("AlarmRule must not contain leading or trailing whitespace or be null")
    names = children(_parsed(source))
    if len(names) > MOST_CHILDREN:
        raise ValidationError(f"AlarmRule names {len(names)} alarms; at most {MOST_CHILDREN} are allowed")
    absent = [child for child in names if find_alarm(store, child) is None and child != name]
    if absent:
        listed = ", ".join(absent)
        raise ValidationError(f"Could not save the composite alarm as alarms [{listed}] in the alarm rule do not exist")
    circle = _circle(store, name, names)
    if circle:
        raise ValidationError(f"AlarmRule would make the alarm depend on itself: {' → '.join(circle)}")
    for child in names:
        if len({*(row.name for row in dependents(store, child)), name}) > MOST_PARENTS:
            raise LabError("LimitExceeded", f"{MOST_PARENTS} composite alarms refer to {child} already")


def _parsed(source: str) -> Rule:
    try:
        return parse(source)
    except RuleError as error:
        raise ValidationError(f"AlarmRule is not valid, {error}") from None


def _circle(store: Store, name: str, names: tuple[str, ...]) -> list[str]:
    """The way from the alarm back to itself over the rules of its children; empty when there is none. AWS takes such a rule
    and stops evaluating."""
    ways, seen = [[name, child] for child in names], set[str]()
    while ways:
        way = ways.pop()
        if way[-1] == name:
            return way
        row = store.get(CompositeAlarm, way[-1])
        if row is not None and row.name not in seen:
            seen.add(row.name)
            ways += [[*way, child] for child in children(parse(row.rule))]
    return []


def _check_suppressor(store: Store, request: Request) -> None:
    periods = ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
    if "ActionsSuppressor" not in request:
        if any(member in request for member in periods):
            raise ValidationError(f"{' and '.join(periods)} need an ActionsSuppressor")
        return
    for member in periods:
        if request.get(member, -1) < 0:
            raise ValidationError(f"With an ActionsSuppressor {member} is required, in seconds")
    if find_alarm(store, request["ActionsSuppressor"]) is None:
        raise ValidationError(f"The alarm {request['ActionsSuppressor']} (ActionsSuppressor) does not exist")
