"""Intrinsic functions: what a node comes to in a given scope.

`evaluate` gives a node of plain values. Whatever is not known yet (an id of a resource not made) is an `Unknown`, and a
function of an unknown is unknown. A mistake becomes a problem with its line and an unknown value, so that one pass
finds them all. The order of a function's own checks follows AWS's messages.

Source: AWS CloudFormation User Guide, "Intrinsic function reference" and "Pseudo parameters reference".
"""

import base64
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.stack.document import Function, Node, Path, Problem, plain, problem
from lab.stack.graph import SUB_VARIABLE, split_attribute
from lab.stack.values import REMOVED, Unknown, is_scalar, text_of, unknown_in


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything a function may ask for.

    `parameters` and `pseudo` map names to values. `resource` and `attribute` answer Ref and Fn::GetAtt: a value, an
    `Unknown`, or None for a resource that this stack leaves out. `reveal` turns the dynamic references of a string into
    their secrets, or leaves them where secrets have no business. `problems` collects what went wrong.
    """

    parameters: Mapping[str, Any]
    pseudo: Mapping[str, Any]
    mappings: Mapping[str, Node]
    conditions: Mapping[str, Node]
    zones: tuple[str, ...]
    resource: Callable[[str], Any]
    attribute: Callable[[str, str], Any]
    reveal: Callable[[str], str] = str
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, line: int, path: Path, text: str) -> Unknown:
        """Notes a problem and gives the value that stands for it."""
        self.problems.append(problem(line, path, text))
        return Unknown(text)


def evaluate(node: Node, scope: Scope, path: Path = ()) -> Node:
    """The node with every function carried out. Entries that come to AWS::NoValue are left out."""
    match node.value:
        case Function() as function:
            return _renode(_call(function, node.line, scope, path), node.line)
        case dict() as members:
            found = {key: evaluate(child, scope, (*path, key)) for key, child in members.items()}
            return Node({key: child for key, child in found.items() if child.value is not REMOVED}, node.line)
        case tuple() as items:
            listed = (evaluate(child, scope, (*path, str(index))) for index, child in enumerate(items))
            return Node(tuple(child for child in listed if child.value is not REMOVED), node.line)
        case _:
            return node


def condition(name: str, scope: Scope, line: int = 0, path: Path = (), trail: tuple[str, ...] = ()) -> bool | Unknown:
    """Whether a named condition holds."""
    if name in trail:
        return scope.wrong(line, path, f"Circular dependency between conditions: [{', '.join(trail)}]")
    node = scope.conditions.get(name)
    if node is None:
        return scope.wrong(line, path, f"Unresolved condition dependency {name}")
    return _holds(node, scope, ("Conditions", name), (*trail, name))


def _renode(value: Any, line: int) -> Node:
    if isinstance(value, Node):
        return value
    if isinstance(value, list | tuple):
        return Node(tuple(_renode(item, line) for item in value), line)
    if isinstance(value, dict):
        return Node({key: _renode(child, line) for key, child in value.items()}, line)
    return Node(value, line)


def _call(function: Function, line: int, scope: Scope, path: Path) -> Any:
    raw = _RAW.get(function.name)
    if raw is not None:
        return raw(function.argument, line, scope, path)
    argument = plain(evaluate(function.argument, scope, path))
    missing = unknown_in(argument)
    return missing if missing is not None else _PLAIN[function.name](argument, line, scope, path)


# ── conditions ────────────────────────────────────────────────────────────────────────────────────────────────────


def _holds(node: Node, scope: Scope, path: Path, trail: tuple[str, ...] = ()) -> bool | Unknown:
    match node.value:
        case Function(name="Fn::And" | "Fn::Or" as name, argument=Node(value=tuple(parts))) if 2 <= len(parts) <= 10:
            results = [_holds(part, scope, path, trail) for part in parts]
            deciding = name == "Fn::Or"
            if deciding in results:
                return deciding
            return next((result for result in results if isinstance(result, Unknown)), not deciding)
        case Function(name="Fn::And" | "Fn::Or" as name):
            return scope.wrong(node.line, path, f"{name} needs a list of 2 to 10 conditions")
        case Function(name="Fn::Not", argument=Node(value=(part,))):
            result = _holds(part, scope, path, trail)
            return result if isinstance(result, Unknown) else not result
        case Function(name="Fn::Not"):
            return scope.wrong(node.line, path, "Fn::Not needs a list of one condition")
        case Function(name="Fn::Equals", argument=argument):
            return _equals(argument, node.line, scope, path)
        case dict() as members if set(members) == {"Condition"} and isinstance(members["Condition"].value, str):
            return condition(members["Condition"].value, scope, node.line, path, trail)
        case Unknown() as unknown:
            return unknown
        case _:
            said = "a condition is Fn::And, Fn::Or, Fn::Not, Fn::Equals or the name of another condition"
            return scope.wrong(node.line, path, said)


def _equals(argument: Node, line: int, scope: Scope, path: Path) -> bool | Unknown:
    if not isinstance(argument.value, tuple) or len(argument.value) != 2:
        return scope.wrong(line, path, "Fn::Equals needs a list of two values")
    left, right = (plain(evaluate(side, scope, path)) for side in argument.value)
    missing = unknown_in([left, right])
    if missing is not None:
        return missing
    if is_scalar(left) and is_scalar(right):
        return text_of(left) == text_of(right)
    return bool(left == right)


def _if(argument: Node, line: int, scope: Scope, path: Path) -> Any:
    parts = argument.value
    if not isinstance(parts, tuple) or len(parts) != 3 or not isinstance(parts[0].value, str):
        return scope.wrong(
            line, path, "Fn::If needs a list: a condition's name, the value if it holds, the value if not"
        )
    holds = condition(parts[0].value, scope, line, path)
    return holds if isinstance(holds, Unknown) else evaluate(parts[1 if holds else 2], scope, path)


def _only_in_conditions(argument: Node, line: int, scope: Scope, path: Path) -> Unknown:
    return scope.wrong(line, path, "Fn::And, Fn::Or, Fn::Not and Fn::Equals belong in the Conditions section")


# ── references ────────────────────────────────────────────────────────────────────────────────────────────────────


def _ref(argument: Node, line: int, scope: Scope, path: Path) -> Any:
    name = argument.value
    if not isinstance(name, str):
        return scope.wrong(line, path, "Ref needs a name")
    return _named(name, line, scope, path)


def _named(name: str, line: int, scope: Scope, path: Path) -> Any:
    for values in (scope.pseudo, scope.parameters):
        if name in values:
            return values[name]
    return _there(scope.resource(name), name, line, scope, path)


def _there(value: Any, name: str, line: int, scope: Scope, path: Path) -> Any:
    if value is not None:
        return value
    return scope.wrong(line, path, unresolved(name))


def unresolved(name: str) -> str:
    """AWS's sentence for a name that nothing in the template has, or that a condition has taken out."""
    return f"Unresolved resource dependencies [{name}] in the Resources block of the template"


def _get_att(argument: Node, line: int, scope: Scope, path: Path) -> Any:
    pair = split_attribute(argument)
    if pair is None:
        return scope.wrong(
            line, path, "Fn::GetAtt needs a logical id and an attribute: Name.Attribute or [Name, Attribute]"
        )
    return _there(scope.attribute(*pair), pair[0], line, scope, path)


def _sub(argument: Node, line: int, scope: Scope, path: Path) -> Any:
    pattern, own = argument, Node({})
    if isinstance(argument.value, tuple) and len(argument.value) == 2:
        pattern, own = argument.value
    if not isinstance(pattern.value, str) or not isinstance(own.value, dict):
        return scope.wrong(line, path, "Fn::Sub needs a string, or a list of a string and a mapping of names to values")
    values = {name: plain(evaluate(node, scope, path)) for name, node in own.value.items()}
    missing: list[Unknown] = []

    def put(match: Any) -> str:
        literal, variable = match.groups()
        if literal:
            return f"${{{variable}}}"
        value = values[variable] if variable in values else _variable(variable.strip(), line, scope, path)
        if isinstance(value, Unknown):
            missing.append(value)
        elif not is_scalar(value):
            missing.append(scope.wrong(line, path, f"Fn::Sub can put only strings in its text; {variable} is none"))
        return text_of(value)

    text = SUB_VARIABLE.sub(put, pattern.value)
    return missing[0] if missing else text


def _variable(name: str, line: int, scope: Scope, path: Path) -> Any:
    if not name or not name.replace("::", "").replace(".", "").replace("_", "").replace("-", "").isalnum():
        said = "variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons"
        return scope.wrong(line, path, said)
    base, dot, attribute = name.partition(".")
    if dot:
        return _there(scope.attribute(base, attribute), base, line, scope, path)
    return _named(name, line, scope, path)


# ── text, lists and addresses ─────────────────────────────────────────────────────────────────────────────────────


def _join(argument: Any, line: int, scope: Scope, path: Path) -> Any:
    match argument:
        case [str(delimiter), list(parts)] if all(is_scalar(part) for part in parts):
            return delimiter.join(text_of(part) for part in parts)
        case _:
            return scope.wrong(line, path, "Fn::Join needs a list: a delimiter and a list of strings")


def _split(argument: Any, line: int, scope: Scope, path: Path) -> Any:
    match argument:
        case [str(delimiter), text] if delimiter and is_scalar(text):
            return text_of(text).split(delimiter)
        case _:
            return scope.wrong(line, path, "Fn::Split needs a list: a delimiter and a string")


def _select(argument: Node, line: int, scope: Scope, path: Path) -> Any:
    """Looks at the chosen entry only: the others may be unknown."""
    found = plain(evaluate(argument, scope, path))
    match found:
        case [index, list(items)] if is_scalar(index) and text_of(index).isdecimal():
            if int(index) >= len(items):
                return scope.wrong(line, path, f"Fn::Select cannot select nonexistent value at index {index}")
            return items[int(index)]
        case _:
            missing = unknown_in(found)
            return missing or scope.wrong(line, path, "Fn::Select needs a list: an index and a list of values")


def _get_azs(argument: Any, line: int, scope: Scope, path: Path) -> Any:
    region = scope.pseudo["AWS::Region"]
    if argument not in ("", region):
        return scope.wrong(line, path, f"Fn::GetAZs: the lab has the region {region} only")
    return list(scope.zones)


def _find_in_map(argument: Any, line: int, scope: Scope, path: Path) -> Any:
    match argument:
        case [name, top, second] if is_scalar(name) and is_scalar(top) and is_scalar(second):
            level = scope.mappings.get(text_of(name), Node(None))
            for key in (text_of(top), text_of(second)):
                level = level.value.get(key, Node(None)) if isinstance(level.value, dict) else Node(None)
            if level.value is None:
                return scope.wrong(line, path, f"Unable to get mapping for {name}::{top}::{second}")
            return plain(level)
        case _:
            return scope.wrong(
                line, path, "Fn::FindInMap needs a list: a map's name, a top-level key and a second-level key"
            )


def _base64(argument: Any, line: int, scope: Scope, path: Path) -> Any:
    """Dynamic references inside are resolved first. AWS leaves them as they are: see docs of `lab.stack.secrets`."""
    if not is_scalar(argument):
        return scope.wrong(line, path, "Fn::Base64 needs a string")
    return base64.b64encode(scope.reveal(text_of(argument)).encode()).decode()


def _cidr(argument: Any, line: int, scope: Scope, path: Path) -> Any:
    """`[block, count, host bits]`: the first `count` blocks of `host bits` inside `block`, /24 when left out."""
    try:
        block, count, *bits = argument
        network = ipaddress.ip_network(str(block))
        host_bits = int(bits[0]) if bits else 8
        if not 1 <= int(count) <= 256 or len(bits) > 1:
            return scope.wrong(line, path, "Fn::Cidr gives 1 to 256 blocks")
        parts = network.subnets(new_prefix=network.max_prefixlen - host_bits)
        blocks = [str(part) for part, _ in zip(parts, range(int(count)), strict=False)]
    except (TypeError, ValueError):
        return scope.wrong(line, path, "Fn::Cidr needs a list: an address block, a count and the number of host bits")
    if len(blocks) < int(count):
        return scope.wrong(line, path, f"Fn::Cidr: {block} holds only {len(blocks)} blocks of {host_bits} bits")
    return blocks


_RAW: dict[str, Callable[[Node, int, Scope, Path], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::If": _if,
    "Fn::Select": _select,
    "Fn::And": _only_in_conditions,
    "Fn::Or": _only_in_conditions,
    "Fn::Not": _only_in_conditions,
    "Fn::Equals": _only_in_conditions,
}
_PLAIN: dict[str, Callable[[Any, int, Scope, Path], Any]] = {
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _get_azs,
    "Fn::Join": _join,
    "Fn::Split": _split,
}
