"""Frames that are made late: their order, their times, and what is lost."""

from services.net.late import MOST_BYTES, MOST_FRAMES, Waiting


def test_a_frame_is_due_after_the_delay_and_not_before() -> None:
    waiting = Waiting(0.5)
    assert (waiting.pause(10.0), waiting.take(10.0)) == (None, None)
    waiting.add(b"one", 10.0)
    waiting.add(b"two", 10.25)
    assert (waiting.pause(10.25), waiting.take(10.25)) == (0.25, None)
    assert (waiting.take(10.5), waiting.take(10.5)) == (b"one", None)
    assert (waiting.pause(11.0), waiting.take(11.0), waiting.take(11.0)) == (0.0, b"two", None)


def test_a_shorter_delay_changes_no_order() -> None:
    waiting = Waiting(1.0)
    waiting.add(b"one", 0.0)
    waiting.delay = 0.1
    waiting.add(b"two", 0.5)
    assert waiting.take(0.75) is None
    assert [waiting.take(1.0), waiting.take(1.0)] == [b"one", b"two"]


def test_what_is_too_much_is_lost_and_room_comes_back() -> None:
    waiting = Waiting(0.0)
    for _ in range(MOST_FRAMES + 5):
        waiting.add(b"x", 0.0)
    taken = 0
    while waiting.take(0.0):
        taken += 1
    assert taken == MOST_FRAMES
    half = bytes(MOST_BYTES // 2)
    for _ in range(3):
        waiting.add(half, 0.0)
    assert [waiting.take(0.0) == half, waiting.take(0.0) == half, waiting.take(0.0)] == [True, True, None]
