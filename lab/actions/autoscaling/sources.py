"""The target groups that a request names, checked."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.actions.context import Context
from lab.actions.elbv2.find import get_target_group
from lab.core.errors import LabError, ValidationError

AT_ONCE = 10
"""Target groups in one request (asg:ec2-auto-scaling-quotas)."""


def check(context: Context, arns: Iterable[str]) -> tuple[str, ...]:
    found = check_number(arns)
    for arn in found:
        if get_target_group(context, arn).target_type != "instance":
            raise ValidationError(
                f"Target group '{arn}' is not of target type instance: a group's members are instances"
            )
    return found


def check_number(arns: Iterable[str]) -> tuple[str, ...]:
    found = tuple(arns)
    if len(found) > AT_ONCE:
        raise ValidationError(f"At most {AT_ONCE} target groups can be named at once, not {len(found)}")
    return found


def arns_of(sources: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The target groups' ARNs. The type may be left out: AWS tells it by the identifier."""
    for source in sources:
        if source.get("Type", "elbv2") != "elbv2":
            raise LabError("UnsupportedOperation", f"the lab has traffic sources of type elbv2, not {source['Type']}")
    return tuple(source["Identifier"] for source in sources)
