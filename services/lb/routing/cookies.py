"""The load balancer's cookies as bytes: sealing, finding them in a request, the lines that set them.

A value is base64 of nonce, AES-256-GCM ciphertext and tag. The cookie's name and what it is about (a target group, a load
balancer) are authenticated with it, so a value of one opens as no other. All nodes of a load balancer have the same key.
Browsers are told to keep a cookie for seven days; how long it counts is inside (alb:edit-target-group-attributes).
"""

import binascii
import re
from collections.abc import Callable
from email.utils import formatdate

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.lb.http1.fieldvalues import FieldValues

_NONCE_BYTES = 12
_KEPT_SECONDS = 7 * 24 * 3600
SHARD_BYTES = 4000
"""Browsers take 4 K for a cookie with its name and attributes."""
SHARDS = 4
REMOVED = b"_remove_"

_COOKIE = FieldValues(b"Cookie")
_OURS = re.compile(rb"(?:\A|;)[ \t]*(AWSALB(?:TG)?(?:CORS)?|AWSALBAPP-[0-3])=([^;]*)")


class Seal:
    """`key` is 32 bytes."""

    __slots__ = ("_cipher", "_random_bytes")

    def __init__(self, key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes

    def close(self, purpose: bytes, text: bytes) -> bytes:
        """`text` does not end with NUL, which is put behind it so that the value needs no `=`."""
        nonce = self._random_bytes(_NONCE_BYTES)
        padded = text + bytes((2 - len(text)) % 3)
        return binascii.b2a_base64(nonce + self._cipher.encrypt(nonce, padded, purpose), newline=False)

    def open(self, purpose: bytes, value: bytes) -> bytes | None:
        """The text; None when the value was not sealed with this key for this purpose, or is another spelling of it."""
        if not value:
            return None
        try:
            raw = binascii.a2b_base64(value, strict_mode=True)
            if binascii.b2a_base64(raw, newline=False) != value:
                return None
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose).rstrip(b"\0")
        except (InvalidTag, ValueError):
            return None


def our_cookies(head: bytes) -> dict[bytes, bytes]:
    """The load balancer's cookies among those of a request, by name. Of several with one name the first counts."""
    found: dict[bytes, bytes] = {}
    for line in _COOKIE.of(head):
        for name, value in _OURS.findall(line):
            found.setdefault(name, value.rstrip(b" \t"))
    return found


def has_cookie(head: bytes, name: bytes) -> bool:
    """Whether a request brings a cookie `name`, whatever its value."""
    cookie = re.compile(rb"(?:\A|;)[ \t]*%b=" % re.escape(name))
    return any(cookie.search(line) is not None for line in _COOKIE.of(head))


def expiry(wall: float) -> bytes:
    """The value of the attribute Expires. `wall` is the time of day."""
    return formatdate(wall + _KEPT_SECONDS, usegmt=True).encode()


def set_cookie(name: bytes, value: bytes, expires: bytes, *, cross_site: bool = False) -> bytes:
    """CR LF and a Set-Cookie line."""
    return b"\r\nSet-Cookie: %b=%b; Expires=%b; Path=/%b" % (
        name,
        value,
        expires,
        b"; SameSite=None; Secure" if cross_site else b"",
    )


def set_twins(name: bytes, value: bytes, expires: bytes) -> bytes:
    """The lines for a cookie and its twin for cross-origin requests."""
    return set_cookie(name, value, expires) + set_cookie(name + b"CORS", value, expires, cross_site=True)


def shards(value: bytes) -> list[bytes]:
    """SHARDS values for the cookies AWSALBAPP-0, -1, …; those that are not needed say so."""
    pieces = [value[at : at + SHARD_BYTES] for at in range(0, len(value), SHARD_BYTES)]
    return (pieces + [REMOVED] * SHARDS)[:SHARDS]


def joined(cookies: dict[bytes, bytes]) -> bytes:
    """The value that `shards` took apart."""
    value = b""
    for index in range(SHARDS):
        piece = cookies.get(b"AWSALBAPP-%d" % index, REMOVED)
        if piece == REMOVED:
            break
        value += piece
    return value
