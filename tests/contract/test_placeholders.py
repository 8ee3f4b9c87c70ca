"""The environment rule that both real adapters share."""

import pytest

from lab.adapters.placeholders import machine_environment
from lab.core.compute import MachineSpec, Role
from lab.core.errors import Refused


def environment(value: str) -> str:
    spec = MachineSpec("i-1", Role.INSTANCE, "app", "vpc-1", "a", "10.0.0.10", 1.0, 128, {"X": value}, ())
    return machine_environment(spec, bind="127.0.0.1", data="/d", ports={80: 20001, 81: 20002})["X"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("{bind}:{port:80},{bind}:{port:81}", "127.0.0.1:20001,127.0.0.1:20002"),
        ("{data}/last-good.json", "/d/last-good.json"),
        ('{"port": 80, "x": {}}', '{"port": 80, "x": {}}'),
        ("{other} {port:} {port:x} {{", "{other} {port:} {port:x} {{"),
        ("", ""),
    ],
)
def test_placeholders_are_replaced_and_nothing_else(value: str, expected: str) -> None:
    assert environment(value) == expected


def test_a_port_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match=r"asks for \{port:82\}, but its ports are: 80, 81"):
        environment("{port:82}")
