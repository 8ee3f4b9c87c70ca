"""Every class of row the lab stores. A class that is not here cannot be stored."""

from lab.core.acm import Certificate
from lab.core.arc_zonal_shift import ZonalShift
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.autoscaling.policy import Decision, ScalingPolicy
from lab.core.autoscaling.predictive import Forecast
from lab.core.autoscaling.refreshes import InstanceRefresh
from lab.core.autoscaling.scheduled import ScheduledAction
from lab.core.autoscaling.warm_pool import WarmPool
from lab.core.cloudwatch.model import AlarmHistory, CompositeAlarm, MetricAlarm
from lab.core.ec2.keys import KeyPair
from lab.core.ec2.model import (
    Address,
    Instance,
    InternetGateway,
    LaunchTemplate,
    NatGateway,
    NetworkAcl,
    NetworkFault,
    NetworkInterface,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
)
from lab.core.elbv2.model import (
    Listener,
    ListenerRule,
    LoadBalancer,
    Published,
    Registration,
    TargetGroup,
    TrustStore,
)
from lab.core.rds.model import DBInstance, DBSubnetGroup, Event
from lab.core.route53.model import Change, HealthCheck, HostedZone, ResourceRecordSet
from lab.core.secretsmanager import Secret
from lab.core.store import Row
from lab.stack.model import Resource, Stack, StackEvent

ROWS: tuple[type[Row], ...] = (
    Activity, Address, AlarmHistory, AutoScalingGroup, Certificate, Change, CompositeAlarm, DBInstance,
    DBSubnetGroup, Decision, Event, Forecast, HealthCheck, HostedZone, Instance, InstanceRefresh, InternetGateway,
    KeyPair, LaunchTemplate, Listener, ListenerRule, LoadBalancer, Member, MetricAlarm, NatGateway, NetworkAcl,
    NetworkFault, NetworkInterface, Published, Registration, Resource, ResourceRecordSet, RouteTable, ScalingPolicy,
    ScheduledAction, Secret, SecurityGroup, Stack, StackEvent, Subnet, TargetGroup, TrustStore, Vpc, WarmPool,
    ZonalShift,
)  # fmt: skip
