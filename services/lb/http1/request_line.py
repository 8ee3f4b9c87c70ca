"""The first line of a request, and what it makes of the request (RFC 9112 section 3). Strict, and pure.

What AWS's desync table lets through (a space or control bytes in the target, HTTP/1.2) goes on written anew.
"""

import re
from typing import Final

from services.lb.http1 import desync
from services.lb.http1.desync import COMPLIANT, Finding, worse
from services.lb.http1.framing import NO_BODY, Framing
from services.lb.serving.outcome import Cause

_METHOD: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET: Final = re.compile(rb"[\x21-\x7e\x80-\xff]+")
_ORDINARY_PATH: Final = re.compile(rb"/[\x21\x23-\x5b\x5d-\x7e]*")
"""With nothing that a log would have to escape."""
_VERSION: Final = re.compile(rb"HTTP/([0-9])\.([0-9])")


class Method:
    """What a method means to the load balancer. `idempotent` as RFC 9110 section 9.2.2 has it."""

    __slots__ = ("idempotent", "is_get", "is_head", "is_refused", "name")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.is_get = name == b"GET"
        self.is_head = name == b"HEAD"
        self.is_refused = name in (b"TRACE", b"CONNECT")
        self.idempotent = name in (b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE")


_METHODS: Final = {
    name: Method(name)
    for name in (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT")
}
GET: Final = _METHODS[b"GET"]


class Request:
    """A request head. `head` is what goes to the target: the request line and the fields, without the final CRLF CRLF and
    without the forwarding fields (`forwarding` adds them). `line` is the request line as it came and `target` its middle part,
    `original` the whole head as it came; `host` is in lower case, None when an HTTP/1.0 client sent none;
    `host_line` is its line in `head`. `is_ordinary`: `line` is `method /path HTTP/1.1` of bytes that a log shows as they are,
    there is a Host, and nothing that a log would have to explain. `is_repeatable`: nothing but the fields' bytes decides what
    they mean (`request_head.parse_next`). `unusual`: it has `odd`, a finding or X-Forwarded-For; `odd` are the lines whose
    name is a token but no name to AWS."""

    method: Method
    line: bytes
    target: bytes
    head: bytes
    original: bytes
    minor: int = 1
    host: bytes | None = None
    host_line: bytes = b""
    framing: Framing = NO_BODY
    length: int = 0
    keep_alive: bool = True
    expects: bool = False
    upgrade: bool = False
    forwarded_for: bytes = b""
    agent: bytes = b""
    trace_id: bytes = b""
    odd: list[bytes] | None = None
    finding: Finding = COMPLIANT
    unusual: bool = False
    is_ordinary: bool = False
    is_repeatable: bool = False

    def __init__(self, method: Method, line: bytes, target: bytes, head: bytes) -> None:
        self.method = method
        self.line = line
        self.target = target
        self.head = head
        self.original = head


def read_request_line(first: bytes, head: bytes) -> Request | Cause:
    """The request with what its first line says. Its `head` is empty where the line must be written anew."""
    parts = first.split(b" ")
    if len(parts) != 3:
        if len(parts) < 3:
            return Cause.BAD_REQUEST
        parts = [parts[0], b" ".join(parts[1:-1]), parts[-1]]
        if parts[1][0] == 32 or parts[1][-1] == 32:  # 32 is a space
            return Cause.BAD_REQUEST
    name, target, version = parts
    method = _METHODS.get(name)
    if method is None:
        if _METHOD.fullmatch(name) is None:
            return Cause.BAD_METHOD
        method = Method(name)
    if version == b"HTTP/1.1" and _ORDINARY_PATH.fullmatch(target) is not None and not method.is_refused:
        request = Request(method, first, target, head)
        request.is_ordinary = True
        return request
    number = _VERSION.fullmatch(version)
    if number is None:
        return Cause.BAD_VERSION
    if number[1] != b"1":
        return Cause.UNKNOWN_VERSION
    if method.is_refused:
        return Cause.METHOD_NOT_ALLOWED
    if not target or b"\0" in target or b"\r" in target or b"\n" in target:
        return Cause.BAD_URI
    request = Request(method, first, target, head)
    request.minor = 0 if number[2] == b"0" else 1
    if number[2] not in b"01":
        request.finding = desync.NON_COMPLIANT_VERSION
        request.head = b""
    if _TARGET.fullmatch(target) is None:
        request.finding = worse(request.finding, _odd_target(target))
        request.target = b"".join(b"%%%02X" % byte if byte <= 32 or byte == 127 else bytes((byte,)) for byte in target)
        request.head = b""
    return request


def _odd_target(target: bytes) -> Finding:
    return desync.SPACE_IN_URI if _TARGET.fullmatch(target.replace(b" ", b"")) else desync.AMBIGUOUS_URI
