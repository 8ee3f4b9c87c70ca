"""Other scaling policies for a stack than its own: a built-in set by name, or a file of CloudFormation resources.

The stack's policies, its scheduled actions and the alarms that invoke its policies are taken out of the template; what
replaces them goes in, for each group of it, and CloudFormation updates the stack. Nothing else changes.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.load.shapes import parameters
from lab.load.trace import TraceError
from lab.simulate.built_in import ALARM, BUILT_IN, POLICY, SCHEDULE, Outlook, Resource, Resources
from lab.stack.document import Function, Node, read

GROUP = "AWS::AutoScaling::AutoScalingGroup"
BELONGS_TO_A_GROUP = (POLICY, SCHEDULE)

AS_IT_IS, NOTHING = "stack", "none"
"""The names of the policies that the template has, and of no policies at all."""


class PolicyError(ValueError):
    """A policy that makes no sense; the message says what to do."""


def names(text: str) -> list[str]:
    """`target-tracking,step:high=70,low=30,simple` → three: what has a `=` and no `:` belongs to the name before it."""
    found: list[str] = []
    for word in filter(None, text.split(",")):
        if found and "=" in word and ":" not in word:
            found[-1] += f",{word}"
        else:
            found.append(word)
    return found


def replaced(template: str, policy: str, outlook: Callable[[str], Outlook]) -> str:
    """The template with other policies, as JSON. `outlook` answers for a group's logical id. Raises PolicyError."""
    body = as_json(read(template)[0])
    groups = [name for name, row in body["Resources"].items() if row.get("Type") == GROUP]
    if not groups:
        raise PolicyError(f"the stack has no {GROUP} that a policy could scale")
    removed = _removed(body["Resources"])
    kept = {name: row for name, row in body["Resources"].items() if name not in removed}
    made = _made(policy, groups, outlook)
    if taken := sorted(kept.keys() & made.keys()):
        raise PolicyError(f"{policy}: the stack has {', '.join(taken)} already; call yours something else")
    body["Resources"] = {**kept, **made}
    body["Outputs"] = {name: row for name, row in body.get("Outputs", {}).items() if not removed & set(references(row))}
    if not body["Outputs"]:
        del body["Outputs"]
    return json.dumps(body, separators=(",", ":"))


def _removed(resources: Mapping[str, Resource]) -> set[str]:
    found = {name for name, row in resources.items() if row.get("Type") in BELONGS_TO_A_GROUP}
    invoking = {
        name
        for name, row in resources.items()
        if row.get("Type") == ALARM and found & set(references(row.get("Properties", {}).get("AlarmActions")))
    }
    return found | invoking


def _made(policy: str, groups: Iterable[str], outlook: Callable[[str], Outlook]) -> Resources:
    name, _, rest = policy.partition(":")
    if name in BUILT_IN:
        make, defaults = BUILT_IN[name]
        try:
            given = parameters(rest, tuple(defaults), f"policy {name}")
        except TraceError as error:
            raise PolicyError(str(error)) from error
        return {
            name: row for group in groups for name, row in make(group, {**defaults, **given}, outlook(group)).items()
        }
    return _from_file(Path(policy), list(groups))


def _from_file(path: Path, groups: list[str]) -> Resources:
    try:
        text = path.read_text()
    except OSError as error:
        known = ", ".join((AS_IT_IS, *BUILT_IN))
        raise PolicyError(
            f"there is no policy {str(path)!r} ({error.strerror}): name one of {known}, or a file"
        ) from error
    root, problems = read(text)
    if problems:
        raise PolicyError("\n".join(f"{path}: {problem}" for problem in problems))
    body = as_json(root)
    resources: Resources = body.get("Resources", body)
    for name, row in resources.items():
        kind = row.get("Type") if isinstance(row, dict) else None
        if kind not in (*BELONGS_TO_A_GROUP, ALARM):
            allowed = ", ".join((*BELONGS_TO_A_GROUP, ALARM))
            raise PolicyError(f"{path}: {name} must be a resource with a Type, one of {allowed}, not {kind}")
        properties = row.setdefault("Properties", {})
        if kind in BELONGS_TO_A_GROUP and "AutoScalingGroupName" not in properties:
            if len(groups) > 1:
                raise PolicyError(f"{path}: {name} needs AutoScalingGroupName; the stack has {', '.join(groups)}")
            properties["AutoScalingGroupName"] = {"Ref": groups[0]}
    return resources


def as_json(node: Node) -> Any:
    """The node as a template in JSON has it."""
    match node.value:
        case dict() as members:
            return {key: as_json(child) for key, child in members.items()}
        case tuple() as items:
            return [as_json(child) for child in items]
        case Function() as function:
            return {function.name: as_json(function.argument)}
        case other:
            return other


def references(value: Any) -> Iterator[str]:
    """The logical ids that a value in JSON form refers to by Ref, GetAtt or Sub."""
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref":
                yield str(inner)
            elif key == "Fn::GetAtt":
                yield (inner.partition(".")[0] if isinstance(inner, str) else str(inner[0]))
            elif key == "Fn::Sub":
                text = inner if isinstance(inner, str) else str(inner[0])
                yield from (part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:])
            yield from references(inner)
