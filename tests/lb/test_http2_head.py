"""Field lists of HTTP/2 as heads of HTTP/1.1: what is refused, and what is ordinary."""

import pytest

from services.lb.http1.desync import COMPLIANT
from services.lb.http1.request_line import Request
from services.lb.http2.head import read_request
from services.lb.serving.outcome import Cause

GOOD = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/")]


@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        (GOOD[1:], Cause.BAD_METHOD),
        ([GOOD[0], *GOOD[2:]], Cause.BAD_URI),
        (GOOD[:3], Cause.BAD_URI),
        ([*GOOD[:3], (b":path", b"")], Cause.BAD_URI),
        ([*GOOD[:3], (b":path", b"a")], Cause.BAD_URI),
        ([*GOOD[:3], (b":path", b"/ HTTP/1.1 x")], Cause.BAD_URI),
        ([*GOOD[:3], (b":path", b"*")], Cause.BAD_URI),
        ([*GOOD[:2], GOOD[3]], Cause.BAD_HOST),
        ([*GOOD, (b"host", b"b")], Cause.BAD_HOST),
        ([*GOOD, (b"host", b"a"), (b"host", b"a")], Cause.BAD_HOST),
        ([*GOOD, GOOD[3]], Cause.BAD_HEADER),
        ([*GOOD, (b":protocol", b"websocket")], Cause.BAD_HEADER),
        ([(b"expect", b"x"), *GOOD], Cause.BAD_HEADER),
        ([(b"te", b"trailers"), *GOOD], Cause.BAD_HEADER),
        ([*GOOD, (b"x-a", b"1\r\nx-smuggled: 1")], Cause.BAD_HEADER),
        ([*GOOD, (b"x-a\r\nx-smuggled", b"1")], Cause.BAD_HEADER),
        ([*GOOD[:3], (b":path", b"/ HTTP/1.1\r\nx-smuggled: 1")], Cause.BAD_HEADER),
        ([(b":method", b"GET / HTTP/1.1\r\nx-smuggled: 1\r\n\r\nGET"), *GOOD[1:]], Cause.BAD_HEADER),
        ([*GOOD[:3], (b"a", b"b"), GOOD[3]], Cause.BAD_HEADER),
        ([*GOOD[:3], (b"cookie", b"b"), GOOD[3]], Cause.BAD_HEADER),
        ([(b":method", b"G T"), *GOOD[1:]], Cause.BAD_METHOD),
        ([(b":method", b"CONNECT"), (b":authority", b"a:1")], Cause.METHOD_NOT_ALLOWED),
        ([(b":method", b"TRACE"), *GOOD[1:]], Cause.METHOD_NOT_ALLOWED),
        *(
            ([*GOOD, pair], Cause.BAD_HEADER)
            for pair in (
                (b"Upper", b"x"),
                (b"under_score", b"x"),
                (b"", b"x"),
                (b"a b", b"x"),
                (b"a:", b"x"),
                (b"x", b"a\r\nb: c"),
                (b"x", b"a\nb"),
                (b"x", b"a\0b"),
                (b"x", b" a"),
                (b"x", b"a\t"),
                (b"x", b"a\x01b"),
                (b"connection", b"close"),
                (b"transfer-encoding", b"chunked"),
                (b"upgrade", b"websocket"),
                (b"keep-alive", b"1"),
                (b"proxy-connection", b"close"),
                (b"te", b"gzip"),
            )
        ),
        ([*GOOD, (b"content-length", b"1")], Cause.BAD_CONTENT_LENGTH),
        ([*GOOD, (b"content-length", b"+0")], Cause.BAD_CONTENT_LENGTH),
        ([*GOOD, (b"content-length", b"0"), (b"content-length", b"0")], Cause.MULTIPLE_CONTENT_LENGTH),
    ],
)
def test_a_head_that_http_1_could_not_say_is_refused(headers: list[tuple[bytes, bytes]], cause: Cause) -> None:
    assert read_request(headers, ended=True)[0] is cause


@pytest.mark.parametrize(
    ("headers", "ended"),
    [
        (GOOD, True),
        ([*GOOD, (b"content-length", b"0")], True),
        ([*GOOD, (b"host", b"A")], True),
        ([*GOOD[:2], GOOD[3], (b"host", b"a")], True),
        ([(b":method", b"OPTIONS"), *GOOD[1:3], (b":path", b"*")], True),
        ([(b":method", b"POST"), *GOOD[1:]], False),
        ([(b":method", b"POST"), *GOOD[1:], (b"content-length", b"3")], False),
    ],
)
def test_an_ordinary_head_is_compliant(headers: list[tuple[bytes, bytes]], ended: bool) -> None:
    request, _ = read_request(headers, ended=ended)
    assert isinstance(request, Request)
    assert request.finding is COMPLIANT
    assert request.line.endswith(b" HTTP/2.0")
    assert request.host == b"a"
