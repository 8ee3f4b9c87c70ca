"""Template parameters: their declarations, and the values a caller gives for them.

A value is a string on the wire, whatever its type. `declared` checks the section; `values` checks a caller's strings
against it and gives what Ref answers: a string, or a list for the list types.

Source: AWS CloudFormation User Guide, "Parameters section"; the sentences are AWS's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.core.errors import ValidationError
from lab.stack.document import Node, Path, Problem, did_you_mean, plain, problem
from lab.stack.values import Unknown, is_scalar, text_of

KEYS = (
    "Type", "Default", "AllowedValues", "AllowedPattern", "ConstraintDescription", "Description", "MinLength",
    "MaxLength", "MinValue", "MaxValue", "NoEcho",
)  # fmt: skip
IDENTIFIERS = (
    "AWS::EC2::AvailabilityZone::Name", "AWS::EC2::Image::Id", "AWS::EC2::Instance::Id", "AWS::EC2::KeyPair::KeyName",
    "AWS::EC2::SecurityGroup::GroupName", "AWS::EC2::SecurityGroup::Id", "AWS::EC2::Subnet::Id", "AWS::EC2::Volume::Id",
    "AWS::EC2::VPC::Id", "AWS::Route53::HostedZone::Id",
)  # fmt: skip
TYPES = ("String", "Number", "CommaDelimitedList", "List<Number>", *IDENTIFIERS, *(f"List<{i}>" for i in IDENTIFIERS))
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
HIDDEN = "****"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declaration. Bounds are None where none is set; `default` is None where the caller must give a value."""

    name: str
    type: str
    default: str | None
    allowed_values: tuple[str, ...]
    allowed_pattern: str | None
    constraint_description: str | None
    description: str
    min_length: int | None
    max_length: int | None
    min_value: float | None
    max_value: float | None
    no_echo: bool

    @property
    def is_list(self) -> bool:
        return self.type == "CommaDelimitedList" or self.type.startswith("List<")

    @property
    def is_number(self) -> bool:
        return self.type in ("Number", "List<Number>")


def declared(section: Mapping[str, Node]) -> tuple[dict[str, Parameter], list[Problem]]:
    """The Parameters section, and what is wrong with it; a default must obey its own constraints."""
    problems: list[Problem] = []
    found = {name: _declaration(name, node, problems) for name, node in section.items()}
    parameters = {name: parameter for name, parameter in found.items() if parameter is not None}
    for name, parameter in parameters.items():
        said = None if parameter.default is None else _objection(parameter, parameter.default)
        if said is not None:
            problems.append(problem(section[name].line, ("Parameters", name, "Default"), said))
    return parameters, problems


def values(parameters: Mapping[str, Parameter], given: Mapping[str, str]) -> dict[str, str]:
    """The value of every parameter as a string: the caller's, or the default.

    Raises ValidationError with AWS's sentence for a parameter that is unknown, missing or breaks a constraint.
    """
    strangers = [name for name in given if name not in parameters]
    if strangers:
        hint = did_you_mean(strangers[0], list(parameters))
        raise ValidationError(f"Parameters: [{', '.join(strangers)}] do not exist in the template{hint}")
    missing = [name for name, parameter in parameters.items() if parameter.default is None and name not in given]
    if missing:
        raise ValidationError(f"Parameters: [{', '.join(missing)}] must have values")
    chosen = {name: given.get(name, parameter.default or "") for name, parameter in parameters.items()}
    for name, value in chosen.items():
        said = _objection(parameters[name], value)
        if said is not None:
            raise ValidationError(said)
    return chosen


def for_scope(parameters: Mapping[str, Parameter], chosen: Mapping[str, str]) -> dict[str, Any]:
    """What Ref answers for each parameter; one without a value (a template that is only validated) is unknown."""
    return {
        name: _typed(parameter, chosen[name]) if name in chosen else Unknown(f"parameter {name}")
        for name, parameter in parameters.items()
    }


def _typed(parameter: Parameter, value: str) -> Any:
    if not parameter.is_list:
        return value.strip() if parameter.is_number else value
    return [part.strip() for part in value.split(",")] if value else []


def _declaration(name: str, node: Node, problems: list[Problem]) -> Parameter | None:
    path: Path = ("Parameters", name)
    if not isinstance(node.value, dict) or "Type" not in node.value:
        problems.append(problem(node.line, path, "Every Parameters object must contain a Type member."))
        return None
    members: dict[str, Node] = node.value
    before = len(problems)
    for key, child in members.items():
        _check_member(key, child, path, problems)
    if len(problems) > before:
        return None
    plainly = {key: plain(child) for key, child in members.items()}
    return Parameter(
        name=name,
        type=plainly["Type"],
        default=_text(plainly.get("Default")),
        allowed_values=tuple(text_of(value) for value in plainly.get("AllowedValues", ())),
        allowed_pattern=_text(plainly.get("AllowedPattern")),
        constraint_description=_text(plainly.get("ConstraintDescription")),
        description=_text(plainly.get("Description")) or "",
        min_length=_number(plainly.get("MinLength"), int),
        max_length=_number(plainly.get("MaxLength"), int),
        min_value=_number(plainly.get("MinValue"), float),
        max_value=_number(plainly.get("MaxValue"), float),
        no_echo=text_of(plainly.get("NoEcho", False)).lower() == "true",
    )


def _check_member(key: str, node: Node, path: Path, problems: list[Problem]) -> None:
    at, value = (*path, key), node.value
    if key not in KEYS:
        problems.append(problem(node.line, at, f"a parameter has no {key}{did_you_mean(key, KEYS)}"))
    elif key == "AllowedValues":
        if not isinstance(value, tuple) or not all(is_scalar(item.value) for item in value):
            problems.append(problem(node.line, at, "AllowedValues is a list of values"))
    elif not is_scalar(value):
        problems.append(problem(node.line, at, f"{key} must be a plain value"))
    elif key == "Type" and value not in TYPES:
        problems.append(problem(node.line, at, _type_objection(str(value))))
    elif key in ("MinLength", "MaxLength", "MinValue", "MaxValue") and not _NUMBER.fullmatch(text_of(value)):
        problems.append(problem(node.line, at, f"{key} must be a number"))
    elif key == "AllowedPattern":
        try:
            re.compile(text_of(value))
        except re.error as error:
            problems.append(problem(node.line, at, f"not a regular expression: {error}"))


def _type_objection(kind: str) -> str:
    if kind.startswith("AWS::SSM::Parameter::"):
        return f"the lab has no Systems Manager parameter store, so no {kind}; give the value itself in a String"
    return f"Unrecognized parameter type: {kind}{did_you_mean(kind, TYPES)}"


def _objection(parameter: Parameter, value: str) -> str | None:
    """AWS's sentence for what is wrong with a value, or None."""
    said = next((said for part in _parts(parameter, value) if (said := _part_objection(parameter, part))), None)
    if said is None or parameter.constraint_description is None:
        return said
    return f"Parameter {parameter.name} failed to satisfy constraint: {parameter.constraint_description}"


def _parts(parameter: Parameter, value: str) -> list[str]:
    return [part.strip() for part in value.split(",")] if parameter.is_list and value else [value]


def _part_objection(parameter: Parameter, value: str) -> str | None:
    name = f"Parameter '{parameter.name}'"
    if parameter.is_number and not _NUMBER.fullmatch(value.strip()):
        return f"{name} must be a number"
    if parameter.allowed_values and value not in parameter.allowed_values:
        return f"{name} must be one of AllowedValues"
    if parameter.allowed_pattern is not None and not re.fullmatch(parameter.allowed_pattern, value):
        return f"{name} must match pattern {parameter.allowed_pattern}"
    if parameter.min_length is not None and len(value) < parameter.min_length:
        return f"{name} must contain at least {parameter.min_length} characters"
    if parameter.max_length is not None and len(value) > parameter.max_length:
        return f"{name} must contain at most {parameter.max_length} characters"
    if parameter.min_value is not None and float(value) < parameter.min_value:
        return f"{name} must be a number not less than {parameter.min_value:g}"
    if parameter.max_value is not None and float(value) > parameter.max_value:
        return f"{name} must be a number not greater than {parameter.max_value:g}"
    return None


def _text(value: Any) -> str | None:
    return None if value is None else text_of(value)


def _number(value: Any, kind: type) -> Any:
    return None if value is None else kind(float(text_of(value)))
