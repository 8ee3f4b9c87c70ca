"""The metrics that the lab measures by itself: the table, and the arithmetic behind their data."""

from pathlib import Path

import pytest
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from lab.core.autoscaling.group_metrics import group_metrics
from lab.core.autoscaling.warm_pool import WarmPool
from lab.core.cloudwatch.emitted import BY_NAME, EC2, ELB, GROUP_NAMES, TABLE, WARM_POOL_NAMES
from lab.core.cloudwatch.spread import KEPT, by_minute, evenly, minutes_over
from lab.core.elbv2.report import GroupReport, grown
from services.lb.serving.outcome import VERDICTS
from tests.core.rows import group


def test_the_table_has_each_metric_once_with_a_unit_of_awss() -> None:
    assert len(BY_NAME) == len(TABLE)
    units = Loader().load_service_model("cloudwatch", "service-2")["shapes"]["StandardUnit"]["enum"]
    assert {row.unit for row in TABLE} <= set(units)
    for row in TABLE:
        assert len(set(map(frozenset, row.dimensions))) == len(row.dimensions)


def test_what_a_node_counts_is_in_the_table() -> None:
    names = {name for verdict in VERDICTS.values() for name in verdict.metrics}
    assert names <= {row.name for row in TABLE if row.namespace == ELB}


def test_a_datum_belongs_to_every_set_of_dimensions_that_is_known() -> None:
    row = BY_NAME[EC2, "CPUUtilization"]
    facts = {"InstanceId": "i-1", "AutoScalingGroupName": "web"}
    assert [metric.dimensions for metric in row.metrics(facts)] == [
        (("InstanceId", "i-1"),),
        (("AutoScalingGroupName", "web"),),
    ]
    balancer = BY_NAME[ELB, "HealthyHostCount"].metric(
        {"LoadBalancer": "l", "AvailabilityZone": "z", "TargetGroup": "t"}
    )
    assert balancer.dimensions == (("AvailabilityZone", "z"), ("LoadBalancer", "l"), ("TargetGroup", "t"))


@given(st.integers(0, 10**6), st.floats(0, 10**5), st.floats(0, 10**6))
def test_what_was_counted_goes_to_its_minutes(count: int, seconds: float, since: float) -> None:
    now = since + seconds
    over = by_minute(since, now)
    shares = over.shares(count)
    assert len(shares) == len(over.times) <= KEPT
    assert over.edges[-1] == 1.0
    assert sum(over.parts(float(count))) == pytest.approx(count * (1 - over.edges[0]), abs=1e-6)
    if over.edges[0] == 0.0:
        assert sum(shares) == count
    minutes = [time // 60 for time in over.times]
    assert minutes == sorted(set(minutes)), "each minute once"


@pytest.mark.parametrize(
    ("since", "now", "shares"),
    [
        (0, 0, {0: 100}), (50, 70, {1: 100}), (30, 119, {1: 100}),
        (0, 120, {0: 50, 1: 50}), (30, 130, {0: 30, 1: 60, 2: 10}), (0, 600, dict.fromkeys(range(10), 10)),
    ],
)  # fmt: skip
def test_a_short_time_is_not_divided_and_a_long_one_by_its_minutes(
    since: float, now: float, shares: dict[int, int]
) -> None:
    over = by_minute(since, now)
    assert dict(zip((time // 60 for time in over.times), over.shares(100), strict=True)) == shares


def test_even_shares() -> None:
    assert evenly([30.0, 90.0, 150.0]).shares(100) == [33, 33, 34]


@pytest.mark.parametrize(
    ("since", "now", "middles"),
    [
        (10, 50, []), (10, 59.9, []), (10, 60, [30]), (10, 119, [30]), (60, 119, []), (60, 120, [90]),
        (59, 181, [30, 90, 150]), (0, 60 * 100, [30 + 60 * minute for minute in range(40, 100)]),
    ],
)  # fmt: skip
def test_minutes_that_have_ended(since: float, now: float, middles: list[float]) -> None:
    assert minutes_over(since, now) == middles


def test_counters_that_grew() -> None:
    assert grown({"a": 5, "b": 2, "c": 1}, {"a": 3, "b": 2, "d": 9}) == {"a": 2, "c": 1}


def test_a_groups_report_since_another() -> None:
    before = GroupReport("g", {"a": 3, "b": 2}, ((1, 2), (4, 1)), 10)
    now = GroupReport("g", {"a": 4, "b": 2, "c": 1}, ((1, 2), (3, 1), (4, 3)), 25)
    assert now.since(before) == GroupReport("g", {"a": 1, "c": 1}, ((3, 1), (4, 2)), 15)
    assert now.since(None) == now
    assert before.since(now) == before  # it has begun anew


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 99)), unique_by=lambda pair: pair[0]))
def test_what_is_counted_adds_up(pairs: list[tuple[int, int]]) -> None:
    whole = GroupReport("g", {"n": 7}, tuple(sorted(pairs)), 100)
    part = GroupReport("g", {"n": 3}, tuple(sorted((bucket, count // 2) for bucket, count in pairs if count > 1)), 40)
    rest = whole.since(part)
    assert part.plus(rest) == whole


def states(*names: str) -> dict[str, int]:
    """What is not 0, sizes apart."""
    found = group_metrics(group(min_size=1, max_size=9, desired_capacity=4), None, names)
    assert (found["GroupMinSize"], found["GroupMaxSize"], found["GroupDesiredCapacity"]) == (1, 9, 4)
    assert set(found) <= {*GROUP_NAMES, *WARM_POOL_NAMES}
    for name in ("InService", "Pending", "Standby", "Terminating", "Total"):
        assert found[f"Group{name}Instances"] == found[f"Group{name}Capacity"]
    return {name: number for name, number in found.items() if number and not name.endswith(("Size", "DesiredCapacity"))}


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("Pending", "Pending"), ("Pending:Wait", "Pending"), ("Pending:Proceed", "Pending"),
        ("InService", "InService"), ("Terminating", "Terminating"), ("Terminating:Wait", "Terminating"),
        ("Terminating:Proceed", "Terminating"),
    ],
)  # fmt: skip
def test_a_member_is_counted_as_what_it_is_and_in_the_total(state: str, kind: str) -> None:
    assert states(state, state) == {
        f"Group{kind}Instances": 2, f"Group{kind}Capacity": 2, "GroupTotalInstances": 2, "GroupTotalCapacity": 2,
    }  # fmt: skip


@pytest.mark.parametrize("state", ["Standby", "EnteringStandby"])
def test_standby_is_not_in_the_total(state: str) -> None:
    """AWS counts as total what is in service, pending or terminating (asg:ec2-auto-scaling-metrics)."""
    assert states(state) == {"GroupStandbyInstances": 1, "GroupStandbyCapacity": 1}


@pytest.mark.parametrize("state", ["Detaching", "Terminating:Retained", "Warmed:Terminating:Retained"])
def test_who_has_left_is_counted_nowhere(state: str) -> None:
    assert states(state) == {}


def test_a_warm_pool_is_counted_apart() -> None:
    found = states(
        "InService", "Warmed:Pending", "Warmed:Pending:Wait", "Warmed:Stopped", "Warmed:Running", "Warmed:Hibernated",
        "Warmed:Terminating:Proceed", "Warmed:Terminating:Retained",
    )  # fmt: skip
    assert found == {
        "GroupInServiceInstances": 1, "GroupInServiceCapacity": 1, "GroupTotalInstances": 1, "GroupTotalCapacity": 1,
        "WarmPoolPendingCapacity": 2, "WarmPoolWarmedCapacity": 3, "WarmPoolTerminatingCapacity": 1,
        "WarmPoolTotalCapacity": 6, "GroupAndWarmPoolTotalCapacity": 7,
    }  # fmt: skip


def test_the_sizes_of_a_warm_pool() -> None:
    pool = WarmPool("web", min_size=1, max_group_prepared_capacity=7)
    found = group_metrics(group(min_size=1, max_size=9, desired_capacity=4), pool, ["InService"])
    sizes = ("WarmPoolMinSize", "WarmPoolDesiredCapacity", "GroupAndWarmPoolDesiredCapacity")
    assert [found[name] for name in sizes] == [1, 3, 7]
    assert set(found) == {*GROUP_NAMES, *WARM_POOL_NAMES}


# docs/metrics.md


def table(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of the page."""
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    [section] = [part for part in page.split("\n## ") if part.startswith(f"{heading}\n")]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


@pytest.mark.parametrize("namespace", sorted({row.namespace for row in TABLE}))
def test_the_page_shows_the_table(namespace: str) -> None:
    shown = {
        (name, unit, dimensions, statistic, when)
        for names, unit, dimensions, statistic, when in table(namespace)
        for name in names.split(", ")
    }
    assert shown == {
        (row.name, row.unit, "; ".join(" + ".join(names) for names in row.dimensions), row.statistic, row.when)
        for row in TABLE
        if row.namespace == namespace
    }
