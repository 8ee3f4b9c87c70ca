"""The body of a PutObject, taken out of what SDKs wrap it in (s3: sigv4-streaming, checking-object-integrity).

`aws-chunked`: the content in pieces, each after a line of its size and, signed or not, a signature; then trailers. Signatures
are not checked, as no signature is anywhere in the lab; sizes and checksums are.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping

from lab.core.errors import LabError

_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "content-md5": lambda body: hashlib.md5(body, usedforsecurity=False).digest(),
    "x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
}
"""Those that the standard library can make; AWS's further ones are not checked."""
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(;[^\r\n]*)?")


def content(headers: Mapping[str, str], body: bytes) -> bytes:
    """The object. `headers` have lower-case names. Raises IncompleteBody, BadDigest or InvalidDigest."""
    checks = dict(headers)
    if headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or "aws-chunked" in headers.get(
        "content-encoding", ""
    ):
        body, trailers = _unwrapped(body)
        checks |= trailers
        if headers.get("x-amz-decoded-content-length", str(len(body))) != str(len(body)):
            raise _incomplete("its length is not the announced one")
    for name, digest in _DIGESTS.items():
        if name in checks:
            _check(checks[name], digest(body))
    return body


def _unwrapped(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The content and the trailers."""
    pieces, position = [], 0
    while True:
        line, position = _line(body, position)
        size = _SIZE.fullmatch(line)
        if size is None:
            raise _incomplete("a chunk has no size")
        end = position + int(size[1], 16)
        if end == position:
            break
        if body[end : end + 2] != b"\r\n":
            raise _incomplete("a chunk is cut short")
        pieces.append(body[position:end])
        position = end + 2
    trailers = {}
    while position < len(body):
        line, position = _line(body, position)
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            trailers[name.strip().lower()] = value.strip()
    return b"".join(pieces), trailers


def _line(body: bytes, position: int) -> tuple[bytes, int]:
    end = body.find(b"\r\n", position)
    if end < 0:
        raise _incomplete("a line is cut short")
    return body[position:end], end + 2


def _check(announced: str, found: bytes) -> None:
    try:
        expected = base64.b64decode(announced, validate=True)
    except ValueError as error:
        raise LabError("InvalidDigest", "The Content-MD5 or checksum you specified is not valid") from error
    if expected != found:
        raise LabError("BadDigest", "The Content-MD5 or checksum you specified did not match what we received")


def _incomplete(why: str) -> LabError:
    return LabError("IncompleteBody", f"The body is not a whole aws-chunked one: {why}")
