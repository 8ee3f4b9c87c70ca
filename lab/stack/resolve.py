"""The values of a template for one stack: its scope, the resources its conditions include, their properties.

The same code serves the check before anything is made, the plan of an update, and the moment of the call; they differ
in the answers to Ref and Fn::GetAtt only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.core.errors import ValidationError
from lab.stack.document import Problem
from lab.stack.functions import Scope, condition, evaluate
from lab.stack.parameters import declared, for_scope
from lab.stack.resources import TYPES
from lab.stack.resources.base import ResourceType
from lab.stack.schema import fit, map_of
from lab.stack.template import ResourceItem, Template
from lab.stack.values import REMOVED, Unknown

PSEUDO = (
    "AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region", "AWS::StackId",
    "AWS::StackName", "AWS::URLSuffix",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """What a stack's pseudo-parameters and Fn::GetAZs are made of."""

    region: str
    account_id: str
    zones: tuple[str, ...]
    stack_name: str = "stack"
    stack_id: str = ""
    notification_arns: tuple[str, ...] = ()

    def pseudo(self) -> dict[str, Any]:
        """The pseudo-parameters by name; an empty stack id is not known yet."""
        return {
            "AWS::AccountId": self.account_id,
            "AWS::NoValue": REMOVED,
            "AWS::NotificationARNs": list(self.notification_arns),
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id or Unknown("AWS::StackId"),
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }


def scope_of(
    template: Template,
    setting: Setting,
    chosen: Mapping[str, str],
    resource: Callable[[str], Any],
    attribute: Callable[[str, str], Any],
    reveal: Callable[[str], str] = str,
) -> Scope:
    """The scope of a template with its parameters' values; its list of problems starts empty."""
    return Scope(
        parameters=for_scope(declared(template.parameters)[0], chosen),
        pseudo=setting.pseudo(),
        mappings=template.mappings,
        conditions=template.conditions,
        zones=setting.zones,
        resource=resource,
        attribute=attribute,
        reveal=reveal,
    )


def included(template: Template, scope: Scope) -> dict[str, ResourceItem]:
    """The resources whose conditions hold. One whose condition is unknown is included: it must be right as well."""
    return {name: item for name, item in template.resources.items() if holds(item.condition, scope, item.line)}


def holds(name: str | None, scope: Scope, line: int = 0) -> bool:
    """Whether the condition of that name holds or is unknown; no condition always holds."""
    return name is None or condition(name, scope, line) is not False


def properties(item: ResourceItem, scope: Scope, tags: Mapping[str, str]) -> dict[str, Any]:
    """The resource's properties in their own types, with the stack's tags added. Problems go to the scope.

    Dynamic references are revealed as far as `scope.reveal` does.
    """
    kind = TYPES[item.type]
    path = ("Resources", item.logical_id, "Properties")
    node = evaluate(item.properties, scope, path)
    shape = map_of(kind.properties, elsewhere=" ".join(kind.elsewhere))
    fitted: dict[str, Any] = fit(shape, node, item.type, path, scope.problems) or {}
    said = kind.check(fitted)
    if said is not None:
        scope.wrong(node.line or item.line, path, said)
    revealed: dict[str, Any] = _revealed(fitted, scope.reveal)
    return _with_stack_tags(kind, revealed, tags)


def raise_problems(problems: list[Problem]) -> None:
    """Refuses with everything that is wrong, in the order of the lines."""
    if not problems:
        return
    listed = [str(one) for one in sorted(set(problems))]
    if len(listed) == 1:
        raise ValidationError(f"Template format error: {listed[0]}")
    raise ValidationError(f"Template format error: {len(listed)} problems\n" + "\n".join(listed))


def _revealed(value: Any, reveal: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return reveal(value)
    if isinstance(value, dict):
        return {key: _revealed(child, reveal) for key, child in value.items()}
    if isinstance(value, list):
        return [_revealed(child, reveal) for child in value]
    return value


def _with_stack_tags(kind: ResourceType, given: dict[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """A stack's tags reach every resource that can have them; a resource's own tag of the same key wins."""
    slot = kind.properties.get(kind.tags)
    own = given.get(kind.tags, [])
    if slot is None or not tags or not isinstance(own, list):
        return given
    launch = bool(slot.shape.items and "PropagateAtLaunch" in slot.shape.items.members)
    extra = {"PropagateAtLaunch": True} if launch else {}
    taken = {tag["Key"] for tag in own if isinstance(tag, dict) and "Key" in tag}
    more = [{"Key": key, "Value": value, **extra} for key, value in tags.items() if key not in taken]
    return {**given, kind.tags: [*own, *more]}
