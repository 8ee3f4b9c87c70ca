"""Values that are not there yet, and the text CloudFormation makes of those that are."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Unknown:
    """A value known only once `what` has been made. It equals nothing, itself excepted: it may turn out as anything."""

    what: str


class _Removed:
    """The answer of `!Ref AWS::NoValue`: the property or list entry that holds it is left out."""

    def __repr__(self) -> str:
        return "AWS::NoValue"


REMOVED = _Removed()


def text_of(value: Any) -> str:
    """A scalar as CloudFormation writes it into a string: true, false, 80, 1.5. No list or map is given here."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def is_scalar(value: Any) -> bool:
    """True for what may stand where a string is wanted."""
    return isinstance(value, str | int | float | bool)


def unknown_in(value: Any) -> Unknown | None:
    """The first unknown anywhere inside a plain value, or None."""
    if isinstance(value, Unknown):
        return value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return next((found for child in children if (found := unknown_in(child)) is not None), None)
