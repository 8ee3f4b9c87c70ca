"""Pages of a long answer (bc:cloudwatch: MaxRecords, NextToken). A token names the last thing of the page before."""

import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

from lab.actions.context import Request
from lab.core.errors import LabError, ValidationError

T = TypeVar("T")
MOST = 100
"""Records in an answer, and how many there are when MaxRecords does not say: AWS publishes the former only."""


def last_seen(request: Request) -> str | None:
    """What the token of the page before names; None on the first page. Raises InvalidNextToken."""
    token = request.get("NextToken")
    if token is None:
        return None
    try:
        return base64.b64decode(token, validate=True).decode()
    except ValueError:  # of either
        raise invalid_token() from None


def invalid_token() -> LabError:
    return LabError("InvalidNextToken", "The token is not one of this operation, or too old; start without NextToken")


def page(items: Sequence[T], key: Callable[[T], str], request: Request) -> tuple[Sequence[T], dict[str, str]]:
    """The first MaxRecords of the items, and the NextToken member when there are more."""
    size = request.get("MaxRecords", MOST)
    if not 1 <= size <= MOST:
        raise ValidationError(f"MaxRecords must be from 1 to {MOST}, not {size}")
    if len(items) <= size:
        return items, {}
    return items[:size], {"NextToken": base64.b64encode(key(items[size - 1]).encode()).decode()}
