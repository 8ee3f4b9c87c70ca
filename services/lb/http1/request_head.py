"""Request heads, read strictly (RFC 9112): bytes in, values out. Knows no connection and no configuration.

A head is forwarded as the slice that came, because every line of it passed: a token name with no space before its colon, no
folding, no bare CR or LF, no control bytes, one Host, one framing. What two readers could understand differently is refused,
or, where AWS's desync table allows it (services.lb.http1.desync), forwarded in the one form that was understood.

Hop-by-hop fields go: Connection and what it nominates (never Host, Content-Length, Transfer-Encoding, which frame and
route), Keep-Alive, Proxy-Connection, TE, Upgrade. A Connection that says only keep-alive stays: it is what we would say. An
upgrade is passed on for `websocket` only; anything else, `h2c` above all, would open a way around this module.
"""

import re
from typing import Final

from services.lb.http1 import desync
from services.lb.http1.desync import COMPLIANT, Finding, worse
from services.lb.http1.fields import (
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    FORWARDED_FOR,
    HIGH_VALUE,
    HOST,
    NO_TOKENS,
    ODD_NAME,
    PLAIN,
    REQUEST_FIELDS,
    SUSPICIOUS,
    TRACE_ID,
    TRANSFER_ENCODING,
    UPGRADE,
    USER_AGENT,
    Field,
    FieldReader,
    is_host,
    is_text,
)
from services.lb.http1.framing import (
    CHUNKED,
    FIELD_BYTES,
    LENGTH,
    LENGTH_DIGITS,
    NO_BODY,
    REQUEST_HEAD_BYTES,
    REQUEST_LINE_BYTES,
    drop_named,
)
from services.lb.http1.request_line import Request, read_request_line
from services.lb.serving.outcome import Cause

_ABSOLUTE: Final = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?#]+)([/?].*)?", re.DOTALL)
_SLASH: Final = 47
_CONTENT_LENGTH: Final = frozenset({b"content-length"})


_fields: Final = FieldReader(REQUEST_FIELDS, odd=True)


def unfinished_request(buffer: bytes) -> Cause | None:
    """Whether a head that has not ended yet can already be refused."""
    if len(buffer) > REQUEST_LINE_BYTES and buffer.find(b"\r\n", 0, REQUEST_LINE_BYTES + 2) < 0:
        return Cause.URI_TOO_LONG
    if len(buffer) > REQUEST_HEAD_BYTES:
        return Cause.HEAD_TOO_LARGE
    if _has_bare_newline(buffer):
        return Cause.BAD_HEADER
    return None


def parse_request(head: bytes) -> Request | Cause:
    """`head` is everything before the empty line. The cause, when it is to be refused."""
    lines = head.split(b"\r\n")
    first = lines[0]
    if len(head) > FIELD_BYTES:  # else nothing in it can be over a limit
        if len(first) > REQUEST_LINE_BYTES:
            return Cause.URI_TOO_LONG
        if len(head) > REQUEST_HEAD_BYTES or max(map(len, lines)) > FIELD_BYTES:
            return Cause.HEAD_TOO_LARGE
    result = _parse_request(head, lines, first)
    # A head with a bare LF is the same malformed request however its bytes arrive: this matches `unfinished_request`.
    if isinstance(result, Cause) and _has_bare_newline(head):
        return Cause.BAD_HEADER
    return result


def parse_next(head: bytes, last: Request) -> Request | Cause:
    """As `parse_request`, for a client whose request before was `last`. Most clients say the same again and again but for the
    first line: then the fields, equal to the byte, mean what they meant. Sound where the first line has no say in it: there is
    no framing field, nothing was dropped or found, and the first line passes as it is, which no line break in it does."""
    if last.is_repeatable and len(head) <= FIELD_BYTES:
        fields = last.original[len(last.line) :]
        if head.endswith(fields):
            request = read_request_line(head[: len(head) - len(fields)], head)
            if isinstance(request, Request) and request.is_ordinary:
                request.host = last.host
                request.host_line = last.host_line
                request.agent = last.agent
                request.keep_alive = last.keep_alive
                request.is_repeatable = True
                return request
    return parse_request(head)


def _parse_request(head: bytes, lines: list[bytes], first: bytes) -> Request | Cause:
    request = read_request_line(first, head)
    if isinstance(request, Cause):
        return request
    del lines[0]
    plain, memo = _fields.plain, _fields.memo
    finding = request.finding
    tokens = nominated = NO_TOKENS
    dropped: list[bytes] | None = None
    has_te = has_cl = te_like = cl_like = identity = False
    disguised = b""
    host: bytes | None = None
    upgrade = b""
    for line in [line for line in lines if line not in plain]:
        field = memo.get(line)
        if field is None:
            field = _fields.read(line)
            if field is None:
                empty = line.startswith(b":") or not line.strip(b" \t")
                if not empty or not is_text(line):
                    return Cause.BAD_HEADER
                finding = worse(finding, desync.EMPTY_HEADER)
                dropped = _also(dropped, line)
                continue
        if field is PLAIN:
            continue
        kind = field.kind
        if kind is HOST:
            if host is not None:
                return Cause.BAD_HOST
            host = field.value
            request.host = field.lower
            request.host_line = field.line
            continue
        if kind is USER_AGENT:
            request.agent = field.value
            continue
        if kind is CONNECTION:
            tokens = tokens | field.tokens
            nominated = nominated | field.nominated
            if field.stays and request.minor == 1:
                continue
        elif kind is CONTENT_LENGTH:
            length = _length(field.value)
            if length < 0:
                return Cause.BAD_CONTENT_LENGTH
            if b"\t" in line:
                _write_anew(request, lines, line, b"Content-Length: " + field.value)
            if not has_cl:
                has_cl = True
                request.length = length
                continue
            if length != request.length:
                return Cause.MULTIPLE_CONTENT_LENGTH
            finding = worse(finding, desync.DUPLICATE_CONTENT_LENGTH)
            # Equal values may be spelled differently (7, 07): all go, one is written anew.
            drop_named(lines, _CONTENT_LENGTH)
            lines.append(b"Content-Length: %d" % length)
            request.head = b""
            continue
        elif kind is TRANSFER_ENCODING:
            cause = _coding(field, has_te, request.minor)
            if cause is not None:
                return cause
            if field.lower == b"chunked":
                has_te = True
                if b"\t" in line:
                    _write_anew(request, lines, line, b"Transfer-Encoding: chunked")
                continue
            identity = True
        elif kind is UPGRADE:
            upgrade = field.lower
        elif kind is FORWARDED_FOR:
            request.forwarded_for += b", " + field.value if request.forwarded_for else field.value
            request.unusual = True
        elif kind is TRACE_ID:
            request.trace_id = field.value
        elif kind is EXPECT:
            if field.lower != b"100-continue":
                continue
            request.expects = request.minor == 1
        elif kind is ODD_NAME or kind is SUSPICIOUS:
            request.odd = _also(request.odd, line)
            request.unusual = True
            if kind is SUSPICIOUS:
                finding = worse(finding, desync.SUSPICIOUS_HEADER)
                if line[:8].lower() == b"transfer":
                    te_like = True
                else:
                    cl_like = True
                    disguised = field.value
            continue
        elif kind is HIGH_VALUE:
            finding = worse(finding, desync.NON_COMPLIANT_HEADER)
            continue
        dropped = _also(dropped, line)
    if (te_like and has_cl) or (cl_like and has_te):
        return Cause.SUSPICIOUS_TE_CL
    if te_like and has_te:
        return Cause.MULTIPLE_CHUNKED
    if cl_like and has_cl and _length(disguised) != request.length:
        return Cause.MULTIPLE_CONTENT_LENGTH
    if identity and has_cl:
        finding = worse(finding, desync.BOTH_TE_CL_PRESENT)
    if has_te or has_cl:
        finding = worse(finding, _frame(request, has_te, has_cl, lines))
    if finding is not COMPLIANT:
        request.finding = finding
        request.unusual = True
    if request.minor == 1:
        if host is None:
            return Cause.BAD_HOST
        if tokens:
            request.keep_alive = b"close" not in tokens
    else:
        request.keep_alive = b"keep-alive" in tokens and b"close" not in tokens
    if request.unusual or request.trace_id:
        request.is_ordinary = False
    target = request.target
    if target[0] == _SLASH and dropped is None and request.head and request.host is not None and request.minor == 1:
        request.is_repeatable = request.is_ordinary and not (has_te or has_cl)
        return request
    return _rebuilt(request, lines, dropped, nominated, tokens, upgrade)


def _frame(request: Request, has_te: bool, has_cl: bool, lines: list[bytes]) -> Finding:
    """Sets where the body ends; answers what the framing says about the request."""
    without_meaning = request.method.is_get or request.method.is_head
    if has_te:
        request.framing = CHUNKED
        if has_cl:  # RFC 9112 section 6.3: the coding counts, and the length must not go on
            drop_named(lines, _CONTENT_LENGTH)
            request.length = 0
            request.head = b""
            return desync.BOTH_TE_CL_PRESENT
        return desync.UNDEFINED_TRANSFER_ENCODING if without_meaning else COMPLIANT
    if request.length:
        request.framing = LENGTH
        return desync.UNDEFINED_CONTENT_LENGTH if without_meaning else COMPLIANT
    return desync.GET_HEAD_ZERO_CONTENT_LENGTH if without_meaning else COMPLIANT


def _rebuilt(
    request: Request,
    lines: list[bytes],
    dropped: list[bytes] | None,
    nominated: frozenset[bytes],
    tokens: frozenset[bytes],
    upgrade: bytes,
) -> Request | Cause:
    """The request with a head that is not the slice that came."""
    target = request.target
    if target[0] != _SLASH and not (target == b"*" and request.method.name == b"OPTIONS"):
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None or not is_host(absolute[1]):
            return Cause.BAD_URI
        lines[:] = [line for line in lines if line != request.host_line]
        request.host = absolute[1].lower()
        request.host_line = b"Host: " + absolute[1]
        lines.insert(0, request.host_line)
        target = absolute[2] or b"/"
        if target[0] != _SLASH:
            target = b"/" + target
        request.target = target
    for line in dropped or ():
        if line in lines:  # lines that are equal are dropped alike, so the first one found will do
            lines.remove(line)
    drop_named(lines, nominated)
    lines.insert(0, request.method.name + b" " + target + b" HTTP/1.1")
    if upgrade == b"websocket" and b"upgrade" in tokens and _may_upgrade(request):
        request.upgrade = True
        lines.append(b"Connection: Upgrade\r\nUpgrade: websocket")
    request.head = b"\r\n".join(lines)
    return request


def _may_upgrade(request: Request) -> bool:
    return request.method.is_get and request.minor == 1 and request.framing is NO_BODY


def _length(value: bytes) -> int:
    """A Content-Length; -1 for what is none."""
    return int(value) if value.isdigit() and len(value) <= LENGTH_DIGITS else -1


def _coding(field: Field, has_te: bool, minor: int) -> Cause | None:
    """Why a Transfer-Encoding is refused. A coding we do not know is not implemented; `chunked` named twice, or a list with
    holes, is an attack on framing. `identity` says nothing and goes."""
    if field.lower == b"chunked":
        if has_te:
            return Cause.MULTIPLE_CHUNKED
        return Cause.BAD_TRANSFER_ENCODING if minor == 0 else None
    if field.lower == b"identity":
        return None
    codings = [coding.strip(b" \t") for coding in field.lower.split(b",")]
    if codings.count(b"chunked") > 1:
        return Cause.MULTIPLE_CHUNKED
    return Cause.BAD_TRANSFER_ENCODING if b"" in codings else Cause.UNKNOWN_CODING


def _write_anew(request: Request, lines: list[bytes], line: bytes, anew: bytes) -> None:
    """A framing field that not every reader takes as it came goes on in its plainest form."""
    if line in lines:  # else it was one of several, and one was written for all
        lines[lines.index(line)] = anew
    request.head = b""


def _also(lines: list[bytes] | None, line: bytes) -> list[bytes]:
    if lines is None:
        return [line]
    lines.append(line)
    return lines


def _has_bare_newline(data: bytes) -> bool:
    return data.count(b"\n") != data.count(b"\r\n")
