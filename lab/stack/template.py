"""A template's sections as values: what is declared where, before any function is evaluated.

`load` never raises: it gives the template and every problem of form. Meaning (types, references, parameter values) is
`lab.stack.check`'s business.

Source: AWS CloudFormation User Guide, "Template sections".
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lab.stack.document import Function, Node, Path, Problem, did_you_mean, plain, problem, read

SECTIONS = (
    "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions", "Resources",
    "Outputs",
)  # fmt: skip
SECTIONS_ELSEWHERE = ("Hooks", "Rules", "Transform")
RESOURCE_KEYS = (
    "Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy",
)  # fmt: skip
RESOURCE_KEYS_ELSEWHERE = ("CreationPolicy", "UpdatePolicy")
OUTPUT_KEYS = ("Value", "Description", "Condition", "Export")
POLICIES = {
    "DeletionPolicy": ("Delete", "Retain", "RetainExceptOnCreate"),
    "UpdateReplacePolicy": ("Delete", "Retain"),
}
_VERSION = "2010-09-09"
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class ResourceItem:
    """One entry of Resources as written; `depends_on` holds the explicit DependsOn only."""

    logical_id: str
    type: str
    line: int
    type_line: int
    properties: Node
    condition: str | None
    depends_on: tuple[Node, ...]
    deletion_policy: str
    update_replace_policy: str


@dataclass(frozen=True, slots=True)
class OutputItem:
    """One entry of Outputs as written."""

    name: str
    value: Node
    description: str
    condition: str | None
    export: Node | None
    line: int


@dataclass(frozen=True, slots=True)
class Template:
    """The sections. Parameters, mappings and conditions stay nodes: their own modules read them."""

    description: str
    parameters: dict[str, Node]
    mappings: dict[str, Node]
    conditions: dict[str, Node]
    resources: dict[str, ResourceItem]
    outputs: dict[str, OutputItem]


@lru_cache(maxsize=32)
def load(text: str) -> tuple[Template, tuple[Problem, ...]]:
    """The template written in `text`, and every problem of its form. Pure: equal texts give the same object."""
    root, found = read(text)
    problems = list(found)
    sections: dict[str, Node] = root.value
    if not found or sections:
        _check_sections(sections, problems)
    template = Template(
        description=_string(sections.get("Description"), ("Description",), problems),
        parameters=_section(sections, "Parameters", problems),
        mappings=_section(sections, "Mappings", problems),
        conditions=_section(sections, "Conditions", problems),
        resources=_resources(_section(sections, "Resources", problems), problems),
        outputs=_outputs(_section(sections, "Outputs", problems), problems),
    )
    return template, tuple(problems)


def _check_sections(sections: dict[str, Node], problems: list[Problem]) -> None:
    for name, node in sections.items():
        if name in SECTIONS_ELSEWHERE:
            problems.append(problem(node.line, (name,), f"the lab does not support the section {name} yet"))
        elif name not in SECTIONS:
            hint = did_you_mean(name, SECTIONS)
            problems.append(problem(node.line, (name,), f"Invalid template property or properties [{name}]{hint}"))
    version = sections.get("AWSTemplateFormatVersion")
    if version is not None and version.value != _VERSION:
        said = f"Template format error: Unsupported value for AWSTemplateFormatVersion; it is {_VERSION!r}"
        problems.append(
            problem(version.line, ("AWSTemplateFormatVersion",), said.removeprefix("Template format error: "))
        )
    resources = sections.get("Resources")
    if resources is None or resources.value in ({}, None):
        line = 1 if resources is None else resources.line
        problems.append(problem(line, (), "At least one Resources member must be defined."))


def _section(sections: dict[str, Node], name: str, problems: list[Problem]) -> dict[str, Node]:
    node = sections.get(name)
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        problems.append(problem(node.line, (name,), f"{name} must be a mapping of names"))
        return {}
    for key, child in node.value.items():
        if not _ALPHANUMERIC.fullmatch(key):
            singular = name.removesuffix("s")
            problems.append(problem(child.line, (name, key), f"{singular} name {key} is non alphanumeric."))
    return node.value


def _resources(entries: dict[str, Node], problems: list[Problem]) -> dict[str, ResourceItem]:
    found = (_resource(name, node, problems) for name, node in entries.items())
    return {item.logical_id: item for item in found if item is not None}


def _resource(name: str, node: Node, problems: list[Problem]) -> ResourceItem | None:
    path: Path = ("Resources", name)
    if not isinstance(node.value, dict):
        problems.append(problem(node.line, path, "a resource is a mapping with a Type"))
        return None
    members: dict[str, Node] = node.value
    _check_keys(members, path, RESOURCE_KEYS, RESOURCE_KEYS_ELSEWHERE, problems)
    kind = members.get("Type")
    if kind is None or not isinstance(kind.value, str):
        problems.append(
            problem(node.line, path, f"[/Resources/{name}] Every Resources object must contain a Type member.")
        )
        return None
    properties = members.get("Properties", Node({}, node.line))
    if properties.value is None:
        properties = Node({}, properties.line)
    if not isinstance(properties.value, dict):
        problems.append(problem(properties.line, (*path, "Properties"), "Properties must be a mapping"))
        properties = Node({}, properties.line)
    return ResourceItem(
        logical_id=name,
        type=kind.value,
        line=node.line,
        type_line=kind.line,
        properties=properties,
        condition=_condition(members, path, problems),
        depends_on=_depends_on(members.get("DependsOn"), path, problems),
        deletion_policy=_policy("DeletionPolicy", members, path, problems),
        update_replace_policy=_policy("UpdateReplacePolicy", members, path, problems),
    )


def _outputs(entries: dict[str, Node], problems: list[Problem]) -> dict[str, OutputItem]:
    found = (_output(name, node, problems) for name, node in entries.items())
    return {item.name: item for item in found if item is not None}


def _output(name: str, node: Node, problems: list[Problem]) -> OutputItem | None:
    path: Path = ("Outputs", name)
    if not isinstance(node.value, dict) or "Value" not in node.value:
        problems.append(problem(node.line, path, "an output is a mapping with a Value"))
        return None
    members: dict[str, Node] = node.value
    _check_keys(members, path, OUTPUT_KEYS, (), problems)
    export = members.get("Export")
    if export is not None and (not isinstance(export.value, dict) or set(export.value) != {"Name"}):
        problems.append(problem(export.line, (*path, "Export"), "Export is a mapping with a Name and nothing else"))
        export = None
    return OutputItem(
        name=name,
        value=members["Value"],
        description=_string(members.get("Description"), (*path, "Description"), problems),
        condition=_condition(members, path, problems),
        export=None if export is None else export.value["Name"],
        line=node.line,
    )


def _check_keys(
    members: dict[str, Node], path: Path, known: tuple[str, ...], elsewhere: tuple[str, ...], problems: list[Problem]
) -> None:
    for key, child in members.items():
        if key in elsewhere:
            problems.append(problem(child.line, (*path, key), f"the lab does not support {key} yet"))
        elif key not in known:
            hint = did_you_mean(key, known)
            problems.append(problem(child.line, (*path, key), f"there is no {key} here{hint}"))


def _condition(members: dict[str, Node], path: Path, problems: list[Problem]) -> str | None:
    node = members.get("Condition")
    if node is None:
        return None
    if not isinstance(node.value, str):
        problems.append(problem(node.line, (*path, "Condition"), "Condition is the name of a condition"))
        return None
    return node.value


def _depends_on(node: Node | None, path: Path, problems: list[Problem]) -> tuple[Node, ...]:
    if node is None:
        return ()
    entries = node.value if isinstance(node.value, tuple) else (node,)
    said = "DependsOn is a logical id or a list of them"
    wrong = (entry for entry in entries if not isinstance(entry.value, str))
    problems.extend(problem(entry.line, (*path, "DependsOn"), said) for entry in wrong)
    return tuple(entry for entry in entries if isinstance(entry.value, str))


def _policy(key: str, members: dict[str, Node], path: Path, problems: list[Problem]) -> str:
    node = members.get(key)
    if node is None:
        return "Delete"
    if node.value == "Snapshot":
        said = f"the lab does not support {key} Snapshot yet: it keeps no snapshots; use Delete or Retain"
        problems.append(problem(node.line, (*path, key), said))
    elif node.value not in POLICIES[key]:
        said = f"Unrecognized {key} {_shown(node)}; it is one of {', '.join(POLICIES[key])}"
        problems.append(problem(node.line, (*path, key), said))
    return str(node.value)


def _string(node: Node | None, path: Path, problems: list[Problem]) -> str:
    if node is None:
        return ""
    if not isinstance(node.value, str):
        problems.append(problem(node.line, path, f"{path[-1]} must be a string"))
        return ""
    return node.value


def _shown(node: Node) -> Any:
    return node.value.name if isinstance(node.value, Function) else plain(node)
