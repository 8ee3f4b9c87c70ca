"""User data taken apart: what kinds of things are in it (ec2:user-data). Pure.

It may be a script, a cloud-config, a boothook, a MIME message of several of them, and any of that gzipped. What begins with
none of their first lines is none of them, and is not carried out.
"""

import email
import email.message
import zlib
from dataclasses import dataclass
from enum import Enum

from services.init.write_files import BadUserData

MOST = 10 * 1024 * 1024
"""Bytes that gzipped user data may become."""
_GZIP = b"\x1f\x8b"


class Kind(Enum):
    SCRIPT = "a script: run once, after everything else"
    CLOUD_CONFIG = "a cloud-config"
    BOOTHOOK = "a boothook: run early at each boot"


@dataclass(frozen=True, slots=True)
class Part:
    """`name` is its file's name, unique among the parts of one user data."""

    kind: Kind
    name: str
    content: bytes


FIRST_LINES = (
    (b"#cloud-config", Kind.CLOUD_CONFIG),
    (b"#cloud-boothook", Kind.BOOTHOOK),
    (b"#!", Kind.SCRIPT),
)
MIME_TYPES = {
    "text/x-shellscript": Kind.SCRIPT,
    "text/cloud-config": Kind.CLOUD_CONFIG,
    "text/cloud-boothook": Kind.BOOTHOOK,
}
_LOOKED_AT = ("text/plain", "application/octet-stream", "text/x-not-multipart")
"""Types that say nothing: the first line decides."""


def parts(user_data: bytes) -> tuple[list[Part], list[str]]:
    """The parts in their order, and a sentence for each that is not carried out."""
    found: list[Part] = []
    problems: list[str] = []
    try:
        content = unpacked(user_data)
    except BadUserData as error:
        return [], [str(error)]
    if not content.strip():
        return [], []
    message = email.message_from_bytes(content)
    if _is_mime(content) and message.is_multipart():
        for piece in message.walk():
            if not piece.is_multipart():
                _take(piece.get_payload(decode=True) or b"", piece.get_content_type(), found, problems)
    else:
        _take(content, "text/plain", found, problems)
    return found, problems


def unpacked(content: bytes) -> bytes:
    """Raises BadUserData for gzip that is broken, or too big."""
    if not content.startswith(_GZIP):
        return content
    inflate = zlib.decompressobj(wbits=31)
    try:
        plain = inflate.decompress(content, MOST)
    except zlib.error as error:
        raise BadUserData(f"user data begins like gzip and is not: {error}") from error
    if not inflate.eof:
        raise BadUserData(f"gzipped user data is cut short, or becomes more than {MOST} bytes")
    return plain


def _take(content: object, mime_type: str, found: list[Part], problems: list[str]) -> None:
    raw = content if isinstance(content, bytes) else str(content).encode()
    kind = MIME_TYPES.get(mime_type)
    if kind is None and mime_type in _LOOKED_AT:
        kind = next((kind for start, kind in FIRST_LINES if raw.lstrip().startswith(start)), None)
    number = len(found) + len(problems) + 1
    if kind is None:
        first = raw.lstrip().split(b"\n", 1)[0][:60].decode(errors="replace")
        problems.append(f"part {number} ({mime_type}) is not carried out: its first line is {first!r}")
        return
    found.append(Part(kind, f"part-{number:03d}", raw.lstrip() if kind is Kind.SCRIPT else raw))


def _is_mime(content: bytes) -> bool:
    """Whether it begins with a message's header."""
    start = content[:4096].lower()
    return start.startswith((b"mime-version:", b"content-type:")) or b"\ncontent-type: multipart/" in start
