"""Every metric that the lab measures by itself: its unit, by what it can be asked for, and when there is a datum.

The one table of it. Samplers say what they know of a thing (its facts: dimension names and values) and this file says under
which sets of dimensions a datum is kept; docs/metrics.md shows the table, and a test holds it to this one.

Sources: ec2:viewing_metrics_with_cloudwatch, alb:load-balancer-cloudwatch-metrics, asg:ec2-auto-scaling-metrics,
rds:rds-metrics, r53:monitoring-health-checks (aws-facts §3.10, §5.1, §5.2, §8.6, §9.2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lab.core.cloudwatch.metric import Dimensions, Metric, dimensions

EC2, ELB, GROUPS, RDS = "AWS/EC2", "AWS/ApplicationELB", "AWS/AutoScaling", "AWS/RDS"
ROUTE53 = "AWS/Route53"

Names = tuple[str, ...]

_INSTANCE: tuple[Names, ...] = (("InstanceId",), ("AutoScalingGroupName",), ("ImageId",), ("InstanceType",))
_BALANCER: tuple[Names, ...] = (("LoadBalancer",), ("LoadBalancer", "AvailabilityZone"))
_TARGETS: tuple[Names, ...] = (
    ("LoadBalancer", "TargetGroup"),
    ("LoadBalancer", "AvailabilityZone", "TargetGroup"),
)
_BOTH = (*_BALANCER, *_TARGETS)
_GROUP: tuple[Names, ...] = (("AutoScalingGroupName",),)
_DATABASE: tuple[Names, ...] = (("DBInstanceIdentifier",),)
_CHECK: tuple[Names, ...] = (("HealthCheckId",),)

ALWAYS = "always"
REGISTERED = "while targets are registered"
NONZERO = "when not 0"
MONITORED = "every minute with detailed monitoring, else every 5 minutes"
BASIC = "every 5 minutes, without detailed monitoring"
CHECKED = "of an endpoint that has been tried"
ENABLED = "while enabled by EnableMetricsCollection"
WARM_POOL = "while enabled, and the group has a warm pool"


@dataclass(frozen=True, slots=True)
class Emitted:
    """`dimensions` are the sets by which the metric can be asked for. `statistic` is the one that is meant to be read.
    `when` says when there is a datum each minute. `events`: each thing counted is a datum of 1, so that the sum is their
    number and all others are 1; otherwise a datum is a number that was measured, or how many there were since the last."""

    namespace: str
    name: str
    unit: str
    dimensions: tuple[Names, ...]
    statistic: str
    when: str
    events: bool = False

    @property
    def is_of_targets(self) -> bool:
        """Whether it can be asked for by target group."""
        return any("TargetGroup" in names for names in self.dimensions)

    def metrics(self, facts: Mapping[str, str]) -> Sequence[Metric]:
        """A datum of a thing with these facts belongs to each of them."""
        return _metrics(self.namespace, self.name, *facts.items())

    def metric(self, facts: Mapping[str, str]) -> Metric:
        """The one with all of these dimensions."""
        [metric] = [metric for metric in self.metrics(facts) if len(metric.dimensions) == len(facts)]
        return metric


@lru_cache(maxsize=1 << 16)
def _metrics(namespace: str, name: str, *facts: tuple[str, str]) -> Sequence[Metric]:
    """The same ones are asked for each minute."""
    known = dict(facts)
    return tuple(
        _metric(namespace, name, dimensions({one: known[one] for one in names}))
        for names in BY_NAME[namespace, name].dimensions
        if known.keys() >= set(names)
    )


@lru_cache(maxsize=1 << 16)
def _metric(namespace: str, name: str, pairs: Dimensions) -> Metric:
    """One object for each, whatever facts it is of."""
    return Metric(namespace, name, pairs)


def _instance(name: str, unit: str, statistic: str, when: str) -> Emitted:
    return Emitted(EC2, name, unit, _INSTANCE, statistic, when)


def _counted(name: str, sets: tuple[Names, ...], when: str = NONZERO, unit: str = "Count", *, events: bool) -> Emitted:
    return Emitted(ELB, name, unit, sets, "Sum", when, events)


def _hosts(name: str) -> Emitted:
    return Emitted(ELB, name, "Count", _TARGETS, "Average, Minimum, Maximum", REGISTERED)


CODES = tuple(f"HTTPCode_Target_{digit}XX_Count" for digit in (2, 3, 4, 5))
_ELB_CODES = tuple(f"HTTPCode_ELB_{code}_Count" for code in ("3XX", "4XX", "5XX", "500", "502", "503", "504"))
_OF_REQUESTS = (
    "DesyncMitigationMode_NonCompliant_Request_Count",
    "DroppedInvalidHeaderRequestCount",
    "ForwardedInvalidHeaderRequestCount",
    "HTTP_Fixed_Response_Count",
    "HTTP_Redirect_Count",
    "HTTP_Redirect_Url_Limit_Exceeded_Count",
    "NonStickyRequestCount",
)
GROUP_NAMES = (
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
    "GroupInServiceCapacity",
    "GroupPendingCapacity",
    "GroupStandbyCapacity",
    "GroupTerminatingCapacity",
    "GroupTotalCapacity",
)
WARM_POOL_NAMES = (
    "WarmPoolMinSize",
    "WarmPoolDesiredCapacity",
    "WarmPoolPendingCapacity",
    "WarmPoolTerminatingCapacity",
    "WarmPoolWarmedCapacity",
    "WarmPoolTotalCapacity",
    "GroupAndWarmPoolDesiredCapacity",
    "GroupAndWarmPoolTotalCapacity",
)

TABLE: tuple[Emitted, ...] = (
    _instance("CPUUtilization", "Percent", "Average", MONITORED),
    _instance("NetworkIn", "Bytes", "Average, Sum", MONITORED),
    _instance("NetworkOut", "Bytes", "Average, Sum", MONITORED),
    _instance("NetworkPacketsIn", "Count", "Average, Sum", BASIC),
    _instance("NetworkPacketsOut", "Count", "Average, Sum", BASIC),
    _instance("StatusCheckFailed", "Count", "Maximum", ALWAYS),
    _instance("StatusCheckFailed_Instance", "Count", "Maximum", ALWAYS),
    _instance("StatusCheckFailed_System", "Count", "Maximum", ALWAYS),
    Emitted(ELB, "ActiveConnectionCount", "Count", _BALANCER, "Sum", NONZERO),
    _counted("NewConnectionCount", _BALANCER, events=False),
    _counted("RejectedConnectionCount", _BALANCER, events=False),
    _counted("ClientTLSNegotiationErrorCount", _BALANCER, events=False),
    _counted("ProcessedBytes", _BALANCER, unit="Bytes", events=False),
    _counted("RuleEvaluations", _BALANCER, events=False),
    *(_counted(name, _BALANCER, events=True) for name in (*_ELB_CODES, *_OF_REQUESTS)),
    _counted("RequestCount", _BOTH, REGISTERED, events=True),
    *(_counted(name, _BOTH, REGISTERED, events=True) for name in CODES),
    Emitted(ELB, "TargetResponseTime", "Seconds", _BOTH, "Average, pNN.NN", NONZERO),
    _counted("TargetConnectionErrorCount", _BOTH, events=False),
    _counted("TargetTLSNegotiationErrorCount", _BOTH, events=False),
    _counted("UnhealthyRoutingRequestCount", _TARGETS, events=False),
    Emitted(ELB, "RequestCountPerTarget", "Count", (("TargetGroup",), *_TARGETS), "Sum", REGISTERED),
    _hosts("HealthyHostCount"),
    _hosts("UnHealthyHostCount"),
    _hosts("AnomalousHostCount"),
    _hosts("MitigatedHostCount"),
    *(Emitted(GROUPS, name, "None", _GROUP, "Average", ENABLED) for name in GROUP_NAMES),
    *(Emitted(GROUPS, name, "None", _GROUP, "Average", WARM_POOL) for name in WARM_POOL_NAMES),
    Emitted(RDS, "CPUUtilization", "Percent", _DATABASE, "Average", ALWAYS),
    Emitted(RDS, "DatabaseConnections", "Count", _DATABASE, "Average, Maximum", ALWAYS),
    Emitted(ROUTE53, "HealthCheckStatus", "None", _CHECK, "Minimum", ALWAYS),
    Emitted(ROUTE53, "HealthCheckPercentageHealthy", "Percent", _CHECK, "Average", CHECKED),
)

BY_NAME = {(row.namespace, row.name): row for row in TABLE}
