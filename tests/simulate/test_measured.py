"""From what was measured of a lab to a calibration."""

from dataclasses import replace

import pytest

from lab.load.histogram import Histogram
from lab.simulate.measured import Measured, MeasuringError, calibration


def times(*seconds: float) -> Histogram:
    found = Histogram()
    for one in seconds:
        found.record(one)
    return found


MEASURED = Measured(
    light=times(0.003), quiet=times(*[0.023] * 30, *[0.028] * 60, *[0.033] * 30), rate=4.0, answered=40.0, instances=2,
    vcpus=0.5, idle=2.0, busy=22.0, launches=(60.0, 2.0, 50.0),
)  # fmt: skip


def test_what_an_instance_can_do() -> None:
    found = calibration(MEASURED, "here")
    assert found.capacity == 40.0
    assert found.cpu_seconds == pytest.approx(0.025)
    assert found.idle_cpu == 0.02
    assert found.service_seconds == pytest.approx(0.025, rel=0.05)
    assert found.service_cv == pytest.approx(0.2, rel=0.1)
    assert found.base_seconds == pytest.approx(0.003, rel=0.05)
    assert (found.launch_seconds, found.note) == (50.0, "here")


def test_without_a_whole_minute_a_request_computes_all_the_time() -> None:
    found = calibration(replace(MEASURED, idle=None, busy=None, launches=()), "")
    assert found.cpu_seconds == found.service_seconds
    assert found.launch_seconds == 15.0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"quiet": times(0.003)}, "works harder"),
        ({"quiet": times()}, "no request was answered"),
        ({"answered": 0.0}, "no request was answered"),
    ],
)
def test_what_makes_no_calibration(change: dict[str, object], why: str) -> None:
    with pytest.raises(MeasuringError, match=why):
        calibration(replace(MEASURED, **change), "")  # type: ignore[arg-type]  # a table's rows are of several types
