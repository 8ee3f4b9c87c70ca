"""Policies in the place of a stack's own: what is taken out of a template, what comes in, and what is wrong with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from lab.load.shapes import shape
from lab.simulate.built_in import BUILT_IN, Outlook
from lab.simulate.calibration import Calibration
from lab.simulate.policies import PolicyError, as_json, names, references, replaced
from lab.stack.document import read

WEB = (Path(__file__).parents[2] / "stacks" / "web.yaml").read_text()
TWO_GROUPS = """
Resources:
  One: { Type: AWS::AutoScaling::AutoScalingGroup }
  Two: { Type: AWS::AutoScaling::AutoScalingGroup }
  Out:
    Type: AWS::AutoScaling::ScalingPolicy
    Properties: { AutoScalingGroupName: !Ref One }
  Busy:
    Type: AWS::CloudWatch::Alarm
    Properties: { AlarmActions: [!Ref Out], Namespace: AWS/EC2 }
  Other:
    Type: AWS::CloudWatch::Alarm
    Properties: { Namespace: AWS/EC2 }
  Night: { Type: AWS::AutoScaling::ScheduledAction, Properties: { AutoScalingGroupName: !Ref Two } }
Outputs:
  Policy: { Value: !Sub "${Out}, that is" }
  Alarm: { Value: !GetAtt Busy.Arn }
  Group: { Value: !Ref One }
"""


def outlook(_: str = "", trace: str = "step:from=18,to=65,at=1h,for=3h", bounds: tuple[int, int] = (2, 6)) -> Outlook:
    return Outlook(shape(trace, 1), Calibration(), 0.5, 1_767_571_200.0, bounds)


def made(policy: str, template: str = TWO_GROUPS) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(replaced(template, policy, outlook))
    return body


def test_policies_schedules_and_the_alarms_that_invoke_them_go_and_nothing_else() -> None:
    body = made("none")
    assert set(body["Resources"]) == {"One", "Two", "Other"}
    assert set(body["Outputs"]) == {"Group"}


def test_the_shipped_stack_is_itself_but_for_its_policy() -> None:
    before, after = as_json(read(WEB)[0]), made("none", WEB)
    removed = set(before["Resources"]) - set(after["Resources"])
    assert removed == {"CpuPolicy"}
    assert all(after["Resources"][name] == before["Resources"][name] for name in after["Resources"])
    assert (after["Parameters"], after["Outputs"]) == (before["Parameters"], before["Outputs"])


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_set_is_for_every_group_and_refers_to_its_own(name: str) -> None:
    body = made(name)["Resources"]
    added = {key: row for key, row in body.items() if key not in ("One", "Two", "Other")}
    ones, twos = ({key for key in added if key.startswith(group)} for group in ("One", "Two"))
    assert len(ones) == len(twos)
    assert ones | twos == set(added)
    for key, row in added.items():
        group = key[:3]
        for reference in references(row["Properties"]):
            assert reference in body
            assert reference.startswith(group)


def test_target_tracking_and_its_target() -> None:
    properties = made("target-tracking:target=35")["Resources"]["OneCpu"]["Properties"]
    assert properties["TargetTrackingConfiguration"]["TargetValue"] == 35


def test_step_is_the_example_of_awss_guide() -> None:
    """asg:as-scaling-simple-step"""
    body = made("step:high=60,low=40")["Resources"]
    assert body["OneOut"]["Properties"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 10},
        {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 30},
    ]
    high = body["OneHigh"]["Properties"]
    assert (high["Threshold"], high["ComparisonOperator"]) == (60, "GreaterThanOrEqualToThreshold")
    assert high["AlarmActions"] == [{"Ref": "OneOut"}]
    assert body["OneLow"]["Properties"]["AlarmActions"] == [{"Ref": "OneIn"}]


def test_a_schedule_is_what_the_trace_needs_early_upwards_and_in_time_downwards() -> None:
    trace = "spike:base=15,peak=45,at=2h,width=30m,for=4h"
    plan = json.loads(replaced(TWO_GROUPS, "scheduled", lambda _: outlook(trace=trace)))["Resources"]
    actions = [plan[f"OnePlan{number}"]["Properties"] for number in range(3)]
    # 10 requests per second an instance at half of what it can do; before the spike at 2:00, and after the hour it is in.
    assert [(one["StartTime"], one["DesiredCapacity"]) for one in actions] == [
        ("2026-01-05T00:01:00Z", 2),
        ("2026-01-05T00:55:00Z", 5),
        ("2026-01-05T03:00:00Z", 2),
    ]
    assert "OnePlan3" not in plan


def test_a_schedule_keeps_to_the_groups_sizes() -> None:
    trace = "spike:base=15,peak=45,at=2h,width=30m,for=4h"
    plan = json.loads(replaced(TWO_GROUPS, "scheduled", lambda _: outlook(trace=trace, bounds=(3, 4))))["Resources"]
    assert [plan[f"OnePlan{number}"]["Properties"]["DesiredCapacity"] for number in range(2)] == [3, 4]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("stack", ["stack"]),
        ("target-tracking,step,simple", ["target-tracking", "step", "simple"]),
        (
            "step:high=70,low=30,target-tracking:target=40,none",
            ["step:high=70,low=30", "target-tracking:target=40", "none"],
        ),
        ("mine.yaml,,stack", ["mine.yaml", "stack"]),
    ],
)
def test_names_of_policies(text: str, found: list[str]) -> None:
    assert names(text) == found


# Files.

MINE = """
Out:
  Type: AWS::AutoScaling::ScalingPolicy
  Properties: { PolicyType: SimpleScaling, AdjustmentType: ChangeInCapacity, ScalingAdjustment: 2 }
Busy:
  Type: AWS::CloudWatch::Alarm
  Properties: { AlarmActions: [!Ref Out] }
"""
ONE_GROUP = "Resources: { Web: { Type: AWS::AutoScaling::AutoScalingGroup } }"


@pytest.mark.parametrize("text", [MINE, "Resources:" + MINE.replace("\n", "\n  ")])
def test_a_file_of_resources_bare_or_as_a_template(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    body = made(str(file), ONE_GROUP)["Resources"]
    assert set(body) == {"Web", "Out", "Busy"}
    assert body["Out"]["Properties"]["AutoScalingGroupName"] == {"Ref": "Web"}, "there is one group only"
    assert body["Busy"]["Properties"] == {"AlarmActions": [{"Ref": "Out"}]}


@pytest.mark.parametrize(
    ("text", "template", "said"),
    [
        (
            "Out: {Type: AWS::EC2::Instance}",
            ONE_GROUP,
            "Out must be a resource with a Type, one of AWS::AutoScaling::Sc",
        ),
        ("Out: 5", ONE_GROUP, "Out must be a resource with a Type"),
        (
            "Out: {Type: AWS::AutoScaling::ScalingPolicy}",
            TWO_GROUPS,
            "Out needs AutoScalingGroupName; the stack has One, Two",
        ),
        ("Web: {Type: AWS::AutoScaling::ScalingPolicy}", ONE_GROUP, "the stack has Web already"),
        ("Out: {Type: !Wrong x}", ONE_GROUP, "mine.yaml: line 1: Out.Type: there is no function !Wrong"),
        ("Out: {Type: AWS::AutoScaling::ScalingPolicy}", "Resources: {}", "no AWS::AutoScaling::AutoScalingGroup"),
    ],
)
def test_what_is_wrong_with_a_file(text: str, template: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(PolicyError, match=said):
        made(str(file), template)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (
            "steps",
            "there is no policy 'steps'.*name one of stack, target-tracking, step, simple, scheduled, none, or a file",
        ),
        ("step:up=3", "policy step has no 'up'; it takes small, large, high, low"),
        ("simple:add=many", "add must be a number"),
    ],
)
def test_what_is_wrong_with_a_name(policy: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        made(policy)
