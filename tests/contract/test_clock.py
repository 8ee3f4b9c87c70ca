"""The clock of a lab that runs: what it keeps, and what a start at another speed changes."""

from pathlib import Path

import pytest

from lab.adapters.clock import SystemClock, VirtualClock
from lab.core.errors import Refused, Unavailable

NEVER_BACK = 0.001
"""Lab seconds by which floats may differ that came through JSON."""


def test_lab_time_goes_on_after_a_restart_with_the_speed_it_was_changed_to(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clock = SystemClock(path, 1000.0)
    clock.set_speed(500.0)
    before = clock.now()
    again = SystemClock(path, 1000.0)
    assert again.speed == 500.0
    assert again.now() >= before - NEVER_BACK


def test_another_configured_speed_overrules_what_it_was_changed_to(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clock = SystemClock(path, 1000.0)
    clock.set_speed(500.0)
    before = clock.now()
    assert SystemClock(path, 20.0).speed == 20.0
    again = SystemClock(path, 20.0)
    assert again.speed == 20.0
    assert again.now() >= before - NEVER_BACK


def test_a_file_that_cannot_be_read_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    path.write_text("{")
    assert SystemClock(path, 7.0).speed == 7.0


def test_a_speed_that_cannot_be_kept_is_not_taken(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    clock = SystemClock(folder / "clock.json", 2.0)
    (folder / "clock.json").unlink()
    folder.rmdir()
    with pytest.raises(Unavailable, match="cannot be kept"):
        clock.set_speed(3.0)
    assert clock.speed == 2.0


def test_a_speed_that_is_none_is_refused(tmp_path: Path) -> None:
    clock = SystemClock(tmp_path / "clock.json", 2.0)
    with pytest.raises(Refused):
        clock.set_speed(0.0)
    assert clock.speed == 2.0


def test_virtual_time_has_a_pace_as_well() -> None:
    clock = VirtualClock(0.0)
    clock.advance(10.0)
    clock.set_speed(5.0)
    clock.advance(10.0)
    assert (clock.now(), clock.speed, clock.wall_between(0.0, 20.0)) == (20.0, 5.0, 12.0)
