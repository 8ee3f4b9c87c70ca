"""Makes the forecasts of predictive policies and holds groups to them (aws-facts §4.5).

A forecast is made anew every six hours from the hourly statistics of the group's own metrics. At the beginning of each hour,
or the buffer time before it, a policy that scales raises its group to the hour's capacity; it never lowers it.
"""

import logging
from dataclasses import replace

from lab.actions.autoscaling.decisions import carry_out, record
from lab.control.world import World
from lab.core.autoscaling import causes
from lab.core.autoscaling.available import clamped
from lab.core.autoscaling.model import AutoScalingGroup, Member
from lab.core.autoscaling.policy import ALB_REQUESTS, FORECAST, PREDICTIVE, Decision, Predefined, ScalingPolicy
from lab.core.autoscaling.predictive import (
    DEFAULT_BUFFER,
    HOUR,
    PAIRS,
    Forecast,
    ForecastHour,
    History,
    forecast,
    hour_at,
    hours_before,
    is_due,
    raised_maximum,
)
from lab.core.autoscaling.target_tracking import GROUP_AVERAGES, group_dimensions, target_group_dimensions
from lab.core.autoscaling.wish import instances, number
from lab.core.cloudwatch.metric import Metric
from lab.core.ec2.model import Instance

log = logging.getLogger("lab.control")

MINUTES = 60
BASIC = 12
"""Data of one instance in an hour: with detailed monitoring, and without."""


class PredictiveScaling:
    def __init__(self, world: World) -> None:
        self._world = world

    def look(self, now: float) -> None:
        store = self._world.store
        for policy in store.where(ScalingPolicy, "policy_type", PREDICTIVE):
            group = store.get(AutoScalingGroup, policy.group)
            if group is None or not policy.enabled:
                continue
            with store.transaction():
                known = store.get(Forecast, policy.arn)
                if known is None or is_due(known, now):
                    known = self._forecast(policy, group, known, now)
                    store.put(known)
                    if known.problem:
                        record(store, _decision(policy, group, None, now, self._world.new_id("uuid"), known.problem))
                self._apply(policy, group, known, now)

    # Forecasting.

    def _forecast(self, policy: ScalingPolicy, group: AutoScalingGroup, known: Forecast | None, now: float) -> Forecast:
        metrics = policy.predictive
        assert metrics is not None
        load, scaling = metrics.load, metrics.scaling
        if metrics.pair is not None:
            names = PAIRS[metrics.pair.metric]
            load, scaling = (Predefined(name, metrics.pair.resource_label) for name in names)
        assert load is not None
        assert scaling is not None
        made = forecast(
            self._history(_metric(load, group), 1.0, now),
            self._history(_metric(scaling, group), self._share(scaling, group), now),
            metrics.target_value,
            policy.arn,
            known,
            now,
        )
        log.info("%s: forecast of %s: %s", group.name, policy.name, made.problem or f"{len(made.hours)} hours")
        return made

    def _history(self, metric: Metric, share: float, now: float) -> History:
        """By hour, the sum of the metric times `share`."""
        found = ((start, self._world.metrics.statistics(metric, start, HOUR)) for start in hours_before(now))
        return {start: one.sum * share for start, one in found if one is not None}

    def _share(self, scaling: Predefined, group: AutoScalingGroup) -> float:
        """What makes of an hour's sum over all instances the sum at one moment: one instance's data in an hour, inverted."""
        if scaling.metric == ALB_REQUESTS:
            return 1 / MINUTES
        store = self._world.store
        found = [store.get(Instance, member.instance_id) for member in store.where(Member, "group", group.name)]
        detailed = all(instance is None or instance.monitoring for instance in found)
        return 1 / (MINUTES if detailed else BASIC)

    # Scaling.

    def _apply(self, policy: ScalingPolicy, group: AutoScalingGroup, known: Forecast, now: float) -> None:
        """Once in each hour, from the buffer time before it on. A policy that only forecasts leaves the record."""
        metrics = policy.predictive
        assert metrics is not None
        buffer = DEFAULT_BUFFER if metrics.scheduling_buffer is None else metrics.scheduling_buffer
        hour = hour_at(known.hours, buffer, now)
        if hour is None or hour.start <= known.applied:
            return
        store = self._world.store
        if metrics.scales and metrics.max_capacity_breach == "IncreaseMaxCapacity":
            maximum = raised_maximum(hour.capacity, metrics.max_capacity_buffer or 0, group.max_size)
            if maximum != group.max_size:
                group = replace(group, max_size=maximum)
                store.put(group)
        held = "" if metrics.scales else "the policy only forecasts"
        made = _decision(policy, group, hour, now, self._world.new_id("uuid"), held)
        cause = causes.forecast_reached(now, policy.name, group.desired_capacity, made.desired)
        carry_out(store, group, made, cause)
        store.put(replace(known, applied=hour.start))
        log.info("%s: forecast of %s: %s", group.name, policy.name, made.reason)


def _decision(
    policy: ScalingPolicy, group: AutoScalingGroup, hour: ForecastHour | None, now: float, identity: str, held: str
) -> Decision:
    """The record of an hour, or of there being no forecast. `held` says why nothing can come of it."""
    current = group.desired_capacity
    wanted = current if hour is None else hour.capacity
    desired = current if held else max(current, clamped(wanted, group))
    target = policy.predictive.target_value if policy.predictive else None
    return Decision(
        decision_id=identity,
        group=group.name,
        policy=policy.name,
        alarm="",
        at=now,
        metric_value=None if hour is None else hour.load,
        current=current,
        wanted=wanted,
        desired=desired,
        why=held or _why(group, wanted, desired),
        kind=FORECAST,
        policy_type=policy.policy_type,
        threshold=target,
        arithmetic=""
        if hour is None
        else f"a load of {number(hour.load)} takes {instances(hour.capacity)} at the target",
        minimum=group.min_size,
        maximum=group.max_size,
    )


def _why(group: AutoScalingGroup, wanted: int, desired: int) -> str:
    if wanted < group.desired_capacity:
        return "a forecast only ever adds capacity"
    if desired != wanted:
        return f"capped to {desired} by the group's maximum of {group.max_size}"
    return "that is what there is already" if desired == group.desired_capacity else ""


def _metric(one: Predefined, group: AutoScalingGroup) -> Metric:
    """The metric whose sum stands behind a predefined load or scaling metric."""
    if one.metric.startswith("ALB"):
        return Metric("AWS/ApplicationELB", "RequestCount", target_group_dimensions(one.resource_label))
    name = GROUP_AVERAGES[one.metric.replace("ASGTotal", "ASGAverage")]
    return Metric("AWS/EC2", name, group_dimensions(group.name))
