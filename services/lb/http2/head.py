"""Heads between HTTP/2 and HTTP/1.1 (RFC 9113 section 8): bytes in, values out. Knows no connection.

A request is written as a head of HTTP/1.1 and then read by `request_head`, so that one strict reader vouches for every line,
however it came. What is refused here is what only HTTP/2 can say wrong: pseudo-headers, capitals in names, fields of the
connection, line breaks in values. Names are letters, digits and hyphens (elb:how-elastic-load-balancing-works); they go on in
lower case but for those that AWS writes in its own (same page).
"""

import re
from collections.abc import Iterable
from typing import Final

from services.lb.http1.framing import NO_BODY
from services.lb.http1.request_head import parse_request
from services.lb.http1.request_line import Request
from services.lb.http1.responses import SERVER, Answer
from services.lb.serving.outcome import Cause

Headers = list[tuple[bytes, bytes]]

_NAME: Final = re.compile(rb"[-a-z0-9]+")
_BREAKS: Final = re.compile(rb"[\r\n\0]")
_METHOD: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PSEUDO: Final = frozenset({b":method", b":scheme", b":authority", b":path"})
_OF_CONNECTION: Final = frozenset({b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"})
"""A request with one of these is malformed (RFC 9113 section 8.2.2); an answer of HTTP/1.1 loses them."""
_SPELLINGS: Final = {
    b"x-forwarded-for": b"X-Forwarded-For",
    b"x-forwarded-proto": b"X-Forwarded-Proto",
    b"x-forwarded-port": b"X-Forwarded-Port",
    b"x-amzn-trace-id": b"X-Amzn-Trace-Id",
}
_GRPC: Final = re.compile(rb"\r\ncontent-type: application/grpc(?:[+;][^\r\n]*)?(?:\r\n|$)", re.IGNORECASE)


def read_request(headers: Iterable[tuple[bytes, bytes]], *, ended: bool) -> tuple[Request | Cause, int]:
    """The request, or why it is refused, and the bytes of its head. `ended`: no body follows."""
    headers = list(headers)
    size = sum(len(name) + len(value) + 4 for name, value in headers)  # 4 as in HTTP/1.1: colon, space, CRLF
    head = _written(headers, ended)
    if isinstance(head, Cause):
        return head, size
    request = parse_request(head)
    if isinstance(request, Cause):
        return request, size
    if ended and request.framing is not NO_BODY:
        return Cause.BAD_CONTENT_LENGTH, size
    request.line = request.line.removesuffix(b"HTTP/1.1") + b"HTTP/2.0"
    request.is_ordinary = False
    return request, size


def is_grpc(request: Request) -> bool:
    return _GRPC.search(request.original) is not None


def _written(headers: Iterable[tuple[bytes, bytes]], ended: bool) -> bytes | Cause:
    pseudo: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    cookies: list[bytes] = []
    host: bytes | None = None
    length: bytes | None = None
    past_pseudo = False
    for name, value in headers:
        if _BREAKS.search(value) is not None or value != value.strip(b" \t"):
            return Cause.BAD_HEADER
        if name[:1] == b":":
            if name not in _PSEUDO or name in pseudo or past_pseudo:
                return Cause.BAD_HEADER
            pseudo[name] = value
            continue
        past_pseudo = True
        if _NAME.fullmatch(name) is None or name in _OF_CONNECTION:
            return Cause.BAD_HEADER
        if name == b"host":
            if host is not None:
                return Cause.BAD_HOST
            host = value
        elif name == b"content-length":
            if length is not None:
                return Cause.MULTIPLE_CONTENT_LENGTH
            length = value
        elif name == b"cookie":
            cookies.append(value)
        elif name == b"te":
            if value.lower() != b"trailers":
                return Cause.BAD_HEADER
        elif name != b"expect":
            lines.append(b"%b: %b" % (_SPELLINGS.get(name, name), value))
    first = _first_line(pseudo)
    if isinstance(first, Cause):
        return first
    authority = pseudo.get(b":authority", host)
    if not authority or (host is not None and host.lower() != authority.lower()):
        return Cause.BAD_HOST
    if cookies:
        lines.append(b"cookie: " + b"; ".join(cookies))
    if length is None:
        if not ended:
            lines.append(b"Transfer-Encoding: chunked")
    elif not (ended and length == b"0" and pseudo[b":method"] in (b"GET", b"HEAD")):
        # The frames have said that there is no body; in HTTP/1.1 this line would make a GET suspicious.
        lines.append(b"content-length: " + length)
    return b"\r\n".join([first, b"Host: " + authority, *lines])


def _first_line(pseudo: dict[bytes, bytes]) -> bytes | Cause:
    method, path = pseudo.get(b":method"), pseudo.get(b":path")
    if method is None or _METHOD.fullmatch(method) is None:
        return Cause.BAD_METHOD
    if method == b"CONNECT":
        return Cause.METHOD_NOT_ALLOWED
    if pseudo.get(b":scheme") not in (b"http", b"https"):
        return Cause.BAD_URI
    if not path or (path[:1] != b"/" and not (path == b"*" and method == b"OPTIONS")) or b" " in path:
        return Cause.BAD_URI
    return method + b" " + path + b" HTTP/1.1"


def response_headers(status: int, head: bytes) -> Headers:
    """Of a target's answer, whose `head` is without Connection."""
    return [(b":status", b"%d" % status), *_fields(head)]


def interim_headers(head: bytes) -> Headers:
    return [(b":status", head[9:12]), *_fields(head)]


def _fields(head: bytes) -> Headers:
    pairs = (line.split(b":", 1) for line in head.split(b"\r\n")[1:])
    fields = [(name.lower(), value.strip(b" \t")) for name, value in pairs]
    return [field for field in fields if field[0] not in _OF_CONNECTION]


def answer_headers(answer: Answer, *, date: str, server: bool, more: tuple[tuple[str, str], ...]) -> Headers:
    """Of an answer of the load balancer's own. `more` are fields that the listener adds."""
    pairs = [
        *((("server", SERVER),) if server else ()),
        ("date", date),
        ("content-type", answer.content_type),
        ("content-length", str(len(answer.body))),
        *answer.fields,
        *more,
    ]
    encoded = [(name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in pairs]
    return [(b":status", b"%d" % answer.status), *encoded]
