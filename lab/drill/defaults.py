"""The longest that the same would take by settings: those of the lab's stack, and AWS's defaults (aws-facts §2.1). Pure.

It is the arithmetic that a settings page hides: a check every `interval` seconds, `unhealthy` of them in a row, each given
`timeout` seconds when nothing comes back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.drill.model import Act


@dataclass(frozen=True, slots=True)
class Settings:
    """Of a target group: its health check, and how long it drains; in seconds."""

    interval: float
    timeout: float
    unhealthy: int
    deregistration: float


AWS = Settings(interval=30, timeout=5, unhealthy=2, deregistration=300)


def settings_of(target_group: Mapping[str, Any], attributes: Mapping[str, str]) -> Settings:
    """From DescribeTargetGroups and DescribeTargetGroupAttributes."""
    return Settings(
        interval=target_group["HealthCheckIntervalSeconds"],
        timeout=target_group["HealthCheckTimeoutSeconds"],
        unhealthy=target_group["UnhealthyThresholdCount"],
        deregistration=float(attributes["deregistration_delay.timeout_seconds"]),
    )


def longest(act: Act, by: Settings) -> dict[str, float]:
    """Seconds by name, for what the settings decide. A check may have been just over when it begins: that is one interval."""
    hangs = act.kind == "fault" and act.fault.get("health") == "hang"
    if act.kind == "fault" and act.fault.get("health") in ("fail", "hang"):
        checks = by.interval * by.unhealthy + (by.timeout if hangs else 0.0)
        return {
            "out of rotation": checks,
            "given up, when past its grace period": checks,
            "then drained": by.deregistration,
        }
    if act.kind == "kill" and act.what == "instance":
        return {"out of rotation, if only checks noticed": by.interval * by.unhealthy}
    if act.kind == "capacity":
        return {"drained": by.deregistration}
    return {}
