"""What an alarm can do: ARNs of actions by kind (bc:cloudwatch.PutMetricAlarm, .PutCompositeAlarm; cw:alarm-actions).

The lab carries out scaling policies. The others are AWS's too: they are accepted, and each time one would be invoked the
alarm's history says that the lab did not.
"""

import re
from dataclasses import dataclass

_WHERE = r"(?P<region>[a-z0-9-]+):(?P<account>\d{12})"


@dataclass(frozen=True, slots=True)
class Kind:
    """`composite`: whether composite alarms may have it."""

    name: str
    pattern: str
    composite: bool = True


SCALING_POLICY = Kind("Auto Scaling policy", rf"arn:aws:autoscaling:{_WHERE}:scalingPolicy:.+", composite=False)
KINDS = (
    SCALING_POLICY,
    Kind("Amazon SNS topic", rf"arn:aws:sns:{_WHERE}:[A-Za-z0-9_.-]+"),
    Kind("Lambda function", rf"arn:aws:lambda:{_WHERE}:function:[A-Za-z0-9_:$-]+"),
    Kind("EC2 action", r"arn:aws:automate:(?P<region>[a-z0-9-]+):ec2:(stop|terminate|reboot|recover)", composite=False),
    Kind("EC2 action", rf"arn:aws:swf:{_WHERE}:action/actions/AWS_EC2\.InstanceId\.\w+/1\.0", composite=False),
    Kind("Systems Manager OpsItem", rf"arn:aws:ssm:{_WHERE}:opsitem:.+"),
    Kind("Incident Manager response plan", r"arn:aws:ssm-incidents::\d{12}:response-?plan/.+"),
    Kind("CloudWatch investigation", rf"arn:aws:aiops:{_WHERE}:investigation-group/.+"),
)


def kind_of(arn: str) -> Kind | None:
    """None when AWS has no action of such an ARN."""
    return next((kind for kind in KINDS if re.fullmatch(kind.pattern, arn)), None)


def region_of(arn: str) -> str:
    """The region in the ARN, empty where it has none."""
    return arn.split(":")[3]


def is_scaling(arn: str) -> bool:
    return re.fullmatch(SCALING_POLICY.pattern, arn) is not None


def not_executed(arn: str) -> str:
    """Why the lab did not carry out an action that is no scaling policy."""
    kind = kind_of(arn)
    return f"the lab has no {kind.name if kind else 'such action'}; nothing was done"
