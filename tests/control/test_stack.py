"""stacks/web.yaml from nothing to a lab that serves, and back to nothing."""

import pytest

from lab.core.autoscaling.model import Activity
from lab.core.cloudwatch.model import AlarmHistory, CompositeAlarm, MetricAlarm
from lab.core.compute import Role
from lab.core.elbv2.model import LoadBalancer, Registration
from lab.core.rds.model import Event
from lab.rows import ROWS
from lab.stack.model import Resource, Stack, StackEvent
from tests.control.lab import Lab

STAYS = {Activity, AlarmHistory, Event, Resource, Stack, StackEvent}
"""What a deleted stack leaves behind: its history."""


async def test_the_stack_comes_up(lab: Lab) -> None:
    assert [stack.status for stack in lab.store.all(Stack)] == ["CREATE_COMPLETE"]
    assert sorted(await lab.running(Role.INSTANCE)) == sorted(lab.members)
    assert len(await lab.running(Role.NODE)) == 2
    assert len(await lab.running(Role.DATABASE)) == 1


async def test_each_machine_is_launched_once(lab: Lab) -> None:
    assert len(lab.compute.launched) == len(set(lab.compute.launched)) == 5
    assert lab.compute.terminated == []


async def test_instances_are_spread_over_the_zones_and_registered(lab: Lab) -> None:
    assert sorted(found.zone for name in lab.members if (found := lab.member(name))) == ["us-east-1a", "us-east-1b"]
    assert sorted(row.target_id for row in lab.store.all(Registration)) == sorted(lab.members)


async def test_first_launches_name_the_user_request_and_the_difference(lab: Lab) -> None:
    name = lab.group.name
    assert [activity.description for activity in lab.launches()] == [
        f"Launching a new EC2 instance: {instance_id}" for instance_id in lab.members
    ]
    for number, activity in enumerate(lab.launches()):
        first, second = activity.cause.split("  ")
        assert first.partition("Z ")[2] == (
            "a user request created an AutoScalingGroup changing the desired capacity from 0 to 2."
        )
        assert second.partition("Z ")[2] == (
            "an instance was started in response to a difference between desired and actual capacity, "
            f"increasing the capacity from {number} to {number + 1}."
        )
        assert (activity.group, activity.status_code, activity.progress) == (name, "Successful", 100)


async def test_the_load_balancer_is_active_once_every_node_has_a_document(lab: Lab) -> None:
    [balancer] = lab.store.all(LoadBalancer)
    assert balancer.state == "active"
    lab.silent.add(balancer.nodes[0].node_id)
    await lab.run(20)
    [balancer] = lab.store.all(LoadBalancer)
    assert (balancer.state, balancer.state_reason) == ("active_impaired", "a node does not report")
    lab.silent.clear()
    await lab.run(20)
    assert [row.state for row in lab.store.all(LoadBalancer)] == ["active"]


async def test_a_quiet_lab_does_nothing(lab: Lab) -> None:
    before = (list(lab.compute.launched), list(lab.activities()), lab.store.all(Registration))
    await lab.run(1800)
    assert (lab.compute.launched, lab.activities(), lab.store.all(Registration)) == before
    assert lab.compute.terminated == []


async def test_a_deleted_stack_leaves_its_history_and_nothing_else(lab: Lab) -> None:
    lab.call("cloudformation", "DeleteStack", StackName="web")
    await lab.until(lambda: lab.store.all(Stack)[0].status == "DELETE_COMPLETE", 1200)
    await lab.run(7300)  # terminated instances stay listed for an hour
    left = {kind.__name__: lab.store.all(kind) for kind in ROWS if kind not in STAYS and lab.store.all(kind)}
    assert left == {}
    assert await lab.compute.machines() == []


@pytest.mark.parametrize("seconds", [0, 5, 10, 20])
async def test_a_stack_deleted_while_it_is_made_leaves_no_machine(seconds: int) -> None:
    lab = Lab()
    lab.create_stack()
    await lab.run(seconds)
    lab.call("cloudformation", "DeleteStack", StackName="web")
    await lab.until(lambda: lab.store.all(Stack)[0].status == "DELETE_COMPLETE", 1200)
    await lab.run(7300)
    assert {kind.__name__ for kind in ROWS if lab.store.all(kind)} <= {kind.__name__ for kind in STAYS}
    assert await lab.compute.machines() == []


async def test_an_update_of_the_sizes_reaches_the_group(lab: Lab) -> None:
    lab.call(
        "cloudformation",
        "UpdateStack",
        StackName="web",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "MinSize", "ParameterValue": "3"},
            {"ParameterKey": "DesiredCapacity", "ParameterValue": "3"},
        ],
    )
    await lab.until(lambda: lab.store.all(Stack)[0].status == "UPDATE_COMPLETE")
    await lab.until(lab.settled)
    assert (lab.group.min_size, len(lab.members)) == (3, 3)


ALARMS = """
Resources:
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties:
      ComparisonOperator: GreaterThanThreshold
      EvaluationPeriods: 1
      Threshold: 5
      Metrics:
        - {Id: rate, Expression: 100 * errors / requests}
        - Id: errors
          MetricStat: {Metric: {Namespace: shop, MetricName: Errors}, Period: 60, Stat: Sum}
          ReturnData: false
        - Id: requests
          MetricStat: {Metric: {Namespace: shop, MetricName: Requests}, Period: 60, Stat: Sum}
          ReturnData: false
  Works:
    Type: AWS::CloudWatch::Alarm
    Properties:
      {ComparisonOperator: GreaterThanThreshold, EvaluationPeriods: 1, Threshold: 0, Namespace: shop, MetricName: Works,
       ExtendedStatistic: p50, Period: 60, TreatMissingData: notBreaching}
  Page:
    Type: AWS::CloudWatch::CompositeAlarm
    Properties:
      AlarmRule: !Sub ALARM("${Errors}")
      ActionsSuppressor: !Ref Works
      ActionsSuppressorWaitPeriod: 60
      ActionsSuppressorExtensionPeriod: 60
      AlarmActions: [!Sub "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:ops"]
Outputs:
  Page: {Value: !GetAtt Page.Arn}
"""


async def test_alarms_of_every_kind_come_from_a_stack_work_and_go_with_it() -> None:
    lab = Lab()
    lab.deploy("alarms", ALARMS, {})
    await lab.until(lambda: lab.store.all(Stack)[0].status == "CREATE_COMPLETE")
    [page] = lab.store.all(CompositeAlarm)
    [stack] = lab.call("cloudformation", "DescribeStacks", StackName="alarms")["Stacks"]
    assert stack["Outputs"][0]["OutputValue"] == page.arn
    for metric, value in (("Errors", 1.0), ("Requests", 10.0)):
        data = [{"MetricName": metric, "Value": value}]
        lab.call("cloudwatch", "PutMetricData", Namespace="shop", MetricData=data)
    await lab.until(lambda: lab.store.all(CompositeAlarm)[0].state == "ALARM", 120)
    await lab.until(lambda: lab.store.where(AlarmHistory, "item_type", "Action"), 120)
    changed = ALARMS.replace('ALARM("${Errors}")', 'NOT ALARM("${Errors}")')
    lab.call("cloudformation", "UpdateStack", StackName="alarms", TemplateBody=changed)
    await lab.until(lambda: lab.store.all(CompositeAlarm)[0].rule.startswith("NOT"))
    lab.call("cloudformation", "DeleteStack", StackName="alarms")
    await lab.until(lambda: lab.store.all(Stack)[0].status == "DELETE_COMPLETE")
    assert lab.store.all(MetricAlarm) == []
    assert lab.store.all(CompositeAlarm) == []
