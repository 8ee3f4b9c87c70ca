"""Shapes of properties: what a value must look like, and what CloudFormation is lenient about.

`fit` is the one question: given an evaluated node, what is the value in the shape's own type, and what is wrong with
it? Unknown values fit everywhere. "80" is an integer, "true" a boolean, 80 a string, as on AWS.

Source: AWS CloudFormation User Guide, "Resource and property types reference".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lab.stack import secrets
from lab.stack.document import Node, Path, Problem, did_you_mean, plain, problem
from lab.stack.values import Unknown, is_scalar, text_of

Update = Literal["No interruption", "Some interruptions", "Replacement"]
Kind = Literal["String", "Integer", "Double", "Boolean", "List", "Map"]
_INTEGER = re.compile(r"-?[0-9]+")


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of value. `choices` are AWS's enum; `supported` those of them the lab can do (empty: all of them).

    A List has `items`; a Map has `members`, and `elsewhere` are members that AWS has and the lab has not.
    """

    kind: Kind
    choices: tuple[str, ...] = ()
    supported: tuple[str, ...] = ()
    items: "Shape | None" = None
    members: Mapping[str, "Property"] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Property:
    """A named value of a resource or of a map inside it, and what changing it means."""

    shape: Shape
    required: bool = False
    update: Update = "No interruption"


STRING = Shape("String")
INTEGER = Shape("Integer")
DOUBLE = Shape("Double")
BOOLEAN = Shape("Boolean")


def one_of(choices: str, supported: str = "") -> Shape:
    """An enum from words, and those of them that the lab can do."""
    return Shape("String", choices=tuple(choices.split()), supported=tuple(supported.split()))


def only(shape: Shape, supported: str) -> Shape:
    """A shape of which the lab can do some values only."""
    return replace(shape, supported=tuple(supported.split()))


def list_of(items: Shape) -> Shape:
    """A list whose entries have one shape."""
    return Shape("List", items=items)


def map_of(members: Mapping[str, Shape | Property], elsewhere: str = "") -> Shape:
    """A map of optional members (a `Property` where one is required); `elsewhere` names what only AWS has."""
    known = {name: value if isinstance(value, Property) else Property(value) for name, value in members.items()}
    return Shape("Map", members=known, elsewhere=frozenset(elsewhere.split()))


def free(shape: Shape) -> Property:
    """Changed in place without interruption."""
    return Property(shape)


def brief(shape: Shape) -> Property:
    """Changed in place with some interruption."""
    return Property(shape, update="Some interruptions")


def fixed(shape: Shape) -> Property:
    """Changing it would replace the resource."""
    return Property(shape, update="Replacement")


def need(what: Shape | Property) -> Property:
    """The same, required."""
    return replace(what if isinstance(what, Property) else Property(what), required=True)


TAGS = list_of(map_of({"Key": need(STRING), "Value": need(STRING)}))


def fit(shape: Shape, node: Node, owner: str, path: Path, problems: list[Problem]) -> Any:
    """The node's value as the shape has it; problems are noted. `owner` is the resource type, for the sentences."""
    if isinstance(node.value, Unknown):
        return node.value
    if node.value is None:
        problems.append(problem(node.line, path, "'null' values are not allowed in templates"))
        return None
    if shape.kind == "Map":
        return _fit_map(shape, node, owner, path, problems)
    if shape.kind == "List":
        return _fit_list(shape, node, owner, path, problems)
    value = _scalar(shape.kind, node.value)
    if value is None:
        problems.append(problem(node.line, path, f"Value of property {path[-1]} must be of type {_type(shape)}"))
        return None
    _check_choice(shape, value, node, path, problems)
    if isinstance(value, str):
        problems.extend(problem(node.line, path, said) for said in secrets.objections(value))
    return value


def _fit_map(shape: Shape, node: Node, owner: str, path: Path, problems: list[Problem]) -> Any:
    if not isinstance(node.value, dict):
        problems.append(problem(node.line, path, f"Value of property {path[-1]} must be an object"))
        return None
    if not shape.members:
        return plain(node)
    result: dict[str, Any] = {}
    for name, child in node.value.items():
        member = shape.members.get(name)
        if member is not None:
            result[name] = fit(member.shape, child, owner, (*path, name), problems)
        elif name in shape.elsewhere:
            problems.append(problem(child.line, (*path, name), f"the lab does not support {owner} {name} yet"))
        else:
            hint = did_you_mean(name, list(shape.members))
            where = owner if path[-1:] == ("Properties",) else f"{path[-1]} of {owner}"
            problems.append(problem(child.line, (*path, name), f"{where} has no property {name}{hint}"))
    for name, member in shape.members.items():
        if member.required and name not in node.value:
            problems.append(problem(node.line, path, f"{owner} needs the property {name}"))
    return result


def _fit_list(shape: Shape, node: Node, owner: str, path: Path, problems: list[Problem]) -> Any:
    if not isinstance(node.value, tuple) or shape.items is None:
        problems.append(problem(node.line, path, f"Value of property {path[-1]} must be of type {_type(shape)}"))
        return None
    return [fit(shape.items, child, owner, (*path, str(index)), problems) for index, child in enumerate(node.value)]


def _scalar(kind: Kind, value: Any) -> Any:
    """The value in the wanted kind, or None."""
    if not is_scalar(value):
        return None
    text = text_of(value).strip()
    match kind:
        case "String":
            return text_of(value)
        case "Integer":
            if isinstance(value, float) and value.is_integer():
                return int(value)
            return int(text) if _INTEGER.fullmatch(text) else None
        case "Double":
            return _double(value, text)
        case "Boolean":
            return {"true": True, "false": False}.get(text.lower())
        case _:
            return None


def _double(value: Any, text: str) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _check_choice(shape: Shape, value: Any, node: Node, path: Path, problems: list[Problem]) -> None:
    text = text_of(value)
    if secrets.REFERENCE.search(text):
        return
    if shape.choices and text not in shape.choices:
        hint = did_you_mean(text, shape.choices)
        said = f"{text} is not a valid value; it is one of {', '.join(shape.choices)}{hint}"
        problems.append(problem(node.line, path, said))
    elif shape.supported and text not in shape.supported:
        can = ", ".join(shape.supported)
        problems.append(problem(node.line, path, f"the lab does not support {path[-1]} {text} yet; it can do {can}"))


def _type(shape: Shape) -> str:
    return f"List of {_type(shape.items)}" if shape.kind == "List" and shape.items is not None else shape.kind
