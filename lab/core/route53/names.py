"""Domain names in Route 53's own form: lower case, a dot at the end, and `\\ooo` (octal) for every octet that is not a letter,
a digit, a hyphen or an underscore (r53:DomainNameFormat). A wildcard's first label is `\\052`.

No label holds a bare dot, so a name splits at its dots.
"""

import re
from collections.abc import Iterable, Iterator

WILDCARD = "\\052"
LONGEST_LABEL = 63
LONGEST_NAME = 255
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
_OCTETS = re.compile(r"\\([0-3][0-7]{2})|([!-\[\]-~])")


def canonical(text: str) -> str:
    """The name that a person wrote, with or without its last dot. Raises ValueError with what is wrong, in AWS's
    words where they are known."""
    labels = [_octets(label) for label in text.removesuffix(".").split(".")]
    if not all(labels):
        raise ValueError(
            "DomainNameEmpty (Domain name is empty)" if labels == [b""] else "DomainLabelEmpty (Domain label is empty)"
        )
    if any(len(label) > LONGEST_LABEL for label in labels):
        raise ValueError("DomainLabelTooLong (Domain label is too long)")
    if sum(len(label) + 1 for label in labels) > LONGEST_NAME - 1:
        raise ValueError("DomainNameTooLong (Domain name is too long)")
    return of_labels(labels)


def of_labels(labels: Iterable[bytes]) -> str:
    """The name of labels as they stand in a message, without the root's empty one. The root itself is `.`."""
    return "".join(f"{_escaped(label)}." for label in labels) or "."


def to_labels(name: str) -> list[bytes]:
    """The inverse of `of_labels`, for a canonical name."""
    return [_octets(label) for label in name.split(".") if label]


def is_under(name: str, zone: str) -> bool:
    """Whether a canonical name is the zone's apex or below it."""
    return name == zone or name.endswith(f".{zone}")


def ancestors(name: str) -> Iterator[str]:
    """The names above a canonical one, the nearest first, without the root."""
    while name := name.partition(".")[2]:
        yield name


def order(name: str) -> str:
    """Sorts canonical names as Route 53 lists them: by the text with the labels from the last to the first, dots included, so
    that `a-b` comes before `a` (bc:route53.ListResourceRecordSets)."""
    return ".".join(reversed(name.removesuffix(".").split("."))) + "."


def _octets(label: str) -> bytes:
    found, end = bytearray(), 0
    for part in _OCTETS.finditer(label):
        if part.start() != end:
            break
        end = part.end()
        found.append(int(part[1], 8) if part[1] else ord(part[2]))
    if end != len(label):
        raise ValueError(
            "UnsupportedCharacter (Value contains unsupported characters): write each as \\ and three octal digits"
        )
    return bytes(found)


def _escaped(label: bytes) -> str:
    return "".join(chr(octet) if octet in _PLAIN else f"\\{octet:03o}" for octet in label.lower())
