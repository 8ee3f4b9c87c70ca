"""Wildcard patterns and regular expressions of rules, compiled (alb:rule-condition-types).

`*` stands for any characters, `?` for exactly one. A pattern is sorted by what it costs to look for: a whole text, a start or
an end of one are found by a dictionary; only the rest is run, and only on texts that begin as it must. Wildcards take time
linear in the text, whatever a client sends: everything up to the last `*` is matched without backtracking (a wildcard's
parts may be taken at the first place they fit).

A regular expression is searched for anywhere in the text, so `^` and `$` are up to its author. AWS's engine is not known;
Python's backtracks, so an expression such as `(a+)+$` can be made slow by a client.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

Test = Callable[[bytes], re.Match[bytes] | None]


class Kind(IntEnum):
    WHOLE = 0
    START = 1
    END = 2
    TESTED = 3


@dataclass(frozen=True, slots=True)
class Pattern:
    """`literal` is the whole text, its start or its end by `kind`; what `test` accepts starts with it."""

    kind: Kind
    literal: bytes
    test: Test | None = None


_TOKENS = re.compile(rb"\*+|\?|[^*?]+", re.DOTALL)
_ESCAPED_TOKENS = re.compile(rb"\*+|\?|\\[*?]|[^*?\\]+|\\", re.DOTALL)
_LITERAL_START = re.compile(rb"\^((?:[A-Za-z0-9/_\-,:;@&=~!%\"' <>#]|\\[^A-Za-z0-9\s])+)", re.DOTALL)
NUL = b"\0"
_NO_NUL = b"[^\0]"
_QUANTIFIERS = frozenset(b"*?{")


def wildcard(text: bytes, *, escapes: bool = False) -> Pattern:
    """With `escapes` the pairs `\\*` and `\\?` are literal characters."""
    parts = _parts(text, b".", escapes)
    if len(parts) == 1 and parts[0].literal is not None:
        return Pattern(Kind.WHOLE, parts[0].literal)
    if len(parts) == 2:
        first, last = parts[0].literal, parts[1].literal
        if last == b"" and first is not None:
            return Pattern(Kind.START, first)
        if first == b"" and last is not None:
            return Pattern(Kind.END, last)
    return _tested(parts[0].start, _regex(parts, b"."))


def wildcard_pair(key: bytes, value: bytes) -> Pattern:
    """A pattern for texts key, NUL, value; neither holds a NUL. Escapes count in both."""
    keys, values = _parts(key, _NO_NUL, True), _parts(value, b".", True)
    if len(keys) == 1 and keys[0].literal is not None:
        start = keys[0].literal + NUL
        if len(values) == 1 and values[0].literal is not None:
            return Pattern(Kind.WHOLE, start + values[0].literal)
        start += values[0].start
    else:
        start = keys[0].start
    return _tested(start, _regex(keys, _NO_NUL) + NUL + _regex(values, b"."))


def expression(text: bytes, *, ignore_case: bool = False) -> Pattern:
    """A regular expression. Raises re.error when it is none."""
    regex = re.compile(text, re.DOTALL | re.IGNORECASE if ignore_case else re.DOTALL)
    literal = _literal_start(text)
    return Pattern(Kind.TESTED, literal.lower() if ignore_case else literal, regex.search)


class _Part:
    """What stands between two `*`: `regex` matches it, `literal` is it where it holds no `?`, `start` is its literal start."""

    __slots__ = ("literal", "regex", "start")

    def __init__(self) -> None:
        self.literal: bytes | None = b""
        self.regex = b""
        self.start = b""


def _parts(text: bytes, one: bytes, escapes: bool) -> list[_Part]:
    parts = [_Part()]
    for token in (_ESCAPED_TOKENS if escapes else _TOKENS).findall(text):
        part = parts[-1]
        if token[:1] == b"*":
            parts.append(_Part())
        elif token == b"?":
            part.regex += one
            part.literal = None
        else:
            literal = token[1:] if escapes and token in (b"\\*", b"\\?") else token
            part.regex += re.escape(literal)
            if part.literal is not None:
                part.literal += literal
                part.start = part.literal
    return parts


def _regex(parts: list[_Part], one: bytes) -> bytes:
    if len(parts) == 1:
        return parts[0].regex
    middle = b"".join(b"(?>%b*?%b)" % (one, part.regex) for part in parts[1:-1])
    return parts[0].regex + middle + one + b"*" + parts[-1].regex


def _tested(start: bytes, regex: bytes) -> Pattern:
    return Pattern(Kind.TESTED, start, re.compile(regex, re.DOTALL).fullmatch)


def _literal_start(text: bytes) -> bytes:
    """What every match of an expression that begins with `^` starts with; b"" when that is not plain to see."""
    match = _LITERAL_START.match(text)
    if match is None or b"|" in text:
        return b""
    literal = re.sub(rb"\\(.)", rb"\1", match[1], flags=re.DOTALL)
    return literal[:-1] if text[match.end() : match.end() + 1] and text[match.end()] in _QUANTIFIERS else literal
