"""Who gets which share of a trace: health, cross-zone, fail open, weights, slow start, workers; and that nothing is lost."""

from dataclasses import replace
from typing import Any

import pytest

from lab.core.elbv2.config import HealthCheck, Listener, LoadBalancerConfig, Target, TargetGroup
from lab.core.elbv2.rules import FixedResponse, Forward, Redirect, default_rule
from lab.simulate.calibration import Calibration
from lab.simulate.fleet import Fleet, Host
from lab.simulate.health import Targets
from lab.simulate.routing import Router, Worker, weighted_groups

A, B = "us-east-1a", "us-east-1b"
CHECK = HealthCheck(interval=10.0, healthy_threshold=2, unhealthy_threshold=3)


def group(arn: str, *zones: str, **more: Any) -> TargetGroup:
    targets = tuple(Target(f"{arn}-{number}", 8000, zone, "10.0.0.9", 8000) for number, zone in enumerate(zones))
    return TargetGroup(arn, arn, "HTTP", CHECK, targets, **more)


def document(*groups: TargetGroup, weights: tuple[int, ...] = ()) -> LoadBalancerConfig:
    pairs = tuple((one.arn, weight) for one, weight in zip(groups, weights or (1,) * len(groups), strict=True))
    listener = Listener("arn:listener", "HTTP", 80, (default_rule(Forward(pairs)),))
    return LoadBalancerConfig(1, "app/web/1", "arn:lb", "web", 1.0, (listener,), groups)


class Site:
    """Two nodes, one per zone; every target's instance runs, and has booted at `boots` (0 unless said)."""

    def __init__(self, *documents: LoadBalancerConfig, boots: dict[str, float] | None = None) -> None:
        self.fleet = Fleet(Calibration())
        self.documents = documents
        for one in documents:
            for target in (target for row in one.target_groups for target in row.targets):
                self.add(target.id, (boots or {}).get(target.id, 0.0))
        self.targets = Targets(self.fleet.hosts.get, overload=False)
        self.targets.use(documents, 0.0)
        self.router = Router(self.fleet, self.targets, lambda arn: f"group-of-{arn}")

    def add(self, name: str, boots: float = 0.0) -> None:
        self.fleet.hosts[name] = Host(name, f"group-of-{name.rpartition('-')[0]}", 0.5, boots)

    def shares(self, now: float = 0.0, workers: tuple[Worker, ...] = ()) -> dict[str, float]:
        """Rounded; all shares of the trace add up to the whole of it for each load balancer and worker group."""
        self.targets.follow(now)
        self.router.share_out({"arn:lb": [A, B]}, self.documents, workers, now)
        fleet = self.fleet
        lost = sum(share for _, share in (*fleet.turned_away, *fleet.refused))
        total = lost + sum(host.share for host in fleet.hosts.values())
        assert total == pytest.approx(len(self.documents) + len(workers))
        return {name: round(host.share, 4) for name, host in fleet.hosts.items()}


def test_healthy_targets_share_equally() -> None:
    assert Site(document(group("g", A, A, B))).shares() == {"g-0": 0.3333, "g-1": 0.3333, "g-2": 0.3333}


def test_without_cross_zone_each_zone_gets_half() -> None:
    site = Site(document(group("g", A, A, A, B, cross_zone=False)))
    assert site.shares() == {"g-0": 0.1667, "g-1": 0.1667, "g-2": 0.1667, "g-3": 0.5}


def test_a_zone_without_targets_of_its_own_turns_requests_away() -> None:
    site = Site(document(group("g", A, cross_zone=False)))
    assert site.shares() == {"g-0": 0.5}
    [(tally, share)] = site.fleet.turned_away
    assert (tally.target_group, tally.group, share) == ("g", "group-of-g", 0.5)


def test_a_target_that_boots_gets_nothing_before_its_first_check_after_that() -> None:
    site = Site(document(group("g", A, B)), boots={"g-1": 25.0})
    assert site.shares(20.0) == {"g-0": 1.0, "g-1": 0.0}
    assert site.shares(29.0) == {"g-0": 1.0, "g-1": 0.0}
    # Three checks failed (0, 10, 20): unhealthy by now, and it takes two that pass.
    assert site.shares(30.0) == {"g-0": 1.0, "g-1": 0.0}
    assert site.shares(40.0) == {"g-0": 0.5, "g-1": 0.5}


def test_with_no_healthy_target_all_are_used_and_those_that_boot_refuse() -> None:
    site = Site(document(group("g", A, B)), boots={"g-0": 100.0, "g-1": 100.0})
    assert site.shares(5.0) == {"g-0": 0.0, "g-1": 0.0}
    assert sum(share for _, share in site.fleet.refused) == pytest.approx(1.0)
    assert site.fleet.turned_away == ()


def test_too_few_healthy_targets_fail_open() -> None:
    site = Site(
        document(group("g", A, B, B, B, minimum_healthy_percent=50)), boots={"g-2": 99.0, "g-3": 99.0, "g-1": 99.0}
    )
    assert site.shares(5.0)["g-0"] == 0.25
    assert sum(share for _, share in site.fleet.refused) == pytest.approx(0.75)


def test_draining_targets_get_nothing() -> None:
    made = group("g", A, B)
    draining = replace(made, targets=(made.targets[0], replace(made.targets[1], draining=True)))
    assert Site(document(draining)).shares() == {"g-0": 1.0, "g-1": 0.0}


def test_no_target_at_all() -> None:
    site = Site(document(group("g")))
    site.shares()
    assert [(tally.group, share) for tally, share in site.fleet.turned_away] == [("group-of-g", 1.0)]


def test_weights_of_the_default_action() -> None:
    site = Site(document(group("g", A), group("h", A, B), group("i", A), weights=(1, 3, 0)))
    assert site.shares() == {"g-0": 0.25, "h-0": 0.375, "h-1": 0.375, "i-0": 0.0}


def test_the_first_listener_that_forwards_counts() -> None:
    forwarding = document(group("g", A)).listeners[0]
    others = [replace(forwarding, rules=(default_rule(action),)) for action in (Redirect(301), FixedResponse(404))]
    made = replace(document(group("g", A)), listeners=(*others, forwarding))
    assert [(one.arn, share) for one, share in weighted_groups(made)] == [("g", 1.0)]
    assert weighted_groups(replace(made, listeners=tuple(others))) == []
    assert weighted_groups(document(group("g", A), weights=(0,))) == []


def test_slow_start_grows_to_a_full_share() -> None:
    site = Site(document(group("g", A, B, slow_start=100.0)), boots={"g-1": 201.0})
    assert site.shares(200.0) == {"g-0": 1.0, "g-1": 0.0}
    found = [site.shares(now)["g-1"] for now in (220.0, 245.0, 270.0, 330.0)]
    assert found == [0.0, 0.2, 0.3333, 0.5]


def test_workers_share_the_trace_without_a_load_balancer() -> None:
    site = Site()
    for name, boots in (("w-0", 0.0), ("w-1", 0.0), ("w-2", 50.0)):
        site.add(name, boots)
    workers = (Worker("group-of-w", ["w-0", "w-1", "w-2", "gone"]),)
    assert site.shares(10.0, workers) == {"w-0": 0.5, "w-1": 0.5, "w-2": 0.0}
    assert site.shares(50.0, workers)["w-2"] == 0.3333
    assert site.shares(50.0, (Worker("empty", []),)) == {"w-0": 0.0, "w-1": 0.0, "w-2": 0.0}
    assert [tally.group for tally, _ in site.fleet.turned_away] == ["empty"]


# The fleet under that.


def test_every_request_is_counted_once_also_of_who_drains() -> None:
    made = document(group("g", A, B))
    site = Site(made)
    site.shares()
    site.fleet.advance(0.0, 300.0, lambda a, b: 50.0 * (b - a))
    site.documents = (
        replace(made, target_groups=(replace(made.target_groups[0], targets=made.target_groups[0].targets[:1]),)),
    )
    site.targets.use(site.documents, 300.0)
    assert site.shares(300.0) == {"g-0": 1.0, "g-1": 0.0}
    backlog = site.fleet.hosts["g-1"].inside
    site.fleet.advance(300.0, 900.0, lambda a, b: 10.0 * (b - a))
    [tally] = site.fleet.tallies.values()
    left = sum(host.inside for host in site.fleet.hosts.values())
    assert backlog > 100
    assert site.fleet.hosts["g-1"].inside < 0.01
    assert tally.arrived == pytest.approx(300 * 50 + 600 * 10)
    assert tally.arrived == pytest.approx(tally.served + tally.lost + left, rel=1e-5)
    assert sum(tally.times.values()) == pytest.approx(tally.served, rel=1e-6)


@pytest.mark.parametrize("hosts", [1, 7])
def test_like_hosts_do_alike_and_their_utilisation_is_their_load(hosts: int) -> None:
    site = Site(document(group("g", *([A, B] * hosts)[:hosts])))
    site.shares()
    site.fleet.advance(0.0, 60.0, lambda a, b: 8.0 * hosts * (b - a))
    for host in site.fleet.hosts.values():
        assert host.requests == pytest.approx(480.0)
        assert site.fleet.utilisation(host, 60.0) == pytest.approx(0.01 + 8 * 0.025 / 0.5, abs=0.001)
        assert site.fleet.utilisation(host, 60.0) == 0.01, "the next look begins anew"
