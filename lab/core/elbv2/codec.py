"""Documents as JSON values and back. Pure, and strict on the way back: a value of another kind than the field's is refused.

A dataclass is an object, a tuple a list; members of a union carry AWS's name of themselves under `type` (`rules.TAGS`).
"""

import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, TypeVar

from lab.core.elbv2.rules import TAGS

T = TypeVar("T")


def encode(value: Any) -> Any:
    """The JSON value of a document or a part of one."""
    if is_dataclass(value) and not isinstance(value, type):
        body = {field.name: encode(getattr(value, field.name)) for field in fields(value)}
        tag = TAGS.get(type(value))
        return body if tag is None else {"type": tag, **body}
    if isinstance(value, tuple):
        return [encode(member) for member in value]
    return value


def decode(kind: type[T], body: Any) -> T:
    """The inverse of `encode`. Raises ValueError with the reason when `body` is not a `kind`."""
    decoded: T = _decode(kind, body, kind.__name__)
    return decoded


def _decode(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        return _object(kind, value, where)
    origin = typing.get_origin(kind)
    if origin is tuple:
        return _tuple(typing.get_args(kind), value, where)
    if origin is types.UnionType or origin is typing.Union:
        return _union(typing.get_args(kind), value, where)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{where} must be of type {kind.__name__}, not {value!r}")
    return value


def _object(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be an object, not {value!r}")  # noqa: TRY004 - it is the document that is wrong
    known = _fields(kind)
    unknown = sorted(set(value) - set(known) - {"type"})
    if unknown:
        raise ValueError(f"{where} has no {', '.join(unknown)}")
    missing = [name for name, (field, _) in known.items() if name not in value and _required(field)]
    if missing:
        raise ValueError(f"{where} lacks {', '.join(missing)}")
    return kind(
        **{name: _decode(known[name][1], member, f"{where}.{name}") for name, member in value.items() if name in known}
    )


@functools.cache
def _fields(kind: Any) -> dict[str, tuple[Field[Any], Any]]:
    hints = typing.get_type_hints(kind)
    return {field.name: (field, hints[field.name]) for field in fields(kind)}


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _tuple(members: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where} must be a list, not {value!r}")  # noqa: TRY004 - likewise
    if members[-1] is Ellipsis:
        return tuple(_decode(members[0], member, f"{where}[{index}]") for index, member in enumerate(value))
    if len(members) != len(value):
        raise ValueError(f"{where} must have {len(members)} members, not {len(value)}")
    return tuple(_decode(kind, member, where) for kind, member in zip(members, value, strict=True))


def _union(members: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and types.NoneType in members:
        return None
    choices = [kind for kind in members if kind is not types.NoneType]
    if len(choices) == 1:
        return _decode(choices[0], value, where)
    tag = value.get("type") if isinstance(value, Mapping) else None
    for kind in choices:
        if TAGS[kind] == tag:
            return _decode(kind, value, where)
    raise ValueError(f"{where} has the unknown type {tag!r}")
