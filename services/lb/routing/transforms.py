"""Rule transforms: the host and the URL a target gets instead of the client's (alb:rule-transforms). Pure.

Where the expression is found, what it found first becomes the replacement, in which `$1` to `$9` stand for its groups; where it
is not found, nothing changes. A host is rewritten without its port, which stays; a URL is `/path?query` as it was sent. The
transform fails, which is a 500, when the result is no host or no origin-form target, or names a group the expression has not.
Rules are not asked again afterwards.
"""

import re

from lab.core.elbv2.rules import Rewrite, Rule
from services.lb.http1.fields import is_host
from services.lb.routing.uri import host_name, origin_form

TARGET_BYTES = 15 * 1024
"""With method and version the request line stays within its 16 K."""
HOST_BYTES = 255

_GROUP = re.compile(r"\$([1-9])")
_TARGET = re.compile(rb"/[\x21-\x22\x24-\x7e\x80-\xff]*")


class _Rewriter:
    __slots__ = ("_groups", "_regex", "_texts")

    def __init__(self, rewrite: Rewrite, flags: re.RegexFlag) -> None:
        self._regex = re.compile(rewrite.regex.encode(), flags)
        pieces = _GROUP.split(rewrite.replace)
        self._texts = [piece.encode() for piece in pieces[::2]]
        self._groups = [int(piece) for piece in pieces[1::2]]

    def apply(self, text: bytes) -> bytes | None:
        match = self._regex.search(text)
        if match is None:
            return text
        new = self._texts[0]
        for index, group in enumerate(self._groups):
            if group > self._regex.groups:
                return None
            new += (match[group] or b"") + self._texts[index + 1]
        return text[: match.start()] + new + text[match.end() :]


class Transforms:
    """A rule's transforms, compiled. Raises re.error for an expression that is none."""

    __slots__ = ("_host", "_url")

    def __init__(self, rule: Rule) -> None:
        self._host: _Rewriter | None = None
        self._url: _Rewriter | None = None
        if rule.host_rewrite is not None:
            self._host = _Rewriter(rule.host_rewrite, re.IGNORECASE)
        if rule.url_rewrite is not None:
            self._url = _Rewriter(rule.url_rewrite, re.NOFLAG)

    def apply(self, host: bytes, target: bytes) -> tuple[bytes, bytes] | None:
        """(host, target) for the target's head; None when the transform fails. `host` is the Host field's value in lower
        case, `target` the request's."""
        if self._host is not None:
            name = host_name(host)
            new_name = self._host.apply(name)
            if new_name is None:
                return None
            new_host = new_name.lower() + host[len(name) :]
            if not new_name or len(new_host) > HOST_BYTES or not is_host(new_host):
                return None
            host = new_host
        if self._url is not None:
            new_target = self._url.apply(origin_form(target))
            if new_target is None or len(new_target) > TARGET_BYTES or _TARGET.fullmatch(new_target) is None:
                return None
            target = new_target
        return host, target


def transforms(rule: Rule) -> Transforms | None:
    """None for a rule without any."""
    return Transforms(rule) if rule.host_rewrite is not None or rule.url_rewrite is not None else None
