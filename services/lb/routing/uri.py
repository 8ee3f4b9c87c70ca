"""Request targets taken apart and normalised, as rules see them. Pure; what is forwarded stays as it came.

A rule is evaluated "after URI normalization" (alb:rule-condition-types), which AWS does not spell out. Here it is the
syntax-based normalisation of RFC 3986 section 6.2.2: `%41` becomes `A` where the character is unreserved, other escapes get
upper-case digits, dot segments are resolved. Reserved characters stay escaped (`%2F` is no slash), slashes are not merged.
"""

import re

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_AUTHORITY = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*")


def origin_form(target: bytes) -> bytes:
    """`/path?query` of a target in any form, without a fragment."""
    if not target.startswith(b"/"):
        match = _AUTHORITY.match(target)
        if match is not None:
            target = target[match.end() :]
            if not target.startswith(b"/"):
                target = b"/" + target
    return target.partition(b"#")[0] if b"#" in target else target


def normal_path(path: bytes) -> bytes:
    """`path` (everything before the `?` of a target) as rules compare it."""
    if not path.startswith(b"/") or b"#" in path:
        path = origin_form(path)
    if b"%" in path:
        path = unescaped(path)
    return _without_dots(path) if b"/." in path else path


def query_pairs(target: bytes) -> list[tuple[bytes, bytes]]:
    """The (key, value) pairs of a target's query in lower case; a key without `=` has the value b""."""
    query = target.partition(b"?")[2].partition(b"#")[0]
    if b"%" in query:
        query = unescaped(query)
    pairs = []
    for member in query.lower().split(b"&"):
        if member:
            key, _, value = member.partition(b"=")
            pairs.append((key, value))
    return pairs


def host_name(host: bytes) -> bytes:
    """A Host field's value without its port; an IPv6 address keeps its brackets."""
    if host.startswith(b"["):
        return host[: host.find(b"]") + 1]
    return host.partition(b":")[0]


def unescaped(text: bytes) -> bytes:
    return _ESCAPE.sub(_resolve, text)


def _resolve(match: re.Match[bytes]) -> bytes:
    code = int(match[1], 16)
    return bytes((code,)) if code in _UNRESERVED else match[0].upper()


def _without_dots(path: bytes) -> bytes:
    """RFC 3986 section 5.2.4 for a path that begins with a slash."""
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            if kept:
                kept.pop()
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept)
