"""Which instance goes when a group scales in (aws-facts §3.6)."""

from itertools import permutations

import pytest

from lab.core.autoscaling.model import Member
from lab.core.autoscaling.termination import victim
from tests.core.rows import NOW, A, B, C, group, member

HOUR = 3600.0


@pytest.mark.parametrize(
    ("policies", "members", "wanted"),
    [
        # The zone with the most instances comes before any policy.
        (("Default",), [member("1", A), member("2", B), member("3", B, launched_at=NOW)], "i-2"),
        (("NewestInstance",), [member("1", A, launched_at=NOW), member("2", B), member("3", B)], "i-2"),
        # Default: another launch template, then the oldest version, then the next full hour.
        (("Default",), [member("1"), member("2", launch_template_id="lt-0", launch_template_version=9)], "i-2"),
        (("Default",), [member("1", launch_template_version=2), member("2")], "i-2"),
        (("Default",), [member("1", launched_at=NOW - 1.2 * HOUR), member("2", launched_at=NOW - 0.9 * HOUR)], "i-2"),
        (("Default",), [member("1", launch_template_version=2, launched_at=NOW - 9 * HOUR), member("2")], "i-2"),
        # The others.
        (("OldestInstance",), [member("1"), member("2", launched_at=NOW - 5000)], "i-2"),
        (("NewestInstance",), [member("1"), member("2", launched_at=NOW)], "i-2"),
        (("ClosestToNextInstanceHour",), [member("1", launched_at=NOW - 10), member("2", launched_at=NOW - 3590)], "i-2"),
        (("OldestLaunchTemplate",), [member("1", launch_template_version=2), member("2")], "i-2"),
        # In order: the second sieve sees what the first one left.
        (("OldestLaunchTemplate", "NewestInstance"),
         [member("1", launch_template_version=2, launched_at=NOW), member("2"), member("3", launched_at=NOW - 2)], "i-3"),
        # Protected instances are skipped, also where they fill a zone.
        (("Default",), [member("1", A, protected=True), member("2", A, protected=True), member("3", B)], "i-3"),
        (("Default",), [member("1", A, protected=True), member("2", A), member("3", B)], "i-2"),
        (("Default",), [member("1", protected=True)], None),
        (("Default",), [], None),
        # What nothing tells apart: age, then id.
        (("Default",), [member("1", A), member("2", B), member("3", C)], "i-1"),
    ],
)  # fmt: skip
def test_victims(policies: tuple[str, ...], members: list[Member], wanted: str | None) -> None:
    chosen = victim(members, group(termination_policies=policies), NOW)
    assert (chosen and chosen.instance_id) == wanted


def test_the_order_of_the_members_does_not_matter() -> None:
    members = [member("1", A), member("2", B, launched_at=NOW - 50), member("3", B), member("4", A), member("5", C)]
    chosen = {found.instance_id for order in permutations(members) if (found := victim(order, group(), NOW))}
    assert len(chosen) == 1
