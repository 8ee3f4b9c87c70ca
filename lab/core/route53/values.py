"""Values of records in AWS's text form: which a type may have (r53:ResourceRecordTypes).

What is wrong is said as AWS says it where that has been seen: a word, and its sentence in brackets.
"""

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from lab.core.route53.names import canonical

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\(?:([0-3][0-7]{2})|(.))", re.DOTALL)
_CAA = re.compile(r'([0-9]{1,3}) (issue|issuewild|iodef) "[ !#-~]*"')
LONGEST_STRING = 255
"""Octets of one quoted string."""


def problem(kind: str, value: str) -> str | None:
    """What is wrong with the value of a record of a type in `SUPPORTED`, or None."""
    try:
        SUPPORTED[kind](value)
    except ValueError as error:
        return str(error)
    return None


def strings(value: str) -> list[bytes]:
    """The strings of a TXT value, without their quotation marks and escapes (`\\"`, `\\\\`, `\\ooo` octal). Raises
    ValueError."""
    found, end = list[bytes](), 0
    for part in _QUOTED.finditer(value):
        if value[end : part.start()].strip():
            break
        found.append(_ESCAPE.sub(_unescaped, part[1].encode()))
        end = part.end()
    if not found or value[end:].strip():
        raise ValueError("InvalidCharacterString (Value should be enclosed in quotation marks)")
    if any(len(text) > LONGEST_STRING for text in found):
        raise ValueError(
            f"CharacterStringTooLong (Value is too long): split it into strings of at most {LONGEST_STRING} characters"
        )
    return found


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 8)]) if found[1] else found[2]


def _ipv4(value: str) -> None:
    if len(value.split()) > 1:
        raise ValueError("ARRDATANotSingleField (Value contains spaces)")
    try:
        IPv4Address(value)
    except AddressValueError:
        raise ValueError("ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)") from None


def _ipv6(value: str) -> None:
    try:
        scoped = IPv6Address(value).scope_id is not None
    except AddressValueError:
        scoped = True
    if scoped:
        raise ValueError("AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)")


def _caa(value: str) -> None:
    found = _CAA.fullmatch(value)
    if found is None or int(found[1]) > 255:
        raise ValueError('Value is not of the form FLAGS TAG "VALUE", where TAG is issue, issuewild or iodef')


def _numbers_then_name(count: int, form: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        fields = value.split()
        if len(fields) != count + 1 or not all(_is_short(number) for number in fields[:count]):
            raise ValueError(f"Value is not of the form {form}")
        canonical(fields[count])

    return check


def _soa(value: str) -> None:
    fields = value.split()
    if len(fields) != 7 or not all(
        field.isascii() and field.isdecimal() and int(field) < 2**32 for field in fields[2:]
    ):
        raise ValueError("Value is not of the form NAMESERVER HOSTMASTER SERIAL REFRESH RETRY EXPIRE MINIMUM")
    canonical(fields[0])
    canonical(fields[1])


def _is_short(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) < 2**16


SUPPORTED: dict[str, Callable[[str], object]] = {
    "A": _ipv4,
    "AAAA": _ipv6,
    "CAA": _caa,
    "CNAME": canonical,
    "MX": _numbers_then_name(1, "PRIORITY NAME"),
    "NS": canonical,
    "PTR": canonical,
    "SOA": _soa,
    "SPF": strings,
    "SRV": _numbers_then_name(3, "PRIORITY WEIGHT PORT NAME"),
    "TXT": strings,
}
"""The types the lab has. Each raises ValueError for what is no value of it."""
