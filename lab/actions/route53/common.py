"""What Route 53's actions share: ids, rows by id, changes, pages."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lab.actions.context import Context, Request, Response, require
from lab.core.errors import LabError
from lab.core.route53.model import Change, HealthCheck, HostedZone
from lab.core.times import moment

T = TypeVar("T")
MOST_ITEMS = 100
"""Of a page, also where MaxItems asks for more (bc:route53.ListHostedZones, ListHealthChecks)."""
CHANGES_KEPT = 86400.0
"""Lab seconds for which GetChange knows a change. AWS says no number."""


def bare(identity: str) -> str:
    """The id alone of `/hostedzone/Z1` or `/change/C1`, as AWS gives them and takes either."""
    return identity.rpartition("/")[2]


def get_zone(context: Context, identity: str) -> HostedZone:
    message = f"No hosted zone found with ID: {bare(identity)}"
    return require(context.store, HostedZone, bare(identity), "NoSuchHostedZone", message, 404)


def get_check(context: Context, identity: str) -> HealthCheck:
    message = f"No health check exists with the specified ID: {identity}"
    return require(context.store, HealthCheck, identity, "NoSuchHealthCheck", message, 404)


def invalid(message: str) -> LabError:
    return LabError("InvalidInput", message)


def note_change(context: Context, comment: str = "") -> dict[str, Any]:
    """A ChangeInfo, kept for GetChange. It is PENDING in this answer as on AWS; the lab's name server reads the rows
    themselves, so that whoever asks later finds it INSYNC."""
    for old in context.store.all(Change):
        if context.now - old.submitted_at > CHANGES_KEPT:
            context.store.delete(Change, old.key)
    change = Change(f"C{context.new_id('hex16').upper()}", context.now, comment)
    context.store.put(change)
    return change_info(change, "PENDING")


def change_info(change: Change, status: str) -> dict[str, Any]:
    said = {"Comment": change.comment} if change.comment else {}
    return {"Id": f"/change/{change.change_id}", "Status": status, "SubmittedAt": moment(change.submitted_at), **said}


def max_items(request: Request, most: int = MOST_ITEMS) -> int:
    """It comes as text. Raises InvalidInput."""
    text = request.get("MaxItems", str(most))
    if not (text.isascii() and text.isdecimal()) or not 1 <= len(text) <= 9 or int(text) < 1:
        raise invalid(f"MaxItems must be a number from 1 on, not '{text}'")
    return min(int(text), most)


def page_by_marker(request: Request, items: Sequence[T], key: Callable[[T], str]) -> tuple[Sequence[T], Response]:
    """A page from the item on whose key is Marker, and the members that say so. Raises InvalidInput."""
    size, marker = max_items(request), request.get("Marker", "")
    keys = [key(item) for item in items]
    if marker and marker not in keys:
        raise invalid(f"The marker '{marker}' is not one of NextMarker: start without it")
    first = keys.index(marker) if marker else 0
    rest = keys[first + size :]
    said = {
        "Marker": marker,
        "MaxItems": str(size),
        "IsTruncated": bool(rest),
        **({"NextMarker": rest[0]} if rest else {}),
    }
    return items[first : first + size], said
