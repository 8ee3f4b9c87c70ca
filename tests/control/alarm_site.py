"""Alarms over a store that may end the process.

What an action does is a row (an RDS event lends itself): it becomes durable with the alarm, or neither does.
"""

from typing import Any

from lab.actions import dispatch
from lab.adapters.metrics import MetricStore
from lab.control.cloudwatch.alarms import Alarms
from lab.core.cloudwatch.metric import Metric, Statistics
from lab.core.cloudwatch.model import Alarm, AlarmHistory, CompositeAlarm, MetricAlarm
from lab.core.rds.model import Event
from tests.control.lab import CrashingStore, Lab
from tests.core.alarm_rows import NOW, metric_alarm

CPU = Metric("AWS/EC2", "CPUUtilization", ())
POLICY = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:autoScalingGroupName/web:policyName/cpu"
TOPIC = "arn:aws:sns:us-east-1:123456789012:ops"
BUSY, IDLE = 99.0, 1.0


class Watch(MetricStore):
    """Counts how often it is read."""

    reads = 0

    def statistics(self, metric: Metric, start: float, period: int, unit: str = "") -> Statistics | None:
        self.reads += 1
        return super().statistics(metric, start, period, unit)


class Site:
    """Alarms over a store that may end the process. `failure` is what policies answer."""

    def __init__(self, *alarms: Alarm) -> None:
        self.store = CrashingStore()
        self.metrics = Watch(None)
        self.now = NOW
        self.failure = ""
        self.lab = Lab(self.store, self.metrics)
        for alarm in alarms:
            self.store.put(alarm)
        self.restart()

    def restart(self) -> None:
        """`kill -9`, and the control plane started again."""
        self.alarms = Alarms(self.lab.world, self._invoke)

    def _invoke(self, alarm: MetricAlarm, action: str, now: float) -> str:
        value = alarm.recent[-1] if alarm.recent else None
        self.store.put(Event(self.lab.world.new_id("uuid"), alarm.name, action, f"{alarm.state} {value}", now))
        return self.failure

    def turn(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.alarms.evaluate(self.now)

    def minute(self, value: float | None, metric: Metric = CPU) -> None:
        """The rest of the minute with this datum, and the look when it is over."""
        begun = self.now // 60 * 60
        if value is not None:
            self.metrics.put(metric, value, begun + 30)
        self.turn(begun + 60 - self.now)

    def call(self, operation: str, **members: Any) -> None:
        dispatch.call(self.lab.world.context(self.now), "cloudwatch", operation, members)

    def set_state(self, name: str, state: str, **more: Any) -> None:
        self.call("SetAlarmState", AlarmName=name, StateValue=state, StateReason="drill", **more)

    def state(self, name: str = "a") -> str:
        return self.alarm(name).state

    def alarm(self, name: str = "a") -> Alarm:
        found = self.store.get(MetricAlarm, name) or self.store.get(CompositeAlarm, name)
        assert found is not None
        return found

    def invocations(self) -> list[str]:
        return [event.message for event in self.store.all(Event)]

    def history(self, name: str = "a", item_type: str = "") -> list[str]:
        rows = self.store.where(AlarmHistory, "alarm_name", name)
        return [row.summary for row in rows if item_type in ("", row.item_type)]


def scaling(**more: Any) -> MetricAlarm:
    """Invokes a policy in ALARM; above 50 % in one of one minute."""
    return metric_alarm(**{"alarm_actions": (POLICY,), "evaluation_periods": 1, **more})
