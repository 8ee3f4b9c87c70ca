"""A trace against the shipped stack: what the control plane does on paper, and that it is the same each time."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from lab.core.errors import LabError
from lab.load.shapes import shape
from lab.simulate.calibration import Calibration
from lab.simulate.compare import Question, answer
from lab.simulate.policies import PolicyError
from lab.simulate.result import GroupRun, to_json
from lab.simulate.run import Scenario, SimulationError, run

WEB = (Path(__file__).parents[2] / "stacks" / "web.yaml").read_text()
"""t3.micro: by the default calibration 20 requests per second are all that an instance can do."""


def play(
    trace: str, policy: str = "stack", calibration: Calibration | None = None, template: str = WEB, **parameters: str
) -> GroupRun:
    made = shape(trace, 1)
    scenario = Scenario(policy, template, parameters, made, calibration or Calibration(), made.duration, 1.0)
    [group] = asyncio.run(run(scenario)).groups
    return group


def desired(group: GroupRun) -> list[int]:
    found: list[int] = []
    for one in group.capacities:
        if not found or found[-1] != one.desired:
            found.append(one.desired)
    return found


def test_load_makes_the_group_grow_by_the_arithmetic_and_calm_brings_it_home() -> None:
    group = play("spike:base=5,peak=36,at=10m,width=30m,for=2h")
    assert desired(group) == [2, 4, 2]
    grow, shrink = (one for one in group.choices if one.desired != one.current)
    assert grow.why.startswith("2 warm instances × 91")
    assert 600 + 180 <= grow.at <= 600 + 240, "three minutes above the target"
    assert 2400 + 15 * 60 <= shrink.at <= 2400 + 17 * 60, "fifteen minutes below nine tenths of it"
    assert [one.after for one in group.transitions if "AlarmHigh" in one.alarm] == ["OK", "ALARM", "OK"]
    launches = [one for one in group.activities if one.description.startswith("Launching")]
    assert [one.status for one in launches] == ["Successful"] * 2
    assert all("changing the desired capacity from 2 to 4" in one.cause for one in launches)


def test_an_instance_takes_its_time_to_launch_and_to_boot() -> None:
    calibration = Calibration(launch_seconds=40.0, boot_seconds=100.0)
    group = play("step:from=5,to=36,at=5m,for=30m", calibration=calibration)
    [grown] = [one.at for one in group.capacities if (one.desired, one.in_service) == (4, 2)]
    [served] = [one.at for one in group.capacities if (one.desired, one.in_service) == (4, 4)]
    assert served - grown == 40.0
    relieved = next(one.at for one in group.samples if one.at > served and one.p99 is not None and one.p99 < 0.5)
    # Unhealthy while it boots; from then on two checks must pass, ten seconds apart.
    assert 100.0 <= relieved - served <= 140.0


def test_more_than_the_maximum_can_serve_is_lost_and_told() -> None:
    group = play("step:from=5,to=300,at=1m,for=1h", calibration=Calibration(timeout=2.0))
    assert desired(group)[-1] == 6
    assert group.totals.most == 6
    assert group.totals.timed_out > 0
    # 300 come and six instances serve 120.
    assert group.samples[-1].lost == pytest.approx(0.6, abs=0.02)
    assert group.totals.over_slo > 3000


def test_a_short_line_rejects_what_a_long_one_lets_wait() -> None:
    group = play("step:from=5,to=50,at=1m,for=10m", "none", Calibration(line=10))
    assert group.totals.rejected > 0
    assert group.totals.timed_out == 0
    assert group.totals.p99 is not None
    assert group.totals.p99 < 1.0


def test_what_arrived_is_what_the_trace_has() -> None:
    group = play("daily:base=5,peak=30", MaxSize="20")
    assert group.totals.requests == pytest.approx(shape("daily:base=5,peak=30", 1).requests(0, 86400))
    assert sum(one.load * one.seconds for one in group.samples) == pytest.approx(group.totals.requests)
    assert group.totals.average == pytest.approx(group.totals.instance_hours / 24, rel=0.05)


def test_overload_makes_instances_unhealthy_where_checks_wait_in_the_line() -> None:
    """And the group replaces them, which does not help: AWS's guide warns of it."""
    calm = play("step:from=5,to=60,at=10m,for=1h", "none")
    sick = play("step:from=5,to=60,at=10m,for=1h", "none", Calibration(health_checks_wait=True))
    assert calm.activities == ()
    assert any("ELB system health check failure" in one.cause for one in sick.activities)


def test_a_slow_start_of_the_instance_itself_costs_at_first() -> None:
    cold = Calibration(warm_up_seconds=600.0, warm_up_factor=3.0)
    trace = "step:from=8,to=36,at=5m,for=1h"
    plain, slow = (play(trace, calibration=one, MaxSize="20") for one in (Calibration(), cold))
    assert slow.totals.over_slo > plain.totals.over_slo


def test_a_database_and_a_stack_that_does_not_come_up_say_so() -> None:
    template = WEB.replace("ami-00000000000000a99", "ami-00000000000000000")
    with pytest.raises((SimulationError, LabError), match=r"ami-00000000000000000|does not come up"):
        play("step", template=template)


def test_a_template_that_is_wrong_says_so_with_its_line() -> None:
    with pytest.raises(LabError, match=r"line 4: Resources.Vpc.Properties: AWS::EC2::VPC needs the property CidrBlock"):
        play(
            "step",
            template="Resources:\n  Vpc:\n    Type: AWS::EC2::VPC\n    Properties:\n      EnableDnsSupport: true\n",
        )


# The same, side by side.


def ask(*policies: str, seed: int = 1, parameters: Mapping[str, str] | None = None) -> Question:
    trace = shape("flash-crowd:base=10,peak=60,at=5m,for=1h,noise=0.2", seed)
    return Question(trace, seed, "web", WEB, parameters or {}, policies, Calibration(), None, 1.0)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    first = to_json(answer(ask("stack")))
    assert first == to_json(answer(ask("stack")))
    assert first != to_json(answer(ask("stack", seed=2)))
    json.loads(first)


def test_runs_of_a_comparison_are_those_of_each_policy_alone() -> None:
    both = answer(ask("stack", "none"))
    assert [run.policy for run in both.runs] == ["stack", "none"]
    assert both.runs[1] == answer(ask("none")).runs[0]
    requests = [run.groups[0].totals.requests for run in both.runs]
    assert requests[0] == pytest.approx(requests[1])
    assert both.runs[0].groups[0].totals.instance_hours > both.runs[1].groups[0].totals.instance_hours


def test_a_policy_that_cannot_be_made_says_so_without_lines_of_a_template_nobody_wrote() -> None:
    with pytest.raises(PolicyError, match=r"policy target-tracking:target=0: .*\n.*Target value") as caught:
        answer(ask("target-tracking:target=0"))
    assert "line" not in str(caught.value)
