"""Where frames begin and end, what is taken out and what is refused."""

import struct

from services.lb.http2.frames import FRAME_BYTES, PREFACE_BYTES, FrameFilter, goaway
from tests.lb.http2_client import frame


def test_the_filter_takes_goaways_out_however_frames_are_cut() -> None:
    preface, ping, data = b"p" * PREFACE_BYTES, frame(6, 0, 0, b"12345678"), frame(0, 0, 1, b"\0\0\x08\x07" * 9)
    strange = frame(7, 0, 1, b"12345678") + frame(7, 0, 0, b"short")  # for the protocol to complain about
    stream = preface + ping + goaway(5, 0) + data + strange + frame(7, 0, 0, struct.pack(">II", 3, 2) + b"why") + ping
    for step in range(1, len(stream) + 1):
        frames = FrameFilter(PREFACE_BYTES)
        out = b"".join(frames.feed(stream[at : at + step]) for at in range(0, len(stream), step))
        assert out == preface + ping + data + strange + ping
        assert (frames.goaway, frames.newest, frames.too_large, frames.whole) == (2, 3, False, True)


def test_the_filter_knows_what_is_not_complete() -> None:
    frames = FrameFilter(0)
    for data, whole in (
        (frame(6, 0, 0, b"12345678")[:4], False),
        (frame(6, 0, 0, b"12345678")[4:], True),
        (frame(0, 0, 1, b"abc")[:10], False),
        (b"bc", True),
        (frame(1, 0, 1, b"x"), False),
        (frame(9, 0, 1, b"x"), False),
        (frame(9, 4, 1, b"x"), True),
        (goaway(1, 0)[:12], False),
        (goaway(1, 0)[12:], True),
    ):
        frames.feed(data)
        assert frames.whole == whole


def test_the_filter_refuses_large_frames_by_their_head() -> None:
    frames = FrameFilter(0)
    assert frames.feed(frame(0, 0, 1, b"x" * FRAME_BYTES)) == frame(0, 0, 1, b"x" * FRAME_BYTES)
    assert not frames.too_large
    assert frames.feed(frame(0, 0, 1, b"x" * (FRAME_BYTES + 1))[:9]) == b""
    assert frames.too_large
