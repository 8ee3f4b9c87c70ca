"""What samples come to, told as stories."""

import pytest

from lab.drill.figures import DATABASE, Figures, figures
from lab.drill.samples import Sample
from tests.drill.samples import WELL, at, seen

CRASH = [
    at(0),
    at(10, i_1=seen(target="unhealthy"), i_2=WELL),
    at(15, i_1=seen(lifecycle="Terminating", target="draining"), i_2=WELL),
    at(20, i_2=WELL, i_3=seen(lifecycle="Pending", target="initial")),
    at(30, i_2=WELL, i_3=WELL),
    at(40, i_2=WELL, i_3=WELL),
]


def test_a_crash_from_end_to_end() -> None:
    assert figures(CRASH, 5, ["i_1"]) == Figures(
        detected=10, out=5, replaced=25, recovered=25, peak=2, launched=1, refresh=""
    )


def test_what_was_not_seen_is_none() -> None:
    assert figures(CRASH[:2], 5, ["i_1"]) == Figures(out=5, peak=2)
    assert figures([], 0, ["i_1"]) == Figures()


def test_a_zone_is_replaced_when_as_many_others_serve() -> None:
    both = [at(0, i_1=WELL, i_2=WELL), at(10, desired=2, i_3=WELL), at(20, i_3=WELL, i_4=WELL)]
    assert figures(both, 5, ["i_1", "i_2"]).replaced == 15


def test_a_database_is_noticed_by_its_own_word() -> None:
    found = figures([at(0), at(10, database="rebooting"), at(20)], 5, [DATABASE])
    assert (found.detected, found.out, found.recovered) == (5, None, 15)


def test_all_is_well_only_at_the_end_of_unrest() -> None:
    ill = seen(target="unhealthy")
    assert figures([at(0), at(10), at(20)], 5, []).recovered == 0
    assert figures([at(0), at(10, i_1=ill), at(20), at(30, i_1=ill), at(40)], 5, []).recovered == 35
    assert figures([at(0), at(10, i_1=ill), at(20), at(30, i_1=ill)], 5, []).recovered is None


def test_capacity_and_refresh_are_followed() -> None:
    found = figures([at(0), at(10, desired=4, refresh="InProgress"), at(20, refresh="RollbackSuccessful")], 5, [])
    assert (found.peak, found.refresh) == (4, "RollbackSuccessful")


@pytest.mark.parametrize(
    ("sample", "why"),
    [
        (at(0), ""),
        (at(0, desired=3), "2 of 2 instances serve, 3 are desired"),
        (at(0, i_1=WELL), "1 of 1 instances serve, 2 are desired"),
        (at(0, i_1=WELL, i_2=WELL, i_3=seen("Terminating")), "2 of 3 instances serve, 2 are desired"),
        (at(0, database="rebooting"), "the database is rebooting"),
        (at(0, database=""), ""),
        (at(0, refresh="InProgress"), "an instance refresh is InProgress"),
        (at(0, refresh="Successful"), ""),
    ],
)
def test_what_is_steady(sample: Sample, why: str) -> None:
    assert sample.unrest() == why
