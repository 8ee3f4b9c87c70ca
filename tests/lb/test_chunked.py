"""The chunked coding: what is understood is written anew; what is not is refused. Whole or byte by byte alike."""

import pytest

from services.lb.http1.chunked import ChunkedBody

END = b"0\r\n\r\n"


def fed(data: bytes, size: int, *, decode: bool) -> tuple[bytes | None, bool, bytes]:
    """(output, done, bytes after the end) of feeding `data` in pieces of `size`."""
    body = ChunkedBody(decode=decode)
    out, rest = b"", b""
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        if body.done:
            rest += piece
            continue
        got = body.feed(piece)
        if got is None:
            return None, False, b""
        out += got
    return out, body.done, body.rest + rest


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("data", "written", "payload", "rest"),
    [
        (END, END, b"", b""),
        (b"5\r\nhello\r\n" + END, b"5\r\nhello\r\n" + END, b"hello", b""),
        (b"5\r\nhello\r\n" + END + b"GET", b"5\r\nhello\r\n" + END, b"hello", b"GET"),
        (b"5;a=b\r\nhello\r\n0;x\r\n\r\n", b"5\r\nhello\r\n" + END, b"hello", b""),
        (b"5 \r\nhello\r\n" + END, b"5\r\nhello\r\n" + END, b"hello", b""),
        (b"0A\r\n0123456789\r\n" + END, b"0A\r\n0123456789\r\n" + END, b"0123456789", b""),
        (b"1\r\na\r\n2\r\nbc\r\n0\r\nX: y\r\n\r\n", b"1\r\na\r\n2\r\nbc\r\n" + END, b"abc", b""),
        (b"2\r\n\r\n\r\n" + END, b"2\r\n\r\n\r\n" + END, b"\r\n", b""),
    ],
)
def test_good_bodies(data: bytes, written: bytes, payload: bytes, rest: bytes, size: int) -> None:
    assert fed(data, size, decode=False) == (written, True, rest)
    assert fed(data, size, decode=True) == (payload, True, rest)


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize(
    "data",
    [
        b"+5\r\nhello\r\n",
        b"-5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"1_0\r\n",
        b" 5\r\nhello\r\n",
        b"\t5\r\n",
        b"5\nhello\r\n",
        b"5\rhello\r\n",
        b"\r\n5\r\n",
        b"\n",
        b"g\r\n",
        b";a\r\n",
        b"5;\x00\r\nhello\r\n",
        b"5;a\rb\r\nhello\r\n",
        b"5\r\nhelloX\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\r\r\n",
        b"1000000000000000\r\n",
        b"5;" + b"x" * 5000 + b"\r\n",
        b"0\r\nX : y\r\n\r\n",
        b"0\r\n folded\r\n\r\n",
        b"0\r\nX: \x00\r\n\r\n",
        b"0\r\n\n",
        b"0\r\n" + b"X: y\r\n" * 4000 + b"\r\n",
        b"5,5\r\nhello\r\n",
    ],
    ids=lambda value: repr(value)[:40],
)
def test_broken_bodies(data: bytes, size: int) -> None:
    assert fed(data, size, decode=False)[0] is None
