"""Sessions that stay with a target or a target group (alb:edit-target-group-attributes, alb:rule-action-types).

| cookie | set by | says | counts for |
|---|---|---|---|
| AWSALB + AWSALBCORS | every answer of a sticky group | one target of one group | that group |
| AWSALBAPP-0 … -3 | an answer that sets the application's own cookie, and those after it | targets by group | those groups |
| AWSALBTG + AWSALBTGCORS | every answer of a sticky forward action | one target group | the load balancer |

Of twins the CORS one counts if it came. Each answer starts the duration anew. A cookie that does not open, is too old, or
names what is not there any more (a target that left, drains or is unhealthy) is as good as none: a new choice, a new cookie.
An AWSALBAPP cookie counts only together with the application's. All functions are pure; `wall` is the time of day in seconds,
durations are wall seconds.
"""

import re

from services.lb.http1.fieldvalues import FieldValues
from services.lb.routing.cookies import (
    REMOVED,
    SHARD_BYTES,
    SHARDS,
    Seal,
    expiry,
    has_cookie,
    joined,
    set_cookie,
    set_twins,
    shards,
)

_SET_COOKIE = FieldValues(b"Set-Cookie")
_ORIGIN = FieldValues(b"Origin")
_USER_AGENT = FieldValues(b"User-Agent")
_CHROMIUM = re.compile(rb"Chrom(?:e|ium)/([0-9]{1,4})")
_FIRST_STRICT_CHROMIUM = 80

TargetName = tuple[str, int]
"""A target's id and port."""


class TargetCookie:
    """AWSALB: the load balancer's own cookie of one group."""

    __slots__ = ("_duration", "_purpose", "_seal")

    def __init__(self, seal: Seal, group_arn: str, duration: float) -> None:
        self._seal = seal
        self._purpose = b"AWSALB " + group_arn.encode()
        self._duration = duration

    def read(self, cookies: dict[bytes, bytes], wall: float) -> TargetName | None:
        text = self._seal.open(self._purpose, _of_twins(cookies, b"AWSALB"))
        if text is None:
            return None
        issued, port, name = text.split(b" ", 2)
        return (name.decode(), int(port)) if _counts(issued, self._duration, wall) else None

    def write(self, target: TargetName, wall: float) -> bytes:
        text = b"%d %d %b" % (int(wall * 1000), target[1], target[0].encode())
        return set_twins(b"AWSALB", self._seal.close(self._purpose, text), expiry(wall))


class GroupCookie:
    """AWSALBTG: which of a forward action's groups a client got."""

    __slots__ = ("_duration", "_purpose", "_seal")

    def __init__(self, seal: Seal, load_balancer_arn: str, duration: float) -> None:
        self._seal = seal
        self._purpose = b"AWSALBTG " + load_balancer_arn.encode()
        self._duration = duration

    def read(self, cookies: dict[bytes, bytes], wall: float) -> str | None:
        """A target group's ARN."""
        text = self._seal.open(self._purpose, _of_twins(cookies, b"AWSALBTG"))
        if text is None:
            return None
        issued, _, arn = text.partition(b" ")
        return arn.decode() if _counts(issued, self._duration, wall) else None

    def write(self, group_arn: str, wall: float) -> bytes:
        text = b"%d %b" % (int(wall * 1000), group_arn.encode())
        return set_twins(b"AWSALBTG", self._seal.close(self._purpose, text), expiry(wall))


class Session:
    """What an AWSALBAPP cookie of a request says. `target` is None when the group has no part in it, or it does not count;
    `others` are the lines about other groups, which stay."""

    __slots__ = ("cross_site", "others", "target")

    def __init__(self, others: list[bytes], target: TargetName | None, cross_site: bool) -> None:
        self.others = others
        self.target = target
        self.cross_site = cross_site


class AppCookie:
    """AWSALBAPP: follows the cookie `name` of the application. The sealed text has a line for each group."""

    __slots__ = ("_duration", "_group", "_name", "_purpose", "_seal")

    def __init__(self, seal: Seal, load_balancer_arn: str, group_arn: str, name: str, duration: float) -> None:
        self._seal = seal
        self._purpose = b"AWSALBAPP " + load_balancer_arn.encode()
        self._group = group_arn.encode()
        self._name = name.encode()
        self._duration = duration

    def read(self, cookies: dict[bytes, bytes], head: bytes, wall: float) -> Session:
        text = self._seal.open(self._purpose, joined(cookies))
        others = []
        target = None
        for line in text.split(b"\n") if text else ():
            issued, port, name, group = line.split(b" ", 3)
            if group != self._group:
                others.append(line)
            elif _counts(issued, self._duration, wall) and has_cookie(head, self._name):
                target = (name.decode(), int(port))
        return Session(others, target, _wants_same_site(head))

    def write(self, session: Session, target: TargetName, response_head: bytes, wall: float) -> bytes:
        """`target` is the one that answered."""
        lines = session.others
        if session.target is not None or self._is_set_in(response_head):
            own = b"%d %d %b %b" % (int(wall * 1000), target[1], target[0].encode(), self._group)
            lines = [own, *lines]
        value = b""
        while lines:
            value = self._seal.close(self._purpose, b"\n".join(lines))
            if len(value) <= SHARD_BYTES * SHARDS:
                break
            lines = lines[:-1]
            value = b""
        expires = expiry(wall)
        return b"".join(
            set_cookie(b"AWSALBAPP-%d" % index, piece, expires, cross_site=session.cross_site and piece != REMOVED)
            for index, piece in enumerate(shards(value))
        )

    def _is_set_in(self, response_head: bytes) -> bool:
        start = self._name + b"="
        return any(value.startswith(start) for value in _SET_COOKIE.of(response_head))


def _of_twins(cookies: dict[bytes, bytes], name: bytes) -> bytes:
    return cookies.get(name + b"CORS") or cookies.get(name, b"")


def _counts(issued: bytes, duration: float, wall: float) -> bool:
    """Whether a cookie that was issued then, in milliseconds, still counts."""
    return wall - int(issued) / 1000 < duration


def _wants_same_site(head: bytes) -> bool:
    """A cross-origin request of a browser that would drop the cookie otherwise: Chromium 80 or later."""
    if not _ORIGIN.of(head):
        return False
    match = _CHROMIUM.search(b" ".join(_USER_AGENT.of(head)))
    return match is not None and int(match[1]) >= _FIRST_STRICT_CHROMIUM
