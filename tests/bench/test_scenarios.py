import pytest

from bench.scenarios import NAMES, SCENARIOS, Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_request_is_whole(scenario: Scenario) -> None:
    head, end, body = scenario.request.partition("\r\n\r\n")
    line, *fields = head.split("\r\n")
    assert end
    assert line.split(" ")[1].partition("?")[0] == scenario.path
    assert line.endswith(" HTTP/1.1")
    lengths = [field.partition(": ")[2] for field in fields if field.startswith("Content-Length:")]
    assert lengths == ([str(len(body))] if body else [])


@pytest.mark.parametrize(("name", "fields"), [("small", 1), ("browser", 13), ("unique", 14), ("connect", 2)])
def test_a_head_has_as_many_fields_as_its_title_says(name: str, fields: int) -> None:
    [scenario] = [one for one in SCENARIOS if one.name == name]
    assert scenario.request.count("\r\n") - 2 == fields


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)
