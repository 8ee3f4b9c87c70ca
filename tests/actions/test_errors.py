"""AWS's error codes, as a table: service, operation, request, code. No error changes a row (`Aws.refusal` checks it).

A value may be the name of a field of `Site` in angle brackets, which stands for that thing's id.
"""

from typing import Any

import pytest

from tests.actions.conftest import Site

NETWORK: list[tuple[str, str, dict[str, Any], str]] = [
    ("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/8"}, "InvalidVpc.Range"),
    ("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/29"}, "InvalidVpc.Range"),
    ("ec2", "CreateVpc", {"CidrBlock": "ten"}, "InvalidParameterValue"),
    ("ec2", "CreateVpc", {}, "MissingParameter"),
    ("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16", "InstanceTenancy": "dedicated"}, "InvalidParameterValue"),
    ("ec2", "DescribeVpcs", {"VpcIds": ["vpc-0"]}, "InvalidVpcID.NotFound"),
    ("ec2", "DescribeVpcs", {"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameterValue"),
    ("ec2", "DeleteVpc", {"VpcId": "vpc-0"}, "InvalidVpcID.NotFound"),
    ("ec2", "DeleteVpc", {"VpcId": "<vpc>"}, "DependencyViolation"),
    ("ec2", "CreateSubnet", {"VpcId": "<vpc>", "CidrBlock": "10.1.0.0/24"}, "InvalidSubnet.Range"),
    ("ec2", "CreateSubnet", {"VpcId": "<vpc>", "CidrBlock": "10.0.1.128/25"}, "InvalidSubnet.Conflict"),
    ("ec2", "CreateSubnet", {"VpcId": "<vpc>", "CidrBlock": "10.0.9.0/24", "AvailabilityZone": "mars-1a"},
     "InvalidParameterValue"),
    ("ec2", "CreateSubnet", {"VpcId": "vpc-0", "CidrBlock": "10.0.9.0/24"}, "InvalidVpcID.NotFound"),
    ("ec2", "DescribeSubnets", {"SubnetIds": ["subnet-0"]}, "InvalidSubnetID.NotFound"),
    ("ec2", "DeleteSubnet", {"SubnetId": "<a>"}, "DependencyViolation"),
    ("ec2", "AttachInternetGateway", {"InternetGatewayId": "<gateway>", "VpcId": "<vpc>"}, "Resource.AlreadyAssociated"),
    ("ec2", "DetachInternetGateway", {"InternetGatewayId": "<gateway>", "VpcId": "vpc-0"}, "Gateway.NotAttached"),
    ("ec2", "DeleteInternetGateway", {"InternetGatewayId": "<gateway>"}, "DependencyViolation"),
    ("ec2", "DeleteInternetGateway", {"InternetGatewayId": "igw-0"}, "InvalidInternetGatewayID.NotFound"),
    ("ec2", "DeleteRouteTable", {"RouteTableId": "rtb-0"}, "InvalidRouteTableID.NotFound"),
    ("ec2", "CreateRoute", {"RouteTableId": "<table>"}, "MissingParameter"),
    ("ec2", "CreateRoute",
     {"RouteTableId": "<table>", "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "<gateway>"}, "RouteAlreadyExists"),
    ("ec2", "CreateRoute",
     {"RouteTableId": "<table>", "DestinationCidrBlock": "all", "GatewayId": "<gateway>"}, "InvalidParameterValue"),
    ("ec2", "DeleteRoute", {"RouteTableId": "<table>", "DestinationCidrBlock": "9.9.9.0/24"}, "InvalidRoute.NotFound"),
    ("ec2", "DisassociateRouteTable", {"AssociationId": "rtbassoc-0"}, "InvalidAssociationID.NotFound"),
    ("ec2", "CreateSecurityGroup", {"GroupName": "web", "Description": "d", "VpcId": "<vpc>"}, "InvalidGroup.Duplicate"),
    ("ec2", "CreateSecurityGroup", {"GroupName": "sg-x", "Description": "d", "VpcId": "<vpc>"}, "InvalidParameterValue"),
    ("ec2", "CreateSecurityGroup", {"GroupName": "x", "Description": "d"}, "MissingParameter"),
    ("ec2", "DeleteSecurityGroup", {"GroupId": "<security_group>"}, "DependencyViolation"),
    ("ec2", "DeleteSecurityGroup", {"GroupId": "sg-0"}, "InvalidGroup.NotFound"),
    ("ec2", "AuthorizeSecurityGroupIngress", {"GroupId": "<security_group>"}, "MissingParameter"),
    ("ec2", "AuthorizeSecurityGroupIngress",
     {"GroupId": "<security_group>", "IpPermissions": [{"IpProtocol": "smoke", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]},
     "InvalidPermission.Malformed"),
    ("ec2", "AuthorizeSecurityGroupEgress",
     {"GroupId": "<security_group>", "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]},
     "InvalidPermission.Duplicate"),
    ("ec2", "RevokeSecurityGroupIngress",
     {"GroupId": "<security_group>", "SecurityGroupRuleIds": ["sgr-0"]}, "InvalidPermission.NotFound"),
    ("ec2", "CreateLaunchTemplate", {"LaunchTemplateName": "web", "LaunchTemplateData": {}},
     "InvalidLaunchTemplateName.AlreadyExistsException"),
    ("ec2", "CreateLaunchTemplate", {"LaunchTemplateName": "a b", "LaunchTemplateData": {}},
     "InvalidLaunchTemplateName.MalformedException"),
    ("ec2", "DeleteLaunchTemplate", {"LaunchTemplateId": "lt-0"}, "InvalidLaunchTemplateId.NotFound"),
    ("ec2", "DeleteLaunchTemplate", {"LaunchTemplateName": "none"}, "InvalidLaunchTemplateName.NotFoundException"),
    ("ec2", "DeleteLaunchTemplate", {}, "InvalidParameterCombination"),
    ("ec2", "DescribeLaunchTemplateVersions", {"LaunchTemplateId": "<template>", "Versions": ["9"]},
     "InvalidLaunchTemplateId.VersionNotFound"),
    ("ec2", "TerminateInstances", {"InstanceIds": ["i-0"]}, "InvalidInstanceID.NotFound"),
    ("ec2", "TerminateInstances", {"InstanceIds": ["<instance>", "i-0"]}, "InvalidInstanceID.NotFound"),
    ("ec2", "DescribeInstances", {"InstanceIds": ["i-0"]}, "InvalidInstanceID.NotFound"),
    ("ec2", "DescribeImages", {"ImageIds": ["ami-0"]}, "InvalidAMIID.NotFound"),
    ("ec2", "CreateTags", {"Resources": ["vpc-0"], "Tags": [{"Key": "a", "Value": "b"}]}, "InvalidID"),
    ("ec2", "CreateTags", {"Resources": ["<vpc>", "x-0"], "Tags": [{"Key": "a", "Value": "b"}]}, "InvalidID"),
    ("ec2", "CreateTags", {"Resources": ["<vpc>"], "Tags": [{"Key": "aws:a", "Value": "b"}]}, "InvalidParameterValue"),
]  # fmt: skip

HTTP = {"Protocol": "HTTP", "Port": 81}
FORWARD = [{"Type": "forward", "TargetGroupArn": "<target_group>"}]
FIXED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
BALANCING: list[tuple[str, str, dict[str, Any], str]] = [
    ("elbv2", "CreateLoadBalancer", {"Name": "-x", "Subnets": ["<a>", "<b>"]}, "ValidationError"),
    ("elbv2", "CreateLoadBalancer", {"Name": "internal-x", "Subnets": ["<a>", "<b>"]}, "ValidationError"),
    ("elbv2", "CreateLoadBalancer", {"Name": "x", "Subnets": ["<a>"]}, "InvalidConfigurationRequest"),
    ("elbv2", "CreateLoadBalancer", {"Name": "x", "Subnets": ["<a>", "<a>"]}, "InvalidConfigurationRequest"),
    ("elbv2", "CreateLoadBalancer", {"Name": "x", "Subnets": ["<a>", "<b>"], "Type": "network"},
     "InvalidConfigurationRequest"),
    ("elbv2", "CreateLoadBalancer", {"Name": "web", "Subnets": ["<a>", "<b>"], "Scheme": "internal"},
     "DuplicateLoadBalancerName"),
    ("elbv2", "DescribeLoadBalancers", {"Names": ["none"]}, "LoadBalancerNotFound"),
    ("elbv2", "DescribeLoadBalancers", {"LoadBalancerArns": ["arn:none"]}, "LoadBalancerNotFound"),
    ("elbv2", "ModifyLoadBalancerAttributes",
     {"LoadBalancerArn": "<balancer>", "Attributes": [{"Key": "colour", "Value": "red"}]}, "InvalidConfigurationRequest"),
    ("elbv2", "ModifyLoadBalancerAttributes",
     {"LoadBalancerArn": "<balancer>", "Attributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "0"}]},
     "InvalidConfigurationRequest"),
    ("elbv2", "ModifyLoadBalancerAttributes",
     {"LoadBalancerArn": "<balancer>", "Attributes": [{"Key": "access_logs.s3.enabled", "Value": "true"}]},
     "InvalidConfigurationRequest"),
    ("elbv2", "CreateTargetGroup", {"Name": "x"}, "ValidationError"),
    ("elbv2", "CreateTargetGroup", {"Name": "web", "Port": 9, "VpcId": "<vpc>"}, "DuplicateTargetGroupName"),
    ("elbv2", "CreateTargetGroup", {"Name": "x", "Port": 0, "VpcId": "<vpc>"}, "ValidationError"),
    ("elbv2", "CreateTargetGroup", {"Name": "x", "Port": 80, "VpcId": "<vpc>", "TargetType": "lambda"},
     "InvalidConfigurationRequest"),
    ("elbv2", "CreateTargetGroup",
     {"Name": "x", "Port": 80, "VpcId": "<vpc>", "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5},
     "ValidationError"),
    ("elbv2", "CreateTargetGroup", {"Name": "x", "Port": 80, "VpcId": "<vpc>", "HealthyThresholdCount": 11},
     "ValidationError"),
    ("elbv2", "CreateTargetGroup", {"Name": "x", "Port": 80, "VpcId": "<vpc>", "HealthCheckPath": "x"}, "ValidationError"),
    ("elbv2", "CreateTargetGroup", {"Name": "x", "Port": 80, "VpcId": "<vpc>", "Matcher": {"HttpCode": "9"}},
     "ValidationError"),
    ("elbv2", "DescribeTargetGroups", {"Names": ["none"]}, "TargetGroupNotFound"),
    ("elbv2", "DeleteTargetGroup", {"TargetGroupArn": "<target_group>"}, "ResourceInUse"),
    ("elbv2", "RegisterTargets", {"TargetGroupArn": "<target_group>", "Targets": [{"Id": "i-0"}]}, "InvalidTarget"),
    ("elbv2", "RegisterTargets", {"TargetGroupArn": "<target_group>", "Targets": [{"Id": "<instance>"}, {"Id": "i-0"}]},
     "InvalidTarget"),
    ("elbv2", "RegisterTargets", {"TargetGroupArn": "arn:none", "Targets": [{"Id": "i-0"}]}, "TargetGroupNotFound"),
    ("elbv2", "CreateListener", {"LoadBalancerArn": "arn:none", **HTTP, "DefaultActions": FORWARD}, "LoadBalancerNotFound"),
    ("elbv2", "CreateListener", {"LoadBalancerArn": "<balancer>", "DefaultActions": FORWARD}, "ValidationError"),
    ("elbv2", "CreateListener", {"LoadBalancerArn": "<balancer>", "Protocol": "HTTP", "Port": 80, "DefaultActions": FIXED},
     "DuplicateListener"),
    ("elbv2", "CreateListener", {"LoadBalancerArn": "<balancer>", **HTTP, "Protocol": "HTTPS", "DefaultActions": FORWARD},
     "ValidationError"),
    ("elbv2", "CreateListener", {"LoadBalancerArn": "<balancer>", **HTTP, "DefaultActions": FORWARD * 2},
     "InvalidLoadBalancerAction"),
    ("elbv2", "CreateListener", {"LoadBalancerArn": "<balancer>", **HTTP, "DefaultActions": [{"Type": "redirect"}]},
     "InvalidLoadBalancerAction"),
    ("elbv2", "CreateListener",
     {"LoadBalancerArn": "<balancer>", **HTTP,
      "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "302"}}]},
     "InvalidLoadBalancerAction"),
    ("elbv2", "CreateListener",
     {"LoadBalancerArn": "<balancer>", **HTTP, "DefaultActions": [{"Type": "forward", "TargetGroupArn": "arn:none"}]},
     "TargetGroupNotFound"),
    ("elbv2", "ModifyListener", {"ListenerArn": "arn:none"}, "ListenerNotFound"),
    ("elbv2", "DeleteListener", {"ListenerArn": "arn:none"}, "ListenerNotFound"),
]  # fmt: skip

ASG = {"AutoScalingGroupName": "web"}
NEW = {"AutoScalingGroupName": "x", "MinSize": 0, "MaxSize": 2, "LaunchTemplate": {"LaunchTemplateId": "<template>"}}
TRACKING = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}, "TargetValue": 50.0}
SCALING: list[tuple[str, str, dict[str, Any], str]] = [
    ("autoscaling", "CreateAutoScalingGroup", {**NEW, **ASG, "VPCZoneIdentifier": "<a>"}, "AlreadyExists"),
    ("autoscaling", "CreateAutoScalingGroup", {**NEW, "AutoScalingGroupName": "a:b", "VPCZoneIdentifier": "<a>"},
     "ValidationError"),
    ("autoscaling", "CreateAutoScalingGroup", NEW, "ValidationError"),
    ("autoscaling", "CreateAutoScalingGroup", {**NEW, "VPCZoneIdentifier": "subnet-0"}, "InvalidSubnetID.NotFound"),
    ("autoscaling", "CreateAutoScalingGroup", {**NEW, "VPCZoneIdentifier": "<a>", "MinSize": 3}, "ValidationError"),
    ("autoscaling", "CreateAutoScalingGroup", {**NEW, "VPCZoneIdentifier": "<a>", "DesiredCapacity": 3}, "ValidationError"),
    ("autoscaling", "CreateAutoScalingGroup", {**NEW, "VPCZoneIdentifier": "<a>", "HealthCheckType": "X"},
     "ValidationError"),
    ("autoscaling", "CreateAutoScalingGroup", {**NEW, "VPCZoneIdentifier": "<a>", "HealthCheckGracePeriod": -1},
     "ValidationError"),
    ("autoscaling", "CreateAutoScalingGroup",
     {**NEW, "VPCZoneIdentifier": "<a>", "TerminationPolicies": ["Default", "OldestInstance"]}, "ValidationError"),
    ("autoscaling", "CreateAutoScalingGroup", {**NEW, "VPCZoneIdentifier": "<a>", "TargetGroupARNs": ["arn:none"]},
     "TargetGroupNotFound"),
    ("autoscaling", "CreateAutoScalingGroup",
     {**NEW, "VPCZoneIdentifier": "<a>", "LaunchTemplate": {"LaunchTemplateId": "<template>", "Version": "7"}},
     "InvalidLaunchTemplateId.VersionNotFound"),
    ("autoscaling", "UpdateAutoScalingGroup", {**ASG, "MinSize": 9}, "ValidationError"),
    ("autoscaling", "UpdateAutoScalingGroup", {"AutoScalingGroupName": "none"}, "ValidationError"),
    ("autoscaling", "SetDesiredCapacity", {**ASG, "DesiredCapacity": 9}, "ValidationError"),
    ("autoscaling", "SetDesiredCapacity", {**ASG, "DesiredCapacity": -1}, "ValidationError"),
    ("autoscaling", "SetInstanceHealth", {"InstanceId": "i-0", "HealthStatus": "Unhealthy"}, "ValidationError"),
    ("autoscaling", "TerminateInstanceInAutoScalingGroup",
     {"InstanceId": "i-0", "ShouldDecrementDesiredCapacity": True}, "ValidationError"),
    ("autoscaling", "DescribeScalingActivities", {"AutoScalingGroupName": "none"}, "ValidationError"),
    ("autoscaling", "DetachLoadBalancerTargetGroups", {**ASG, "TargetGroupARNs": ["arn:none"]}, "ValidationError"),
    ("autoscaling", "PutScalingPolicy", {**ASG, "PolicyName": "x"}, "UnsupportedOperation"),
    ("autoscaling", "PutScalingPolicy", {**ASG, "PolicyName": "x", "PolicyType": "TargetTrackingScaling"},
     "ValidationError"),
    ("autoscaling", "PutScalingPolicy",
     {**ASG, "PolicyName": "x", "PolicyType": "TargetTrackingScaling",
      "TargetTrackingConfiguration": {**TRACKING, "TargetValue": 0.0}}, "ValidationError"),
    ("autoscaling", "DeletePolicy", {**ASG, "PolicyName": "none"}, "ValidationError"),
]  # fmt: skip

ALARM = {
    "AlarmName": "a", "MetricName": "m", "Namespace": "n", "Statistic": "Average", "Period": 60, "EvaluationPeriods": 3,
    "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
}  # fmt: skip
DB = {
    "DBInstanceIdentifier": "x", "DBInstanceClass": "db.t4g.micro", "Engine": "postgres", "MasterUsername": "shop",
    "MasterUserPassword": "secret123", "DBSubnetGroupName": "shop",
}  # fmt: skip
OTHERS: list[tuple[str, str, dict[str, Any], str]] = [
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "Period": 61}, "ValidationError"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "EvaluationPeriods": 1441}, "ValidationError"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "DatapointsToAlarm": 4}, "ValidationError"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "ComparisonOperator": "About"}, "ValidationError"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "TreatMissingData": "maybe"}, "ValidationError"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "Statistic": "Median"}, "ValidationError"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "AlarmActions": ["a"] * 6}, "ValidationError"),
    ("cloudwatch", "PutMetricAlarm", {"AlarmName": "a", "EvaluationPeriods": 1, "ComparisonOperator": "x"},
     "ValidationError"),
    ("cloudwatch", "SetAlarmState", {"AlarmName": "none", "StateValue": "OK", "StateReason": "r"}, "ResourceNotFound"),
    ("cloudwatch", "PutMetricData", {"Namespace": "AWS/EC2", "MetricData": [{"MetricName": "m", "Value": 1.0}]},
     "InvalidParameterValue"),
    ("cloudwatch", "PutMetricData", {"Namespace": "n", "MetricData": [{"MetricName": "m"}]},
     "InvalidParameterCombination"),
    ("rds", "CreateDBSubnetGroup", {"DBSubnetGroupName": "SHOP", "DBSubnetGroupDescription": "d", "SubnetIds": ["<a>"]},
     "DBSubnetGroupAlreadyExists"),
    ("rds", "CreateDBSubnetGroup", {"DBSubnetGroupName": "x", "DBSubnetGroupDescription": "d", "SubnetIds": ["<a>"]},
     "DBSubnetGroupDoesNotCoverEnoughAZs"),
    ("rds", "DeleteDBSubnetGroup", {"DBSubnetGroupName": "shop"}, "InvalidDBSubnetGroupStateFault"),
    ("rds", "DeleteDBSubnetGroup", {"DBSubnetGroupName": "none"}, "DBSubnetGroupNotFoundFault"),
    ("rds", "CreateDBInstance", {**DB, "DBInstanceIdentifier": "SHOP-db"}, "DBInstanceAlreadyExists"),
    ("rds", "CreateDBInstance", {**DB, "DBInstanceIdentifier": "9x"}, "InvalidParameterValue"),
    ("rds", "CreateDBInstance", {**DB, "DBInstanceIdentifier": "a--b"}, "InvalidParameterValue"),
    ("rds", "CreateDBInstance", {**DB, "Engine": "mysql"}, "InvalidParameterValue"),
    ("rds", "CreateDBInstance", {**DB, "EngineVersion": "9.6"}, "InvalidParameterCombination"),
    ("rds", "CreateDBInstance", {**DB, "MasterUserPassword": "p@ssword"}, "InvalidParameterValue"),
    ("rds", "CreateDBInstance", {**DB, "MasterUserPassword": "short"}, "InvalidParameterValue"),
    ("rds", "CreateDBInstance", {**DB, "AvailabilityZone": "us-east-1c"}, "InvalidVPCNetworkStateFault"),
    ("rds", "CreateDBInstance", {**DB, "DBSubnetGroupName": "none"}, "DBSubnetGroupNotFoundFault"),
    ("rds", "CreateDBInstance", {**DB, "MultiAZ": True}, "InvalidParameterCombination"),
    ("rds", "DeleteDBInstance", {"DBInstanceIdentifier": "shop-db"}, "InvalidParameterCombination"),
    ("rds", "DescribeDBInstances", {"DBInstanceIdentifier": "none"}, "DBInstanceNotFound"),
    ("secretsmanager", "CreateSecret", {"Name": "shop"}, "ResourceExistsException"),
    ("secretsmanager", "GetSecretValue", {"SecretId": "none"}, "ResourceNotFoundException"),
    ("secretsmanager", "GetSecretValue", {"SecretId": "shop", "VersionStage": "AWSPENDING"}, "ResourceNotFoundException"),
    ("secretsmanager", "GetRandomPassword", {"PasswordLength": 3}, "InvalidParameterException"),
    # Before any action is found.
    ("ec2", "MakeCoffee", {}, "InvalidAction"),
    ("coffee", "Make", {}, "UnknownService"),
    ("ec2", "RunScheduledInstances", {}, "UnsupportedOperation"),
    ("autoscaling", "SetDesiredCapacity", {"AutoScalingGroupName": "web"}, "ValidationError"),
    ("autoscaling", "SetDesiredCapacity", {**ASG, "DesiredCapacity": "two"}, "ValidationError"),
    ("autoscaling", "SetDesiredCapacity", {**ASG, "DesiredCapacity": 1, "Colour": "red"}, "ValidationError"),
    ("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16", "Ipv4IpamPoolId": "x"}, "UnsupportedOperation"),
    ("elbv2", "CreateLoadBalancer", {"Name": "x", "Subnets": ["<a>", "<b>"], "CustomerOwnedIpv4Pool": "p"},
     "UnsupportedOperation"),
    ("autoscaling", "CreateAutoScalingGroup", {**NEW, "VPCZoneIdentifier": "<a>", "MaxInstanceLifetime": 86400},
     "UnsupportedOperation"),
]  # fmt: skip


def filled(value: Any, site: Site) -> Any:
    match value:
        case dict():
            return {key: filled(inner, site) for key, inner in value.items()}
        case list():
            return [filled(inner, site) for inner in value]
        case str() if value.startswith("<"):
            return getattr(site, value[1:-1])
    return value


@pytest.mark.parametrize(
    ("service", "operation", "request_", "code"),
    [pytest.param(*row, id=f"{row[1]}-{row[3]}") for row in [*NETWORK, *BALANCING, *SCALING, *OTHERS]],
)
def test_codes(site: Site, service: str, operation: str, request_: dict[str, Any], code: str) -> None:
    assert site.aws.refusal(service, operation, **filled(request_, site)) == code
