"""Finds an action by service and operation, checks the request against AWS's own model, runs it in one transaction.

The models are botocore's: which operations a service has, which members a request may have, of which type, which are
required. What they do not say (ranges, enums, what must exist) each action checks itself.
"""

import functools
from collections.abc import Mapping
from datetime import datetime
from types import ModuleType
from typing import Any

from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator

from lab.actions import acm, arc_zonal_shift, rds, secretsmanager, sts
from lab.actions.autoscaling import (
    describing,
    excursions,
    executions,
    forecasts,
    groups,
    hooks,
    instance_refreshes,
    instances,
    policies,
    processes,
    scheduled,
    types,
    warm_pools,
)
from lab.actions.autoscaling import metrics as group_metrics
from lab.actions.autoscaling import tags as autoscaling_tags
from lab.actions.autoscaling import target_groups as autoscaling_target_groups
from lab.actions.cloudwatch import (
    alarm_history,
    alarm_reports,
    alarms,
    composite_alarms,
    metric_data,
    metric_statistics,
    metrics,
)
from lab.actions.cloudwatch import tags as cloudwatch_tags
from lab.actions.context import READS, Action, Context, Request, Response
from lab.actions.ec2 import (
    addresses,
    console,
    interfaces,
    internet_gateways,
    key_pairs,
    launch_templates,
    modify,
    nat_gateways,
    network_acls,
    power,
    route_tables,
    run,
    security_groups,
    tags,
    vpcs,
)
from lab.actions.ec2 import instances as ec2_instances
from lab.actions.elbv2 import (
    attributes,
    certificates,
    limits,
    listeners,
    load_balancers,
    revocations,
    rules,
    target_groups,
    targets,
    trust_stores,
)
from lab.actions.elbv2 import tags as elbv2_tags
from lab.actions.route53 import answers, health_checks, record_sets, zones
from lab.actions.route53 import tags as route53_tags
from lab.core.errors import LabError

MODULES: dict[str, tuple[ModuleType, ...]] = {
    "acm": (acm,),
    "arc-zonal-shift": (arc_zonal_shift,),
    "autoscaling": (
        groups, describing, autoscaling_tags, autoscaling_target_groups, instances, instance_refreshes, excursions, hooks,
        processes, policies, executions, scheduled, forecasts, types, warm_pools,
        group_metrics,
    ),
    "cloudwatch": (
        alarms, composite_alarms, alarm_reports, alarm_history, metrics, metric_statistics, metric_data, cloudwatch_tags,
    ),
    "ec2": (
        vpcs, interfaces, internet_gateways, nat_gateways, addresses, route_tables, network_acls, security_groups,
        key_pairs, launch_templates, ec2_instances, console, modify, run, power, tags,
    ),
    "elbv2": (
        load_balancers, listeners, certificates, rules, target_groups, targets, attributes, trust_stores, revocations,
        elbv2_tags, limits,
    ),
    "rds": (rds,),
    "route53": (zones, record_sets, health_checks, answers, route53_tags),
    "secretsmanager": (secretsmanager,),
    "sts": (sts,),
}  # fmt: skip
MISFITS = {"route53": "InvalidInput"}
"""By service, the code for a request that does not fit AWS's model, where it is not ValidationError."""

_LOADER = Loader()
_VALIDATOR = ParamValidator()


@functools.cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of a service. Raises LabError UnknownService."""
    try:
        return ServiceModel(_LOADER.load_service_model(service, "service-2"), service)
    except UnknownServiceError as error:
        raise LabError("UnknownService", f"there is no AWS service {service!r}", status=404) from error


@functools.cache
def operation_model(service: str, operation: str) -> OperationModel:
    """botocore's model of an operation. Raises LabError InvalidAction."""
    model = service_model(service)
    if operation not in model.operation_names:
        raise LabError("InvalidAction", f"the action {operation} is not valid for {service}")
    return model.operation_model(operation)


@functools.cache
def find(service: str, operation: str) -> Action:
    """The action. Raises LabError when AWS or the lab does not have it."""
    operation_model(service, operation)
    name = xform_name(operation)
    for module in MODULES.get(service, ()):
        action: Action | None = getattr(module, name, None)
        if action is not None and f"{module.__name__}.{name}" in READS:
            return action
    raise LabError("UnsupportedOperation", f"the lab does not have {service} {operation} yet", status=501)


def supported(service: str) -> list[str]:
    """The operations of a service that the lab has, by AWS's names."""
    names = {
        name for module in MODULES.get(service, ()) for name in vars(module) if f"{module.__name__}.{name}" in READS
    }
    return sorted(operation for operation in service_model(service).operation_names if xform_name(operation) in names)


def call(context: Context, service: str, operation: str, request: Request) -> Response:
    """Run the action. All its changes of rows happen, or none: any error leaves the store as it was."""
    action = find(service, operation)
    check(service, operation, request)
    _refuse_unread(action, operation, request)
    with context.store.transaction():
        return action(context, _given(request, operation_model(service, operation).input_shape))


def check(service: str, operation: str, request: Request) -> None:
    """Raises LabError ValidationError, or the service's own code, when the request does not fit AWS's model."""
    shape = operation_model(service, operation).input_shape
    if shape is None:
        return
    report: Any = _VALIDATOR.validate(dict(request), shape)
    if report.has_errors():
        raise LabError(MISFITS.get(service, "ValidationError"), report.generate_report())


def _refuse_unread(action: Action, operation: str, request: Request) -> None:
    unread = sorted(set(request) - READS[f"{action.__module__}.{action.__name__}"] - {"DryRun"})
    if unread:
        raise LabError("UnsupportedOperation", f"the lab does not support {', '.join(unread)} of {operation} yet")


class _Given(dict[str, Any]):
    """A request's members. AWS requires some that its models call optional: to read one that is not there is the caller's
    error."""

    def __missing__(self, member: str) -> Any:
        raise LabError("MissingParameter", f"The request must contain the parameter {member}")


def _given(value: Any, shape: Shape | None) -> Any:
    """The request as actions read it: moments are datetimes, however they were written."""
    if isinstance(value, Mapping):
        return _Given({name: _given(inner, _member(shape, name)) for name, inner in value.items()})
    if isinstance(value, list | tuple):
        return [_given(inner, shape.member if isinstance(shape, ListShape) else None) for inner in value]
    if shape is not None and shape.type_name == "timestamp" and not isinstance(value, datetime):
        return parse_timestamp(value)
    return value


def _member(shape: Shape | None, name: str) -> Shape | None:
    match shape:
        case StructureShape():
            return shape.members.get(name)
        case MapShape():
            return shape.value
    return None
