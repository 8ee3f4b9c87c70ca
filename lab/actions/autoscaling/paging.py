"""Answers in pages (bc:autoscaling paginators): NextToken and MaxRecords."""

from collections.abc import Sequence
from typing import Any, TypeVar

from lab.actions.context import Request
from lab.core.errors import LabError, ValidationError

T = TypeVar("T")


def page(request: Request, found: Sequence[T], default: int, most: int) -> tuple[Sequence[T], dict[str, Any]]:
    """The rows that are due, and the member of the answer that leads on to the next, if there are more."""
    size = request.get("MaxRecords", default)
    if not 1 <= size <= most:
        raise ValidationError(f"MaxRecords must be 1 to {most}, not {size}")
    token = request.get("NextToken", "0")
    if not (token.isascii() and token.isdecimal()):
        raise LabError("InvalidNextToken", f"The NextToken value '{token[:40]}' is not valid.")
    start = int(token)
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return found[start : start + size], more
