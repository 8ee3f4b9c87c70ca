"""Plays a trace against a stack: `run` is one policy from the first second of the trace to the last."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.actions.ec2.launch_templates import version_of
from lab.core.autoscaling.model import Activity, AutoScalingGroup
from lab.core.autoscaling.policy import ScalingPolicy
from lab.core.autoscaling.target_tracking import group_dimensions
from lab.core.cloudwatch.history import reason_of
from lab.core.cloudwatch.model import AlarmHistory, MetricAlarm
from lab.core.ec2.catalogue import INSTANCE_TYPES
from lab.core.ec2.model import LaunchTemplate
from lab.core.errors import LabError
from lab.core.store import Store
from lab.load.trace import Trace
from lab.simulate.built_in import Outlook
from lab.simulate.calibration import Calibration
from lab.simulate.latency import percentile
from lab.simulate.policies import AS_IT_IS, NOTHING, PolicyError, replaced
from lab.simulate.recorder import GroupRecord, Recorder
from lab.simulate.result import Action, Choice, GroupRun, Run, Threshold, Totals, Transition
from lab.simulate.world import BEGIN, EARLY, MINUTE, World
from lab.stack.model import Resource, Stack, StackEvent

SAMPLES = 1500
"""Of a group, at most, whatever the length of the trace."""
STACK = "web"
NO_UPDATES = "No updates are to be performed."
COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class SimulationError(Exception):
    """The stack does not come up; the message says what became of it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`policy` is one of `built_in`, a file, or "stack" for the template's own. `template` is CloudFormation's text; `until`
    seconds of the trace are played; `slo` is in seconds."""

    policy: str
    template: str
    parameters: Mapping[str, str]
    trace: Trace
    calibration: Calibration
    until: float
    slo: float


async def run(scenario: Scenario, progress: Callable[[float], None] = lambda share: None) -> Run:
    """Raises LabError with what is wrong with the template, PolicyError with what is wrong with the policies, SimulationError
    when the stack does not come up. `progress` hears the share that is done, now and then."""
    world = World(scenario.calibration)
    world.lab.deploy(STACK, scenario.template, scenario.parameters)
    await _come_up(world)
    if scenario.policy != AS_IT_IS:
        # One after the other: an update makes the new before it removes the old, and a group has one target tracking policy
        # for a metric.
        for policy in (NOTHING, scenario.policy):
            await _change_policies(world, scenario, policy)
    world.advance(BEGIN, _nothing)
    recorder = Recorder(world, scenario.slo)
    every, end = _sampling(scenario.until), BEGIN + scenario.until
    await world.settle()
    recorder.look()
    while world.now() < end:
        now = world.now()
        until = min(world.next_look(), now // every * every + every, end)
        world.advance(until, lambda start, stop: scenario.trace.requests(start - BEGIN, stop - BEGIN))
        recorder.passed(until - now)
        await world.settle()
        recorder.look()
        if until % every == 0 or until == end:
            recorder.sample()
            progress((until - BEGIN) / scenario.until)
    await world.lab.loop.effects.close()
    return Run(
        scenario.policy, scenario.until, tuple(_group(world.store, one, recorder, scenario) for one in _named(recorder))
    )


async def _come_up(world: World) -> None:
    """The stack complete, every instance in service and answering."""
    latest = BEGIN - EARLY / 2
    await world.settle()
    while not (world.lab.serves() and world.quiet()):
        _raise_failure(world.store)
        if world.now() > latest:
            raise SimulationError(f"the stack does not come up within {EARLY / 2:g} s:{world.lab.picture()}")
        world.advance(world.next_look(), _nothing)
        await world.settle()
    _raise_failure(world.store)


def _raise_failure(store: Store) -> None:
    if all(stack.status in COMPLETE or stack.status.endswith("_IN_PROGRESS") for stack in store.all(Stack)):
        return
    failed = [row for row in store.all(StackEvent) if row.status.endswith("_FAILED")]
    reasons = "\n".join(f"{row.logical_id}: {row.reason}" for row in failed)
    raise SimulationError(f"the stack could not be made:\n{reasons}")


async def _change_policies(world: World, scenario: Scenario, policy: str) -> None:
    """Raises PolicyError with what is wrong with the policies; the template itself is known to be sound."""

    def outlook(logical_id: str) -> Outlook:
        [name] = [row.physical_id for row in world.store.all(Resource) if row.logical_id == logical_id]
        group = world.store.get(AutoScalingGroup, name)
        assert group is not None, f"the stack is complete and has no group {name}"
        bounds = (group.min_size, group.max_size)
        return Outlook(scenario.trace, scenario.calibration, _vcpus(world.store, group), BEGIN, bounds)

    template = replaced(scenario.template, policy, outlook)
    kept = [{"ParameterKey": name, "UsePreviousValue": True} for name in scenario.parameters]
    try:
        world.lab.call("cloudformation", "UpdateStack", StackName=STACK, TemplateBody=template, Parameters=kept)
    except LabError as error:
        if error.message == NO_UPDATES:
            return
        # Lines of the template in its new form say nothing to anybody.
        raise PolicyError(f"policy {policy}: {re.sub('line [0-9]+: ', '', error.message)}") from error
    try:
        await _come_up(world)
    except SimulationError as error:
        raise PolicyError(f"policy {policy}: {error}") from error


def _vcpus(store: Store, group: AutoScalingGroup) -> float:
    template = store.get(LaunchTemplate, group.launch_template_id)
    assert template is not None, f"the stack is complete and group {group.name} has no launch template"
    size: str = version_of(template, group.launch_template_version).data["InstanceType"]
    return INSTANCE_TYPES[size].vcpus


def _nothing(start: float, stop: float) -> float:
    return 0.0


def _sampling(seconds: float) -> float:
    """The length of a sample: ten seconds for traces up to an hour, else whole minutes."""
    if seconds <= 3600.0:
        return 10.0
    return MINUTE * (seconds // (MINUTE * SAMPLES) + 1)


def _named(recorder: Recorder) -> list[GroupRecord]:
    return [record for record in recorder.groups.values() if record.capacities]


def _group(store: Store, record: GroupRecord, recorder: Recorder, scenario: Scenario) -> GroupRun:
    alarms = _alarms(store, record.name)
    transitions = tuple(
        Transition(row.timestamp - BEGIN, row.alarm_name, *_states(row.summary), reason_of(row))
        for row in store.all(AlarmHistory)
        if row.item_type == "StateUpdate" and row.timestamp >= BEGIN and row.alarm_name in alarms
    )
    activities = tuple(
        Action(
            row.start_time - BEGIN, None if row.end_time is None else row.end_time - BEGIN, row.group, row.description,
            row.cause, row.status_code,
        )
        for row in store.where(Activity, "group", record.name)
        if row.start_time >= BEGIN
    )  # fmt: skip
    choices = tuple(
        Choice(row.at - BEGIN, row.group, row.policy, row.alarm, row.current, row.wanted, row.desired, row.reason)
        for row in recorder.decisions
        if row.group == record.name
    )
    totals = _totals(record, scenario.until, len(transitions), len(activities))
    return GroupRun(
        record.name, totals, record.capacities, record.samples, _thresholds(alarms, record.name), transitions, activities,
        choices,
    )  # fmt: skip


def _alarms(store: Store, group: str) -> dict[str, MetricAlarm]:
    """The alarms that invoke the group's policies, by name."""
    policies = {policy.arn for policy in store.all(ScalingPolicy) if policy.group == group}
    return {row.name: row for row in store.all(MetricAlarm) if policies.intersection(row.alarm_actions)}


def _thresholds(alarms: Mapping[str, MetricAlarm], group: str) -> tuple[Threshold, ...]:
    return tuple(
        Threshold(row.name, row.comparison_operator, row.threshold, row.evaluation_periods)
        for row in alarms.values()
        if row.metric is not None
        and row.metric.name == "CPUUtilization"
        and row.metric.dimensions == group_dimensions(group)
    )


def _states(summary: str) -> tuple[str, str]:
    """`Alarm updated from OK to ALARM`."""
    before, _, after = summary.removeprefix("Alarm updated from ").partition(" to ")
    return before, after


def _totals(record: GroupRecord, seconds: float, transitions: int, activities: int) -> Totals:
    requests = record.totals
    return Totals(
        requests=requests.arrived,
        lost=requests.lost / requests.arrived if requests.arrived > 0 else 0.0,
        rejected=requests.rejected,
        timed_out=requests.timed_out,
        unreachable=requests.refused + requests.turned_away,
        p50=percentile(requests.times, 50.0),
        p99=percentile(requests.times, 99.0),
        instance_hours=record.instance_seconds / 3600.0,
        average=record.capacity_seconds / seconds,
        most=max(one.in_service for one in record.capacities),
        over_slo=record.over_slo,
        transitions=transitions,
        activities=activities,
    )
