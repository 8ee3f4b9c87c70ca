"""The CloudFormation actions: requests and answers as botocore has them for the service "cloudformation".

create_stack and update_stack check everything before they write a row; the work itself is `lab.stack.engine.step`'s.
Timestamps in answers are timezone-aware datetimes in UTC, as botocore's are.

Source: AWS CloudFormation API Reference; error sentences as the service words them.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lab.core.errors import LabError, ValidationError
from lab.stack import names, plan
from lab.stack.check import problems_of
from lab.stack.context import EngineContext
from lab.stack.journal import cancel, find, put_stack, resources_of
from lab.stack.model import Resource, Source, Stack, StackEvent
from lab.stack.parameters import HIDDEN, Parameter, declared, values
from lab.stack.resolve import Setting, raise_problems
from lab.stack.template import load
from lab.stack.world import setting_of, template_of

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_LONGEST_BODY = 51_200
_UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED")
_NOT_DELETABLE = (
    "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
)  # fmt: skip

Request = dict[str, Any]
Response = dict[str, Any]


def create_stack(ctx: EngineContext, request: Request) -> Response:
    """Takes StackName, TemplateBody, [Parameters], [Tags], [OnFailure | DisableRollback], [NotificationARNs].

    Raises ValidationError with every problem of the template, or AlreadyExistsException.
    """
    name = str(request.get("StackName", ""))
    if not _NAME.fullmatch(name):
        said = f"Value '{name}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: "
        raise ValidationError(f"1 validation error detected: {said}{_NAME.pattern}")
    if find(ctx.store, name) is not None:
        raise LabError("AlreadyExistsException", f"Stack [{name}] already exists")
    stack = Stack(
        stack_id=names.stack_id(ctx.region, ctx.account_id, name, ctx.new_id("stack")),
        name=name,
        status="CREATE_IN_PROGRESS",
        source=Source(_body(request), {}, _tags(request)),
        created=ctx.now,
        on_failure=_on_failure(request),
        capabilities=tuple(request.get("Capabilities", ())),
        notification_arns=tuple(request.get("NotificationARNs", ())),
    )
    stack = _checked(ctx, stack, _given(request, {}))
    with ctx.store.transaction():
        put_stack(ctx, stack, stack.status, "User Initiated")
    return {"StackId": stack.stack_id}


def update_stack(ctx: EngineContext, request: Request) -> Response:
    """Takes StackName, TemplateBody | UsePreviousTemplate, [Parameters], [Tags], [DisableRollback].

    Raises ValidationError: for a stack in the wrong state, for problems of the template, when the update would replace
    a resource (the lab changes in place only), and "No updates are to be performed." when nothing differs.
    """
    stack = _existing(ctx, request)
    if stack.status not in _UPDATABLE:
        raise ValidationError(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
    body = stack.source.template if request.get("UsePreviousTemplate") else _body(request)
    tags = _tags(request) if "Tags" in request else stack.source.tags
    wanted = replace(stack, source=Source(body, {}, tags), revision=stack.revision + 1, before=stack.source)
    wanted = replace(wanted, on_failure="DO_NOTHING" if request.get("DisableRollback") else "ROLLBACK", updated=ctx.now)
    wanted = _checked(ctx, wanted, _given(request, stack.source.parameters))
    found = plan.changes(ctx, wanted)
    refusal = plan.refusal(found)
    if refusal is not None:
        raise ValidationError(refusal)
    if (
        not found
        and template_of(wanted.source).outputs == template_of(stack.source).outputs
        and tags == stack.source.tags
    ):
        raise ValidationError("No updates are to be performed.")
    with ctx.store.transaction():
        put_stack(ctx, wanted, "UPDATE_IN_PROGRESS", "User Initiated")
    return {"StackId": stack.stack_id}


def delete_stack(ctx: EngineContext, request: Request) -> Response:
    """Takes StackName, [RetainResources]. A stack that does not exist is deleted already, as on AWS."""
    stack = find(ctx.store, str(request.get("StackName", "")))
    if stack is None or stack.status in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
        return {}
    if stack.status in _NOT_DELETABLE:
        raise ValidationError(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
    retained = tuple(request.get("RetainResources", ()))
    if retained and stack.status != "DELETE_FAILED":
        said = "The following resources to retain were specified while the stack is not in the DELETE_FAILED state: "
        raise ValidationError(f"{said}{list(retained)}")
    with ctx.store.transaction():
        cancel(ctx, stack)
        changes = {"retained": retained, "revision": stack.revision + 1, "before": None}
        put_stack(ctx, stack, "DELETE_IN_PROGRESS", "User Initiated", **changes)
    return {}


def describe_stacks(ctx: EngineContext, request: Request) -> Response:
    """Takes [StackName]; without one, every stack that is not deleted."""
    if "StackName" in request:
        return {"Stacks": [_described(_existing(ctx, request))]}
    return {"Stacks": [_described(one) for one in _newest_first(ctx) if one.status != "DELETE_COMPLETE"]}


def list_stacks(ctx: EngineContext, request: Request) -> Response:
    """Takes [StackStatusFilter]; deleted stacks are listed too."""
    wanted = request.get("StackStatusFilter")
    shown = (one for one in _newest_first(ctx) if not wanted or one.status in wanted)
    return {"StackSummaries": [_summary(one) for one in shown]}


def describe_stack_events(ctx: EngineContext, request: Request) -> Response:
    """Takes StackName; newest event first."""
    stack = _existing(ctx, request)
    rows = [row for row in ctx.store.all(StackEvent) if row.stack_id == stack.stack_id]
    return {"StackEvents": [_event(row) for row in reversed(rows)]}


def describe_stack_resources(ctx: EngineContext, request: Request) -> Response:
    """Takes StackName, [LogicalResourceId]."""
    stack = _existing(ctx, request)
    wanted = request.get("LogicalResourceId")
    rows = resources_of(ctx.store, stack).values()
    shown = [row for row in rows if wanted in (None, row.logical_id)]
    if wanted is not None and not shown:
        raise ValidationError(f"Resource {wanted} does not exist for stack {stack.name}")
    return {"StackResources": [_resource(row, stack) for row in shown]}


def get_template(ctx: EngineContext, request: Request) -> Response:
    """Takes StackName. The template comes back as it was given, comments and all."""
    stack = _existing(ctx, request)
    return {"TemplateBody": stack.source.template, "StagesAvailable": ["Original", "Processed"]}


def validate_template(ctx: EngineContext, request: Request) -> Response:
    """Takes TemplateBody. Parameters without a default are taken as right."""
    body = _body(request)
    template = load(body)[0]
    parameters = declared(template.parameters)[0]
    defaults = {name: one.default for name, one in parameters.items() if one.default is not None}
    raise_problems(problems_of(body, defaults, Setting(ctx.region, ctx.account_id, ctx.zones)))
    shown = [_parameter_shown(one) for one in parameters.values()]
    return {"Parameters": shown, "Description": template.description, "Capabilities": []}


# ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _body(request: Request) -> str:
    if request.get("TemplateURL"):
        raise ValidationError("The lab has no S3 to read TemplateURL from; give the template in TemplateBody")
    body = request.get("TemplateBody")
    if not isinstance(body, str) or not body:
        raise ValidationError("Either Template URL or Template Body must be specified.")
    if len(body.encode()) > _LONGEST_BODY:
        said = f"Member must have length less than or equal to {_LONGEST_BODY}"
        raise ValidationError(
            f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: {said}"
        )
    return body


def _tags(request: Request) -> dict[str, str]:
    return {str(tag["Key"]): str(tag["Value"]) for tag in request.get("Tags", ())}


def _on_failure(request: Request) -> str:
    if "OnFailure" in request and "DisableRollback" in request:
        raise ValidationError("Specify either OnFailure or DisableRollback, not both")
    if request.get("DisableRollback"):
        return "DO_NOTHING"
    return str(request.get("OnFailure", "ROLLBACK"))


def _given(request: Request, previous: dict[str, str]) -> dict[str, str]:
    """The caller's parameter values; UsePreviousValue takes the stack's."""
    given: dict[str, str] = {}
    for entry in request.get("Parameters", ()):
        name = str(entry["ParameterKey"])
        if not entry.get("UsePreviousValue"):
            given[name] = str(entry.get("ParameterValue", ""))
        elif name in previous:
            given[name] = previous[name]
        else:
            raise ValidationError(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for it"
            )
    return given


def _checked(ctx: EngineContext, stack: Stack, given: dict[str, str]) -> Stack:
    """The stack with its parameters' values and description, if its template has no problems at all."""
    template, form = load(stack.source.template)
    parameters, wrong = declared(template.parameters)
    raise_problems([*form, *wrong])
    chosen = values(parameters, given)
    raise_problems(problems_of(stack.source.template, chosen, setting_of(ctx, stack)))
    return replace(stack, source=replace(stack.source, parameters=chosen), description=template.description)


def _existing(ctx: EngineContext, request: Request) -> Stack:
    name = str(request.get("StackName", ""))
    stack = find(ctx.store, name)
    if stack is None:
        raise ValidationError(f"Stack with id {name} does not exist")
    return stack


def _newest_first(ctx: EngineContext) -> Iterable[Stack]:
    return reversed(ctx.store.all(Stack))


# ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _when(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _set(**members: Any) -> dict[str, Any]:
    """Only the members that are there: AWS leaves absent ones out."""
    return {name: value for name, value in members.items() if value not in (None, "")}


def _times(stack: Stack) -> dict[str, Any]:
    return _set(
        CreationTime=_when(stack.created),
        LastUpdatedTime=None if stack.updated is None else _when(stack.updated),
        DeletionTime=None if stack.deleted is None else _when(stack.deleted),
    )


def _described(stack: Stack) -> dict[str, Any]:
    parameters = declared(template_of(stack.source).parameters)[0]
    outputs = [
        _set(OutputKey=one.name, OutputValue=one.value, Description=one.description, ExportName=one.export_name)
        for one in stack.outputs
    ]
    shown = [
        {"ParameterKey": name, "ParameterValue": HIDDEN if name in parameters and parameters[name].no_echo else value}
        for name, value in stack.source.parameters.items()
    ]
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "StackStatus": stack.status,
        **_set(StackStatusReason=stack.reason, Description=stack.description),
        **_times(stack),
        "DisableRollback": stack.on_failure == "DO_NOTHING",
        "NotificationARNs": list(stack.notification_arns),
        "Capabilities": list(stack.capabilities),
        "RollbackConfiguration": {},
        "Parameters": shown,
        "Outputs": outputs,
        "Tags": [{"Key": key, "Value": value} for key, value in stack.source.tags.items()],
        "EnableTerminationProtection": False,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def _summary(stack: Stack) -> dict[str, Any]:
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "StackStatus": stack.status,
        **_set(StackStatusReason=stack.reason, TemplateDescription=stack.description),
        **_times(stack),
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def _event(row: StackEvent) -> dict[str, Any]:
    return {
        "StackId": row.stack_id,
        "EventId": row.event_id,
        "StackName": row.stack_name,
        "LogicalResourceId": row.logical_id,
        "PhysicalResourceId": row.physical_id,
        "ResourceType": row.type,
        "Timestamp": _when(row.time),
        "ResourceStatus": row.status,
        **_set(ResourceStatusReason=row.reason),
    }


def _resource(row: Resource, stack: Stack) -> dict[str, Any]:
    return {
        "StackName": stack.name,
        "StackId": stack.stack_id,
        "LogicalResourceId": row.logical_id,
        **_set(PhysicalResourceId=row.physical_id),
        "ResourceType": row.type,
        "Timestamp": _when(row.changed),
        "ResourceStatus": row.status,
        **_set(ResourceStatusReason=row.reason),
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def _parameter_shown(one: Parameter) -> dict[str, Any]:
    default = {} if one.default is None else {"DefaultValue": HIDDEN if one.no_echo else one.default}
    return {"ParameterKey": one.name, **default, "NoEcho": one.no_echo, **_set(Description=one.description)}
