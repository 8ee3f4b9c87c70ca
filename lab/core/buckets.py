"""S3's rules: names of buckets, the order and the pages of a listing, byte ranges (s3: bucketnamingrules, ListObjectsV2)."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from lab.core.errors import LabError

KEY_BYTES = 1024
PAGE = 1000
RESERVED = frozenset({"lab", "metrics", "service"})
"""Names of the lab's own paths on the API's port, and so no buckets of the lab."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """`modified` is wall time: seconds since the epoch. `etag` is the MD5 of the content, hexadecimal."""

    key: str
    size: int
    modified: float
    etag: str


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a listing. `last` is the key or common prefix to go on after, "" when this was the last page."""

    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    last: str = ""


def check_bucket_name(name: str) -> None:
    """Raises InvalidBucketName unless it is one that S3 allows, and that is no path of the lab's own."""
    if name in RESERVED:
        raise LabError("InvalidBucketName", f"{name!r} is a path of the lab's own: choose another name for the bucket")
    if _NAME.fullmatch(name) is None or ".." in name or name.startswith("xn--") or _is_address(name):
        raise LabError(
            "InvalidBucketName",
            f"The specified bucket is not valid: {name!r}. Use 3 to 63 lower-case letters, digits, dots and hyphens",
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def page(keys: Iterable[str], prefix: str, delimiter: str, after: str, limit: int) -> Page:
    """Keys that begin with `prefix`, in S3's order (by their UTF-8 bytes), from the first one past `after` on. Keys that
    have the delimiter beyond the prefix are rolled up to it; keys and rolled-up prefixes together are at most `limit`."""
    shown: list[str] = []
    rolled: dict[str, None] = {}
    last = ""
    for key in sorted((key for key in keys if key.startswith(prefix)), key=str.encode):
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = key if cut < 0 else key[: cut + len(delimiter)]
        if entry in rolled or key.encode() <= after.encode() or (entry == after and cut >= 0):
            continue
        if len(shown) + len(rolled) >= limit:
            return Page(tuple(shown), tuple(rolled), last)
        last = entry
        if cut < 0:
            shown.append(entry)
        else:
            rolled[entry] = None
    return Page(tuple(shown), tuple(rolled))


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The first byte and the one past the last that a Range header asks for; None for the whole. A header that is not
    understood is as none (RFC 9110, 14.2). Raises InvalidRange where there is no such byte."""
    found = None if header is None else _RANGE.fullmatch(header.strip())
    if found is None or found.group(1, 2) == ("", ""):
        return None
    first, last = found.group(1, 2)
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise LabError("InvalidRange", "The requested range is not satisfiable", status=416)
    return start, end
