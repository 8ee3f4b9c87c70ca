"""The table of resource types: one file per service, one row per type."""

from lab.stack.resources import (
    acm,
    autoscaling_groups,
    autoscaling_hooks,
    autoscaling_policies,
    autoscaling_scheduled,
    autoscaling_warm_pools,
    cloudwatch,
    ec2,
    ec2_acls,
    ec2_addresses,
    ec2_groups,
    ec2_instances,
    ec2_keys,
    ec2_templates,
    elbv2,
    elbv2_listeners,
    elbv2_target_groups,
    elbv2_tls,
    rds,
    route53,
    route53_records,
    secretsmanager,
)
from lab.stack.resources.base import ResourceType

_FILES = (
    ec2, ec2_acls, ec2_addresses, ec2_groups, ec2_instances, ec2_keys, ec2_templates, acm, elbv2, elbv2_target_groups,
    elbv2_listeners, elbv2_tls, autoscaling_groups, autoscaling_hooks, autoscaling_policies, autoscaling_scheduled,
    autoscaling_warm_pools, rds, secretsmanager, cloudwatch, route53, route53_records,
)  # fmt: skip

TYPES: dict[str, ResourceType] = {one.name: one for file in _FILES for one in file.TYPES}
