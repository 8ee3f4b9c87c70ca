"""The table of resource types: one file per service, one row per type."""

from lab.stack.resources import (
    autoscaling,
    cloudwatch,
    ec2,
    ec2_groups,
    ec2_templates,
    elbv2,
    elbv2_listeners,
    elbv2_target_groups,
    rds,
    secretsmanager,
)
from lab.stack.resources.base import ResourceType

_FILES = (
    ec2, ec2_groups, ec2_templates, elbv2, elbv2_target_groups, elbv2_listeners, autoscaling, rds, secretsmanager,
    cloudwatch,
)  # fmt: skip

TYPES: dict[str, ResourceType] = {one.name: one for file in _FILES for one in file.TYPES}
