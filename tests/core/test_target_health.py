"""Target health: rows of results in, states out; and the matcher."""

import pytest

from lab.core.elbv2.config import HealthCheck
from lab.core.elbv2.health import (
    DRAINING,
    FAILED,
    PASSED,
    REGISTERED,
    TIMED_OUT,
    CheckResult,
    Matcher,
    TargetHealth,
    after,
    answered,
)

SETTINGS = HealthCheck(healthy_threshold=3, unhealthy_threshold=2)


def follow(results: str, health: TargetHealth = REGISTERED) -> str:
    """`+` a success, `-` a failure -> the first letters of the states after each."""
    seen = ""
    for result in results:
        health = after(health, PASSED if result == "+" else FAILED, SETTINGS)
        seen += health.state[0]
    return seen


@pytest.mark.parametrize(
    ("results", "states"),
    [
        ("+", "h"),
        ("-", "i"),
        ("--", "iu"),
        ("-+", "ih"),
        ("+-", "hh"),
        ("+--", "hhu"),
        ("+-+-+-+", "hhhhhhh"),
        ("--+++", "iuuuh"),
        ("--++-++", "iuuuuuu"),
        ("--++-+++", "iuuuuuuh"),
        ("--+++-+--", "iuuuhhhhu"),
    ],
)
def test_rows(results: str, states: str) -> None:
    assert follow(results) == states


@pytest.mark.parametrize(
    ("result", "reason", "description"),
    [
        (TIMED_OUT, "Target.Timeout", "Request timed out"),
        (FAILED, "Target.FailedHealthChecks", "Health checks failed"),
        (
            answered(503, Matcher("200")),
            "Target.ResponseCodeMismatch",
            "Health checks failed with these codes: [503]",
        ),
    ],
)
def test_an_unhealthy_target_says_why_in_awss_words(result: CheckResult, reason: str, description: str) -> None:
    health = after(after(REGISTERED, result, SETTINGS), result, SETTINGS)
    assert (health.state, health.reason, health.description) == ("unhealthy", reason, description)


def test_a_target_that_is_being_judged_keeps_its_words() -> None:
    assert after(REGISTERED, FAILED, SETTINGS).description == "Initial health checks in progress"
    unhealthy = after(after(REGISTERED, TIMED_OUT, SETTINGS), TIMED_OUT, SETTINGS)
    assert after(unhealthy, PASSED, SETTINGS).reason == "Target.Timeout"
    assert after(unhealthy, FAILED, SETTINGS).reason == "Target.FailedHealthChecks"


def test_a_healthy_target_has_no_reason() -> None:
    health = after(REGISTERED, PASSED, SETTINGS)
    assert (health.reason, health.description, health.healthy) == ("", "", True)


def test_a_draining_target_is_not_checked() -> None:
    with pytest.raises(KeyError):
        after(DRAINING, PASSED, SETTINGS)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("200", [200], [199, 201]),
        ("200,202", [200, 202], [201]),
        ("200-299", [200, 250, 299], [300]),
        ("200-299, 301", [200, 301], [300]),
    ],
)
def test_matchers(text: str, inside: list[int], outside: list[int]) -> None:
    matcher = Matcher(text)
    assert all(status in matcher for status in inside)
    assert not any(status in matcher for status in outside)


@pytest.mark.parametrize("text", ["", "20", "2000", "abc", "200-", "-200", "299-200", "199", "500", "200,,202", "٢٠٠"])
def test_bad_matchers_say_so(text: str) -> None:
    with pytest.raises(ValueError, match="matcher"):
        Matcher(text)
