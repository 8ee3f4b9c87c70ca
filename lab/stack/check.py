"""Everything that can be wrong with a template, found before anything is made.

Two passes over the same nodes: names (does every Ref, GetAtt, DependsOn and condition lead somewhere, is there no
circle?), then values (does every property that can be known fit its shape?).
"""

from collections.abc import Iterator, Mapping

from lab.stack.document import Path, Problem, did_you_mean, problem
from lab.stack.functions import Scope, condition, evaluate, unresolved
from lab.stack.graph import Reference, needs, order, references
from lab.stack.parameters import declared
from lab.stack.resolve import PSEUDO, Setting, holds, included, properties, scope_of
from lab.stack.resources import TYPES
from lab.stack.template import Template, load
from lab.stack.values import Unknown

_TYPE_LIKENESS = 0.84
"""Types of one service are alike anyway: only a slip of the pen (Vpc for VPC) is taken for one."""


def problems_of(text: str, chosen: Mapping[str, str], setting: Setting) -> list[Problem]:
    """Every problem of the template written in `text`, given its parameters' values (those missing are unknown)."""
    template, found = load(text)
    problems = list(found)
    problems += declared(template.parameters)[1]
    problems += _types(template)
    problems += _names(template)
    problems += _circles(template)
    problems += _values(template, chosen, setting)
    return sorted(set(problems))


def _types(template: Template) -> Iterator[Problem]:
    for name, item in template.resources.items():
        if item.type in TYPES:
            continue
        hint = did_you_mean(item.type, TYPES, _TYPE_LIKENESS)
        known = item.type.startswith("AWS::") and not hint
        said = (
            f"the lab does not support {item.type} yet"
            if known
            else f"Unrecognized resource types: [{item.type}]{hint}"
        )
        yield problem(item.type_line, ("Resources", name, "Type"), said)


def _names(template: Template) -> Iterator[Problem]:
    for name, item in template.resources.items():
        path: Path = ("Resources", name)
        for reference in references(item.properties, (*path, "Properties")):
            yield from _reference(reference, template)
        for node in item.depends_on:
            if node.value not in template.resources:
                hint = did_you_mean(node.value, list(template.resources))
                yield problem(node.line, (*path, "DependsOn"), unresolved(node.value) + hint)
    for name, output in template.outputs.items():
        for written in (output.value, output.export):
            for reference in references(written, ("Outputs", name)) if written else ():
                yield from _reference(reference, template)
    for name, node in template.conditions.items():
        for reference in references(node, ("Conditions", name)):
            if reference.name not in template.parameters and reference.name not in PSEUDO:
                said = (
                    f"Unresolved dependencies [{reference.name}]. "
                    "Cannot reference resources in the Conditions block of the template"
                )
                yield problem(reference.line, reference.path, said)


def _reference(reference: Reference, template: Template) -> Iterator[Problem]:
    name, attribute = reference.name, reference.attribute
    if attribute is None:
        known = [*template.parameters, *template.resources, *PSEUDO]
        if name not in known:
            yield problem(reference.line, reference.path, unresolved(name) + did_you_mean(name, known))
        return
    item = template.resources.get(name)
    if item is None:
        hint = did_you_mean(name, list(template.resources))
        yield problem(reference.line, reference.path, unresolved(name) + hint)
    elif item.type in TYPES and attribute not in TYPES[item.type].attributes:
        known = list(TYPES[item.type].attributes)
        said = f"{item.type} has no attribute {attribute}{did_you_mean(attribute, known)}"
        yield problem(reference.line, reference.path, said)


def _circles(template: Template) -> Iterator[Problem]:
    edges = {name: needs(item, template.resources) for name, item in template.resources.items()}
    circle = order(edges)[1]
    if circle:
        first = template.resources[circle[0]]
        yield problem(first.line, ("Resources",), f"Circular dependency between resources: [{', '.join(circle)}]")


def _values(template: Template, chosen: Mapping[str, str], setting: Setting) -> list[Problem]:
    present: set[str] = set()

    def resource(name: str) -> Unknown | None:
        return None if name in template.resources and name not in present else Unknown(name)

    def attribute(name: str, member: str) -> Unknown | None:
        return resource(name)

    scope = scope_of(template, setting, chosen, resource, attribute)
    for name, node in template.conditions.items():
        condition(name, scope, node.line, ("Conditions", name))
    present.update(included(template, scope))
    for name in present:
        if template.resources[name].type in TYPES:
            properties(template.resources[name], scope, {})
    _outputs(template, scope)
    return scope.problems


def _outputs(template: Template, scope: Scope) -> None:
    for name, output in template.outputs.items():
        if holds(output.condition, scope, output.line):
            evaluate(output.value, scope, ("Outputs", name, "Value"))
            if output.export is not None:
                evaluate(output.export, scope, ("Outputs", name, "Export"))
