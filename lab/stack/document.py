"""From text to nodes that remember their lines: YAML (with CloudFormation's short forms) or JSON, one and the same tree.

Rules of this file:

* A scalar is what JSON would call it: `true`, `null`, `80`, `1.5`; everything else stays a string. So `no` is "no",
  `022` is "022", `2010-09-09` is a string, and `16.10` keeps its zero because a number must read back as it was written.
* `!Sub x`, `Fn::Sub: x` and `{"Fn::Sub": "x"}` become the same `Function` value.
* The line of a mapping's value is the line of its key: that is where a person looks.
* Duplicate keys, aliases and unknown functions are problems; all of them are collected before anything is refused.

Source: AWS CloudFormation User Guide, "Template format" and "Intrinsic function reference".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import yaml

FUNCTIONS = (
    "Ref", "Fn::And", "Fn::Base64", "Fn::Cidr", "Fn::Equals", "Fn::FindInMap", "Fn::GetAZs", "Fn::GetAtt", "Fn::If",
    "Fn::Join", "Fn::Not", "Fn::Or", "Fn::Select", "Fn::Split", "Fn::Sub",
)  # fmt: skip
ELSEWHERE = (
    "Fn::ForEach", "Fn::GetStackOutput", "Fn::ImportValue", "Fn::Length", "Fn::RefAll", "Fn::ToJsonString",
    "Fn::Transform", "Fn::ValueOf",
)  # fmt: skip

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A value and the line (1-based) where it is written. Lines do not count when nodes are compared.

    `value` is a scalar, a dict of nodes, a tuple of nodes, a `Function`, or (after evaluation) an `Unknown`.
    """

    value: Any
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Function:
    """A call of an intrinsic function that has not been evaluated; `name` is the long form, or "Ref"."""

    name: str
    argument: Node


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a template, as it is shown: `line 42: Resources.Web.Properties.MinSise: …`."""

    line: int
    path: str
    text: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.path}: {self.text}" if self.path else f"{place}{self.text}"


def problem(line: int, path: Path, text: str) -> Problem:
    """A problem at a path of keys; list positions are part of the path as "0", "1", …"""
    return Problem(line, ".".join(path), text)


def did_you_mean(name: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """`; did you mean X?` for the nearest known name, or an empty string when none is as like as `likeness` (0 to 1)."""
    near = get_close_matches(name, list(known), n=1, cutoff=likeness)
    return f"; did you mean {near[0]}?" if near else ""


def plain(node: Node) -> Any:
    """The node's value without lines: dicts, lists, scalars; functions and unknown values are left as they are."""
    match node.value:
        case dict() as members:
            return {key: plain(child) for key, child in members.items()}
        case tuple() as items:
            return [plain(child) for child in items]
        case other:
            return other


@lru_cache(maxsize=32)
def read(text: str) -> tuple[Node, tuple[Problem, ...]]:
    """The template's tree and what is wrong with its writing. A text that is no YAML at all gives an empty mapping."""
    if text.lstrip().startswith("{"):
        text = text.replace("\t", " ")  # JSON allows tabs between tokens, YAML does not; inside strings neither does
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        said = f"YAML not well-formed. (line {line}, column {column}): {error.problem or error.context}"
        return Node({}), (Problem(line, "", said),)
    except yaml.YAMLError as error:
        return Node({}), (Problem(0, "", f"YAML not well-formed: {error}"),)
    finally:
        loader.dispose()
    if not isinstance(root, yaml.MappingNode):
        return Node({}), (Problem(1, "", "a template is a mapping of sections such as Resources"),)
    problems: list[Problem] = []
    tree = _convert(root, 1, (), problems)
    return tree, tuple(problems)


class _Loader(yaml.SafeLoader):
    """PyYAML's parser with its guessing of types taken out, and aliases refused as CloudFormation refuses them."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML reads it as a class attribute

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it bare
            raise yaml.composer.ComposerError(None, None, "CloudFormation has no YAML aliases", mark)
        return super().compose_node(parent, index)


def _convert(source: yaml.Node, line: int, path: Path, problems: list[Problem]) -> Node:
    name = _tagged_function(source, line, path, problems)
    if name is None:
        return _untagged(source, line, path, problems)
    argument = _untagged(source, line, path, problems)
    if name == "Condition":
        return Node({"Condition": argument}, line)
    return Node(Function(name, argument), line)


def _tagged_function(source: yaml.Node, line: int, path: Path, problems: list[Problem]) -> str | None:
    tag = str(source.tag)
    if not tag.startswith("!") or tag == "!":
        return None
    name = tag[1:] if tag in ("!Ref", "!Condition") else f"Fn::{tag[1:]}"
    if name != "Condition" and not _known_function(name, tag, line, path, problems):
        return None
    return name


def _known_function(name: str, shown: str, line: int, path: Path, problems: list[Problem]) -> bool:
    if name in FUNCTIONS:
        return True
    if name in ELSEWHERE:
        problems.append(problem(line, path, f"the lab does not support {name} yet"))
    else:
        hint = did_you_mean(name, FUNCTIONS)
        problems.append(problem(line, path, f"there is no function {shown}{hint}"))
    return False


def _untagged(source: yaml.Node, line: int, path: Path, problems: list[Problem]) -> Node:
    if isinstance(source, yaml.MappingNode):
        return _mapping(source, line, path, problems)
    if isinstance(source, yaml.SequenceNode):
        items = (
            _convert(item, item.start_mark.line + 1, (*path, str(index)), problems)
            for index, item in enumerate(source.value)
        )
        return Node(tuple(items), line)
    quoted = getattr(source, "style", None) is not None or source.tag == "!"
    return Node(_text(source.value) if quoted else _scalar(source.value), line)


def _mapping(source: yaml.MappingNode, line: int, path: Path, problems: list[Problem]) -> Node:
    members: dict[str, Node] = {}
    for key_node, value_node in source.value:
        at = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(problem(at, path, "a key must be a plain string"))
            continue
        key = _text(key_node.value)
        if key in members:
            problems.append(problem(at, (*path, key), f"duplicate key {key}; the first is on line {members[key].line}"))
            continue
        members[key] = _convert(value_node, at, (*path, key), problems)
    if len(members) == 1:
        [(key, argument)] = members.items()
        is_call = key == "Ref" or key.startswith("Fn::")
        if is_call and _known_function(key, key, argument.line, path, problems):
            return Node(Function(key, argument), line)
    return Node(members, line)


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text


def _text(text: str) -> str:
    """JSON writes characters beyond U+FFFF as two escapes; YAML leaves them apart, so they are joined here."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
