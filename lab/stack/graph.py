"""Who needs whom: the references written in a node, and the order they put resources in.

References in branches that a condition does not take count as well, as they do on AWS: the order of a template must not
change with its parameters.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lab.stack.document import Function, Node, Path
from lab.stack.template import ResourceItem

SUB_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Reference:
    """`Ref` (attribute None) or `Fn::GetAtt` of a name, also from inside a `Fn::Sub`."""

    name: str
    attribute: str | None
    line: int
    path: Path


def references(node: Node, path: Path = ()) -> Iterator[Reference]:
    """Every reference written anywhere inside `node`."""
    match node.value:
        case Function() as function:
            yield from _of_function(function, node.line, path)
        case dict() as members:
            for key, child in members.items():
                yield from references(child, (*path, key))
        case tuple() as items:
            for index, child in enumerate(items):
                yield from references(child, (*path, str(index)))


def split_attribute(argument: Node) -> tuple[str, str] | None:
    """`A.B.C` or `[A, B.C]` as ("A", "B.C"); None when it is written otherwise."""
    match argument.value:
        case str() as dotted:
            name, dot, attribute = dotted.partition(".")
            return (name, attribute) if dot else None
        case (Node(value=str(name)), Node(value=str(attribute))):
            return name, attribute
        case _:
            return None


def _of_function(function: Function, line: int, path: Path) -> Iterator[Reference]:
    argument = function.argument
    if function.name == "Ref" and isinstance(argument.value, str):
        yield Reference(argument.value, None, line, path)
    elif function.name == "Fn::GetAtt":
        pair = split_attribute(argument)
        if pair is not None:
            yield Reference(pair[0], pair[1], line, path)
    elif function.name == "Fn::Sub":
        yield from _of_sub(argument, line, path)
    else:
        yield from references(argument, path)


def _of_sub(argument: Node, line: int, path: Path) -> Iterator[Reference]:
    pattern, own = argument, Node({})
    if isinstance(argument.value, tuple) and len(argument.value) == 2:
        pattern, own = argument.value
    yield from references(own, path)
    if not isinstance(pattern.value, str):
        return
    names = own.value if isinstance(own.value, dict) else {}
    for literal, variable in SUB_VARIABLE.findall(pattern.value):
        if literal or variable in names:
            continue
        name, dot, attribute = variable.strip().partition(".")
        yield Reference(name, attribute if dot else None, line, path)


def needs(item: ResourceItem, resources: Iterable[str]) -> tuple[str, ...]:
    """The logical ids `item` needs first, each once, in the order they are written."""
    names = set(resources)
    written = [node.value for node in item.depends_on]
    written += [reference.name for reference in references(item.properties)]
    return tuple(dict.fromkeys(name for name in written if name in names))


def order(edges: Mapping[str, tuple[str, ...]]) -> tuple[list[str], list[str]]:
    """Logical ids so that each comes after what it needs, and those left over: the members of cycles.

    Among those that could come next, the one written first does. Needs outside of `edges` do not count.
    """
    waiting = {name: {need for need in wanted if need in edges} for name, wanted in edges.items()}
    ordered: list[str] = []
    while ready := next((name for name, wanted in waiting.items() if not wanted), None):
        ordered.append(ready)
        del waiting[ready]
        for wanted in waiting.values():
            wanted.discard(ready)
    return ordered, _on_cycles(waiting)


def _on_cycles(waiting: dict[str, set[str]]) -> list[str]:
    """Drops, again and again, what nothing left needs: it only stands behind a cycle."""
    left = dict(waiting)
    while idle := [name for name in left if not any(name in wanted for wanted in left.values())]:
        for name in idle:
            del left[name]
    return list(left)
