"""Message heads: what is accepted and how it is forwarded, and what is refused with which cause."""

import pytest

from services.lb.http1.forwarding import transformed
from services.lb.http1.framing import Framing
from services.lb.http1.request_head import parse_next, parse_request, unfinished_request
from services.lb.http1.request_line import Request
from services.lb.http1.response_head import parse_response
from services.lb.serving.outcome import Cause

H = b"GET / HTTP/1.1\r\nHost: a"

REFUSED: list[tuple[bytes, Cause]] = [
    # the request line
    (b"GET /", Cause.BAD_REQUEST),
    (b"GET /\r\nHost: a", Cause.BAD_REQUEST),
    (b"GET  / HTTP/1.1\r\nHost: a", Cause.BAD_REQUEST),
    (b"GET / HTTP/1.1 \r\nHost: a", Cause.BAD_VERSION),
    (b" GET / HTTP/1.1\r\nHost: a", Cause.BAD_METHOD),
    (b"GET\t/ HTTP/1.1\r\nHost: a", Cause.BAD_REQUEST),
    (b"G@T / HTTP/1.1\r\nHost: a", Cause.BAD_METHOD),
    (b"GET /\x00 HTTP/1.1\r\nHost: a", Cause.BAD_URI),
    (b"GET /\r HTTP/1.1\r\nHost: a", Cause.BAD_URI),
    (b"GET a HTTP/1.1\r\nHost: a", Cause.BAD_URI),
    (b"GET * HTTP/1.1\r\nHost: a", Cause.BAD_URI),
    (b"CONNECT a:80 HTTP/1.1\r\nHost: a", Cause.METHOD_NOT_ALLOWED),
    (b"GET http://u@h/ HTTP/1.1\r\nHost: a", Cause.BAD_URI),
    (b"GET / http/1.1\r\nHost: a", Cause.BAD_VERSION),
    (b"GET / HTTP/1.10\r\nHost: a", Cause.BAD_VERSION),
    (b"GET / HTTP/2.0\r\nHost: a", Cause.UNKNOWN_VERSION),
    (b"GET / HTTP/0.9\r\nHost: a", Cause.UNKNOWN_VERSION),
    (b"TRACE / HTTP/1.1\r\nHost: a", Cause.METHOD_NOT_ALLOWED),
    (b"GET /" + b"x" * 17000 + b" HTTP/1.1\r\nHost: a", Cause.URI_TOO_LONG),
    # Host
    (b"GET / HTTP/1.1", Cause.BAD_HOST),
    (b"GET / HTTP/1.1\r\nX: 1", Cause.BAD_HOST),
    (H + b"\r\nHost: a", Cause.BAD_HOST),
    (H + b"\r\nhost: b", Cause.BAD_HOST),
    (b"GET / HTTP/1.1\r\nHost: a b", Cause.BAD_HEADER),
    (b"GET / HTTP/1.1\r\nHost: a/b", Cause.BAD_HEADER),
    (b"GET / HTTP/1.1\r\nHost: a@b", Cause.BAD_HEADER),
    (b"GET / HTTP/1.0\r\nHost: a\r\nHost: a", Cause.BAD_HOST),
    # field lines
    (H + b"\r\nX : 1", Cause.BAD_HEADER),
    (H + b"\r\n X: 1", Cause.BAD_HEADER),
    (H + b"\r\nX: 1\r\n folded", Cause.BAD_HEADER),
    (H + b"\r\nX: 1\r\n\tfolded", Cause.BAD_HEADER),
    (H + b"\r\nX", Cause.BAD_HEADER),
    (H + b"\r\nX(: 1", Cause.BAD_HEADER),
    (H + b"\r\nX\x00: 1", Cause.BAD_HEADER),
    (H + b"\r\nX: \x00", Cause.BAD_HEADER),
    (H + b"\r\nX: \x01", Cause.BAD_HEADER),
    (H + b"\r\nX: \x7f", Cause.BAD_HEADER),
    (H + b"\r\nX: a\rb", Cause.BAD_HEADER),
    (H + b"\r\nX: a\nY: b", Cause.BAD_HEADER),
    (H + b"\nX: a", Cause.BAD_HEADER),
    (H + b"\r\nX: " + b"x" * 17000, Cause.HEAD_TOO_LARGE),
    (H + (b"\r\nX: " + b"x" * 9000) * 8, Cause.HEAD_TOO_LARGE),
    # body framing
    (H + b"\r\nContent-Length: 1\r\nContent-Length: 2", Cause.MULTIPLE_CONTENT_LENGTH),
    (H + b"\r\nContent-Length: 0\r\nContent-Length: 5", Cause.MULTIPLE_CONTENT_LENGTH),
    (H + b"\r\nContent-Length: 1, 1", Cause.BAD_CONTENT_LENGTH),
    (H + b"\r\nContent-Length: +1", Cause.BAD_CONTENT_LENGTH),
    (H + b"\r\nContent-Length: -1", Cause.BAD_CONTENT_LENGTH),
    (H + b"\r\nContent-Length: 1_0", Cause.BAD_CONTENT_LENGTH),
    (H + b"\r\nContent-Length: 0x1", Cause.BAD_CONTENT_LENGTH),
    (H + b"\r\nContent-Length: 1 0", Cause.BAD_CONTENT_LENGTH),
    (H + b"\r\nContent-Length: \xb2", Cause.BAD_CONTENT_LENGTH),
    (H + b"\r\nContent-Length:", Cause.BAD_CONTENT_LENGTH),
    (H + b"\r\nContent-Length: 9999999999999999999", Cause.BAD_CONTENT_LENGTH),
    (H + b"\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked", Cause.MULTIPLE_CHUNKED),
    (H + b"\r\nTransfer-Encoding: chunked, chunked", Cause.MULTIPLE_CHUNKED),
    (H + b"\r\nTransfer-Encoding: ,chunked", Cause.BAD_TRANSFER_ENCODING),
    (H + b"\r\nTransfer-Encoding:", Cause.BAD_TRANSFER_ENCODING),
    (H + b"\r\nTransfer-Encoding: \x0bchunked", Cause.BAD_HEADER),
    (H + b"\r\nTransfer-Encoding : chunked", Cause.BAD_HEADER),
    (b"GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked", Cause.BAD_TRANSFER_ENCODING),
    (H + b"\r\nTransfer-Encoding: xchunked", Cause.UNKNOWN_CODING),
    (H + b"\r\nTransfer-Encoding: gzip, chunked", Cause.UNKNOWN_CODING),
    (H + b'\r\nTransfer-Encoding: "chunked"', Cause.UNKNOWN_CODING),
]


@pytest.mark.parametrize(("head", "cause"), REFUSED, ids=lambda value: repr(value)[:60])
def test_hostile_heads_are_refused(head: bytes, cause: Cause) -> None:
    assert parse_request(head) is cause
    assert parse_request(head) is cause  # nothing of it was remembered as good


FORWARDED: list[tuple[bytes, bytes]] = [
    (H, H),
    (H + b"\r\nX: 1\r\nx:2", H + b"\r\nX: 1\r\nx:2"),
    (H + b"\r\nX:\r\nY: \xe9\tz ", H + b"\r\nX:\r\nY: \xe9\tz "),
    (b"GET / HTTP/1.1\r\nX: 1\r\nHost: A.Example:8080", b"GET / HTTP/1.1\r\nX: 1\r\nHost: A.Example:8080"),
    (b"GET /a?b=%20 HTTP/1.0\r\nX: 1", b"GET /a?b=%20 HTTP/1.1\r\nX: 1"),
    (b"OPTIONS * HTTP/1.1\r\nHost: a", b"OPTIONS * HTTP/1.1\r\nHost: a"),
    (b"GET http://B:81/x?y HTTP/1.1\r\nHost: a", b"GET /x?y HTTP/1.1\r\nHost: B:81"),
    (b"GET http://b?y HTTP/1.1\r\nHost: a", b"GET /?y HTTP/1.1\r\nHost: b"),
    (b"GET http://b HTTP/1.1\r\nHost: a", b"GET / HTTP/1.1\r\nHost: b"),
    (H + b"\r\nConnection: keep-alive\r\nX: 1", H + b"\r\nConnection: keep-alive\r\nX: 1"),
    (H + b"\r\nConnection: X, close\r\nx: 1\r\nY: 1", H + b"\r\nY: 1"),
    (H + b"\r\nConnection: host, content-length\r\nContent-Length: 1", H + b"\r\nContent-Length: 1"),
    (H + b"\r\nKeep-Alive: 1\r\nTE: trailers\r\nProxy-Connection: x\r\nUpgrade: h2c", H),
    (H + b"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A", H),
    (H + b"\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1", H),
    (H + b"\r\nExpect: 100-continue\r\nContent-Length: 3", H + b"\r\nContent-Length: 3"),
    (
        H + b"\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k",
        H + b"\r\nSec-WebSocket-Key: k\r\nConnection: Upgrade\r\nUpgrade: websocket",
    ),
]


@pytest.mark.parametrize(("head", "forwarded"), FORWARDED, ids=lambda value: repr(value)[:60])
def test_the_head_as_the_target_gets_it(head: bytes, forwarded: bytes) -> None:
    for _ in range(2):  # read, then remembered
        request = parse_request(head)
        assert isinstance(request, Request)
        assert request.head == forwarded


FIRST_LINES = [
    b"GET / HTTP/1.1",
    b"DELETE /other?q=1 HTTP/1.1",
    b"TRACE / HTTP/1.1",
    b"GET / HTTP/1.0",
    b"GET / HTTP/1.2",
    b"GET  / HTTP/1.1",
    b"GET /a b HTTP/1.1",
    b"GET http://b/ HTTP/1.1",
    b'GET /" HTTP/1.1',
    b"GET / HTTP/1.1\r\nHost: b",
    b"GET / HTTP/1.1\r\nX:1",
    b"GET /\r\n HTTP/1.1",
    b"GET / HTTP/1.1\r",
    b"",
]
FIELDS = [
    b"",
    b"\r\nHost: A.example",
    b"\r\nHost: a\r\nUser-Agent: x\r\nConnection: keep-alive\r\nCookie: c",
    b"\r\nHost: a\r\nConnection: close",
    b"\r\nHost: a\r\nX-Amzn-Trace-Id: Root=1",
    b"\r\nHost: a\r\nContent-Length: 0",
    b"\r\nHost: a\r\nContent-Length: 1",
    b"\r\nHost: a\r\nTransfer-Encoding: chunked",
    b"\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1",
    b"\r\nHost: a\r\nx_y: 1",
    b"\r\nHost: a\r\nExpect: 100-continue",
    b"\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket",
]


@pytest.mark.parametrize("fields", FIELDS, ids=repr)
@pytest.mark.parametrize("first", FIRST_LINES, ids=repr)
def test_the_request_before_changes_nothing(first: bytes, fields: bytes) -> None:
    last = parse_request(b"GET /last HTTP/1.1" + fields)
    if isinstance(last, Request):
        alone, after = parse_request(first + fields), parse_next(first + fields, last)
        assert state_of(after) == state_of(alone)


STATE = """
    method line target head original minor host host_line framing length keep_alive expects upgrade forwarded_for agent
    trace_id odd finding unusual is_ordinary is_repeatable
"""


def state_of(result: Request | Cause) -> object:
    if isinstance(result, Cause):
        return result
    return [getattr(result, name) for name in STATE.split()]


def test_a_host_that_a_rule_changed_is_not_taken_for_the_clients() -> None:
    last = parse_request(H)
    assert isinstance(last, Request)
    transformed(last, b"other.example", b"/other")
    request = parse_next(H, last)
    assert isinstance(request, Request)
    assert (request.host, request.host_line) == (b"a", b"Host: a")


def test_a_field_line_before_the_status_line_is_no_answer() -> None:
    """Also where both are remembered."""
    rest = b"HTTP/1.1 200 OK\r\nContent-Length: 3"
    assert parse_response(rest + b"\r\nX-Known: 1", to_head=False) is not None
    assert parse_response(b"X-Known: 1\r\n" + rest, to_head=False) is None


CHUNKED = H + b"\r\nTransfer-Encoding: chunked"
UNUSUAL: list[tuple[bytes, bytes, bytes]] = [
    (b"GET /a b HTTP/1.1\r\nHost: a", b"SpaceInUri", b"GET /a%20b HTTP/1.1\r\nHost: a"),
    (b"GET /\x7f HTTP/1.1\r\nHost: a", b"AmbiguousUri", b"GET /%7F HTTP/1.1\r\nHost: a"),
    (b"GET / HTTP/1.2\r\nHost: a", b"NonCompliantVersion", H),
    (H + b"\r\n: 1", b"EmptyHeader", H),
    (H + b"\r\nContent-Length: 1\r\nContent-Length: 1", b"DuplicateContentLength", H + b"\r\nContent-Length: 1"),
    (H + b"\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", b"BothTeClPresent", CHUNKED),
    (H + b"\r\nTransfer-Encoding: chunked\r\nContent-Length: 1", b"BothTeClPresent", CHUNKED),
    (H + b"\r\nTransfer-Encoding: chunked\r\nContent-Length: 0", b"BothTeClPresent", CHUNKED),
    (H + b"\r\nTransfer-Encoding: identity", b"Compliant", H),
    (H + b"\r\nX: 1\r\n \t\r\nY: 2", b"EmptyHeader", H + b"\r\nX: 1\r\nY: 2"),
    (H + b"\r\nContent-Length: 7\r\nY: 2\r\nContent-Length: 07", b"DuplicateContentLength",
     H + b"\r\nY: 2\r\nContent-Length: 7"),
    (H + b"\r\nContent-Length:\t7" * 3, b"DuplicateContentLength", H + b"\r\nContent-Length: 7"),
    (H + b"\r\nContent-Length: 7" * 2 + b"\r\nContent-Length:\t7", b"DuplicateContentLength", H + b"\r\nContent-Length: 7"),
    (H + b"\r\n", b"EmptyHeader", H),
    (H + b"\r\nContent-Length: 1", b"UndefinedContentLengthSemantics", H + b"\r\nContent-Length: 1"),
    (H + b"\r\nContent-Length: 0", b"GetHeadZeroContentLength", H + b"\r\nContent-Length: 0"),
    (H + b"\r\nTransfer-Encoding: chunked", b"UndefinedTransferEncodingSemantics",
     H + b"\r\nTransfer-Encoding: chunked"),
    (H + b"\r\nTransfer_Encoding: chunked", b"SuspiciousHeader", H + b"\r\nTransfer_Encoding: chunked"),
    (H + b"\r\nContent.Length: 3", b"SuspiciousHeader", H + b"\r\nContent.Length: 3"),
    (H + b"\r\nX: \xc3\xa9", b"NonCompliantHeader", H + b"\r\nX: \xc3\xa9"),
    (H + b"\r\nContent-Length: 0\r\nX: \xc3\xa9\r\n: ", b"EmptyHeader", H + b"\r\nContent-Length: 0\r\nX: \xc3\xa9"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "reason", "forwarded"), UNUSUAL, ids=lambda value: repr(value)[:60])
def test_what_is_unusual_has_a_class_and_goes_on_in_one_meaning(head: bytes, reason: bytes, forwarded: bytes) -> None:
    for _ in range(2):
        request = parse_request(head)
        assert isinstance(request, Request)
        assert (request.finding.reason, request.head) == (reason, forwarded)


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        (b"Content-Length: 3\r\nTransfer_Encoding: chunked", Cause.SUSPICIOUS_TE_CL),
        (b"Transfer-Encoding: chunked\r\nContent_Length: 3", Cause.SUSPICIOUS_TE_CL),
    ],
)
def test_a_disguised_framing_beside_a_real_one_is_severe(fields: bytes, cause: Cause) -> None:
    assert parse_request(b"POST / HTTP/1.1\r\nHost: a\r\n" + fields) is cause


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (H, True),
        (H + b"\r\nConnection: close", False),
        (H + b"\r\nConnection: Keep-Alive, CLOSE", False),
        (H + b"\r\nConnection: x\r\nConnection: close", False),
        (b"GET / HTTP/1.0", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive", True),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive, close", False),
    ],
)
def test_persistence(head: bytes, keep_alive: bool) -> None:
    request = parse_request(head)
    assert isinstance(request, Request)
    assert request.keep_alive is keep_alive


@pytest.mark.parametrize(
    ("fields", "framing", "length"),
    [
        (b"", Framing.NONE, 0),
        (b"\r\nContent-Length: 0", Framing.NONE, 0),
        (b"\r\nContent-Length:  007 ", Framing.LENGTH, 7),
        (b"\r\nTransfer-Encoding: Chunked", Framing.CHUNKED, 0),
    ],
)
def test_where_a_request_body_ends(fields: bytes, framing: Framing, length: int) -> None:
    request = parse_request(H + fields)
    assert isinstance(request, Request)
    assert (request.framing, request.length) == (framing, length)


def test_an_upgrade_needs_a_bodyless_get_of_http_1_1() -> None:
    fields = b"\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket"
    results = {
        head: parse_request(head + fields + rest)
        for head, rest in [
            (b"GET / HTTP/1.1", b""),
            (b"GET / HTTP/1.0", b""),
            (b"PUT / HTTP/1.1", b""),
            (b"GET /2 HTTP/1.1", b"\r\nContent-Length: 2"),
        ]
    }
    assert [isinstance(result, Request) and result.upgrade for result in results.values()] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("buffer", "cause"),
    [
        (b"GET / HT", None),
        (b"x" * 17000, Cause.URI_TOO_LONG),
        (H + b"\r\n" + b"X: y\r\n" * 11000, Cause.HEAD_TOO_LARGE),
        (b"GET / HTTP/1.0\n\n", Cause.BAD_HEADER),
    ],
)
def test_a_head_that_has_not_ended(buffer: bytes, cause: Cause | None) -> None:
    assert unfinished_request(buffer) is cause


R = b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1 600 OK",
        b"HTTP/2 200 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1 200 O\x00K",
        b"ICY 200 OK",
        R + b"\r\nX : 1",
        R + b"\r\nX: 1\r\n folded",
        R + b"\nX: 1",
        R + b"\r\nX: a\rb",
        R + b"\r\nContent-Length: 1\r\nContent-Length: 1",
        R + b"\r\nContent-Length: +1",
        R + b"\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
        R + b"\r\nTransfer-Encoding: gzip",
        R + b"\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
        R + b"\r\nX: " + b"x" * 33000,
    ],
    ids=lambda value: repr(value)[:60],
)
def test_malformed_answers(head: bytes) -> None:
    assert parse_response(head, to_head=False) is None


@pytest.mark.parametrize(
    ("head", "to_head", "framing", "keep_alive", "forwarded"),
    [
        (R, False, Framing.UNTIL_CLOSE, True, R),
        (R, True, Framing.NONE, True, R),
        (R + b"\r\nContent-Length: 5", False, Framing.LENGTH, True, R + b"\r\nContent-Length: 5"),
        (R + b"\r\nContent-Length: 5", True, Framing.NONE, True, R + b"\r\nContent-Length: 5"),
        (R + b"\r\nContent-Length: 0", False, Framing.NONE, True, R + b"\r\nContent-Length: 0"),
        (R + b"\r\nTransfer-Encoding: chunked", False, Framing.CHUNKED, True, R + b"\r\nTransfer-Encoding: chunked"),
        (b"HTTP/1.0 200", False, Framing.UNTIL_CLOSE, False, b"HTTP/1.1 200 "),
        (R + b"\r\nConnection: close\r\nX: 1", True, Framing.NONE, False, R + b"\r\nX: 1"),
        (R + b"\r\nConnection: x\r\nX: 1\r\nKeep-Alive: 5", True, Framing.NONE, True, R),
        (b"HTTP/1.1 204 No\r\nContent-Length: 5", False, Framing.NONE, True, b"HTTP/1.1 204 No"),
        (b"HTTP/1.1 304 No\r\nContent-Length: 5", False, Framing.NONE, True, b"HTTP/1.1 304 No\r\nContent-Length: 5"),
    ],
)
def test_answers(head: bytes, to_head: bool, framing: Framing, keep_alive: bool, forwarded: bytes) -> None:
    for _ in range(2):
        response = parse_response(head, to_head=to_head)
        assert response is not None
        assert (response.framing, response.keep_alive, response.rewritten or head) == (framing, keep_alive, forwarded)
