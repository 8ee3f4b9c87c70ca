"""Calibrations: what a file may say, and what follows from it."""

import json
from pathlib import Path

import pytest

from lab.simulate.calibration import Calibration, CalibrationError, from_json, read, write


def test_a_calibration_comes_back_from_its_file(tmp_path: Path) -> None:
    made = Calibration(cpu_seconds=0.01, workers=2, note="é")
    write(made, tmp_path / "c.json")
    assert read(tmp_path / "c.json") == made


def test_what_a_file_leaves_out_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps({"boot_seconds": 120}))
    assert read(tmp_path / "c.json") == Calibration(boot_seconds=120.0)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"boot": 1}, "there is no 'boot'; a calibration has cpu_seconds"),
        ({"workers": 1.5}, "workers must be of type int, not 1.5"),
        ({"workers": True}, "workers must be of type int"),
        ({"workers": 0}, "workers must be 1 at least"),
        ({"capacity": 0}, "capacity must be 0.001 at least"),
        ({"cpu_seconds": "much"}, "cpu_seconds must be of type float"),
        ({"timeout": float("inf")}, "timeout must be"),
        ({"service_cv": float("nan")}, "service_cv must be"),
    ],
)
def test_what_is_wrong_with_a_calibration(body: dict[str, object], said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        from_json(body, "c.json")


@pytest.mark.parametrize(("text", "said"), [("{", "no JSON"), ("[]", "no JSON object")])
def test_files_that_are_no_calibration(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(CalibrationError, match=said):
        read(tmp_path / "c.json")
    with pytest.raises(CalibrationError, match="cannot be read"):
        read(tmp_path / "none.json")


def test_a_young_instance_is_slower_and_becomes_what_it_is() -> None:
    made = Calibration(warm_up_seconds=60.0, warm_up_factor=3.0)
    assert [made.slowness(age) for age in (0.0, 30.0, 60.0, 600.0)] == [3.0, 2.0, 1.0, 1.0]
    assert made.server(0.5, 2.0).capacity == 40.0 * 0.5 / 2.0
    assert Calibration().slowness(0.0) == 1.0
