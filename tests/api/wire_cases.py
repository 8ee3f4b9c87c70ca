"""Requests and answers of many operations, for the tests of AWS's protocols: service, operation, members."""

from datetime import UTC, datetime
from typing import Any

WHEN = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("autoscaling", "DescribeAutoScalingGroups", {}),
    ("autoscaling", "DescribeMetricCollectionTypes", {}),
    ("autoscaling", "DescribeAutoScalingGroups", {"AutoScalingGroupNames": ["a", "b"], "MaxRecords": 5}),
    (
        "autoscaling",
        "CreateAutoScalingGroup",
        {
            "AutoScalingGroupName": "web",
            "MinSize": 0,
            "MaxSize": 4,
            "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "$Latest"},
            "Tags": [{"Key": "k", "Value": "", "PropagateAtLaunch": True}],
        },
    ),
    (
        "autoscaling",
        "PutScalingPolicy",
        {"PolicyName": "p", "AutoScalingGroupName": "g", "TargetTrackingConfiguration": {"TargetValue": 0.5}},
    ),
    ("elbv2", "CreateTargetGroup", {"Name": "t", "Port": 80, "Matcher": {"HttpCode": "200,301"}}),
    ("elbv2", "RegisterTargets", {"TargetGroupArn": "arn", "Targets": [{"Id": "i-1"}, {"Id": "i-2", "Port": 81}]}),
    ("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16", "TagSpecifications": [{"Tags": [{"Key": "a", "Value": "b"}]}]}),
    ("ec2", "DescribeSubnets", {"Filters": [{"Name": "vpc-id", "Values": ["v", "w"]}], "SubnetIds": ["s"]}),
    ("ec2", "ModifyVpcAttribute", {"VpcId": "v", "EnableDnsSupport": {"Value": False}}),
    (
        "ec2",
        "AuthorizeSecurityGroupIngress",
        {
            "GroupId": "sg-1",
            "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
                {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-2"}]},
            ],
        },
    ),
    (
        "rds",
        "CreateDBSubnetGroup",
        {"DBSubnetGroupName": "n", "DBSubnetGroupDescription": "d", "SubnetIds": ["a", "b"]},
    ),
    (
        "rds",
        "CreateDBInstance",
        {
            "DBInstanceIdentifier": "x",
            "DBInstanceClass": "c",
            "Engine": "postgres",
            "Tags": [{"Key": "k", "Value": "v"}],
        },
    ),
    (
        "cloudformation",
        "CreateStack",
        {"StackName": "s", "Parameters": [{"ParameterKey": "a", "ParameterValue": "é&="}]},
    ),
    ("secretsmanager", "GetSecretValue", {"SecretId": "s"}),
    (
        "cloudwatch",
        "PutMetricData",
        {"Namespace": "N", "MetricData": [{"MetricName": "m", "Value": 0.0, "Timestamp": WHEN}]},
    ),
    (
        "cloudwatch",
        "PutMetricData",
        {
            "Namespace": "N",
            "MetricData": [
                {
                    "MetricName": "m",
                    "Values": [0.5, 2.0],
                    "Counts": [3.0, 1.0],
                    "Unit": "Seconds",
                    "StorageResolution": 1,
                },
                {
                    "MetricName": "m",
                    "Dimensions": [{"Name": "a", "Value": "b"}],
                    "StatisticValues": {"SampleCount": 2.0, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0},
                },
            ],
        },
    ),
    (
        "cloudwatch",
        "GetMetricData",
        {
            "StartTime": WHEN,
            "EndTime": WHEN,
            "MetricDataQueries": [
                {
                    "Id": "a",
                    "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "p99.9"},
                    "ReturnData": False,
                },
                {"Id": "e", "Expression": "a * 2 < 3 && [a] != 'é'"},
            ],
        },
    ),
    ("cloudwatch", "DescribeAlarms", {"AlarmNames": ["a"]}),
    ("sts", "GetCallerIdentity", {}),
    ("elbv2", "ModifyRule", {"RuleArn": "r", "ResetTransforms": True}),
    (
        "elbv2",
        "CreateRule",
        {
            "ListenerArn": "l",
            "Priority": 1,
            "Conditions": [{"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "*"}]}}],
            "Actions": [{"Type": "redirect", "RedirectConfig": {"Path": "/#{path}", "StatusCode": "HTTP_301"}}],
        },
    ),
    (
        "arc-zonal-shift",
        "StartZonalShift",
        {"resourceIdentifier": "arn:aws:lb/x", "awayFrom": "use1-az1", "expiresIn": "1h", "comment": "é"},
    ),
    ("arc-zonal-shift", "UpdateZonalShift", {"zonalShiftId": "id-1", "expiresIn": "5m"}),
    ("arc-zonal-shift", "CancelZonalShift", {"zonalShiftId": "id-1"}),
    ("arc-zonal-shift", "ListZonalShifts", {}),
    ("arc-zonal-shift", "ListZonalShifts", {"status": "ACTIVE", "maxResults": 5, "resourceIdentifier": "arn:a/b c&d"}),
    (
        "acm",
        "ImportCertificate",
        {"Certificate": b"-----BEGIN \xff", "PrivateKey": b"k", "Tags": [{"Key": "a", "Value": "b"}]},
    ),
    ("acm", "RequestCertificate", {"DomainName": "shop.lab.local", "SubjectAlternativeNames": ["*.lab.local"]}),
    ("arc-zonal-shift", "GetManagedResource", {"resourceIdentifier": "arn:aws:x:loadbalancer/app/web/1%20é"}),
    ("route53", "ListHostedZones", {}),
    ("route53", "ListHostedZonesByName", {"DNSName": "a.b", "MaxItems": "7"}),
    ("route53", "GetHostedZone", {"Id": "Z1"}),
    (
        "route53",
        "ChangeResourceRecordSets",
        {
            "HostedZoneId": "Z1",
            "ChangeBatch": {
                "Comment": "<&>",
                "Changes": [
                    {
                        "Action": "UPSERT",
                        "ResourceRecordSet": {
                            "Name": "a.b.",
                            "Type": "TXT",
                            "SetIdentifier": "é",
                            "Weight": 0,
                            "TTL": 60,
                            "ResourceRecords": [{"Value": '"x"'}, {"Value": '"y"'}],
                        },
                    },
                    {
                        "Action": "CREATE",
                        "ResourceRecordSet": {
                            "Name": "b.",
                            "Type": "A",
                            "AliasTarget": {"HostedZoneId": "Z2", "DNSName": "c.", "EvaluateTargetHealth": False},
                        },
                    },
                ],
            },
        },
    ),
    (
        "route53",
        "CreateHealthCheck",
        {
            "CallerReference": "r",
            "HealthCheckConfig": {"Type": "CALCULATED", "Inverted": True, "ChildHealthChecks": ["a", "b"]},
        },
    ),
    (
        "route53",
        "ChangeTagsForResource",
        {"ResourceType": "hostedzone", "ResourceId": "Z", "RemoveTagKeys": ["a", "b"]},
    ),
]

ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "autoscaling",
        "DescribeAutoScalingGroups",
        {"AutoScalingGroups": [{"AutoScalingGroupName": "g", "MinSize": 0, "CreatedTime": WHEN, "Instances": []}]},
    ),
    ("autoscaling", "SetDesiredCapacity", {}),
    (
        "elbv2",
        "DescribeTargetHealth",
        {"TargetHealthDescriptions": [{"Target": {"Id": "i", "Port": 80}, "TargetHealth": {"State": "healthy"}}]},
    ),
    ("ec2", "DescribeVpcs", {"Vpcs": [{"VpcId": "v", "IsDefault": False, "Tags": [{"Key": "a", "Value": "<&>"}]}]}),
    (
        "rds",
        "DescribeDBInstances",
        {"DBInstances": [{"DBInstanceIdentifier": "x", "Endpoint": {"Address": "h", "Port": 5432}}]},
    ),
    (
        "cloudformation",
        "DescribeStacks",
        {"Stacks": [{"StackName": "s", "CreationTime": WHEN, "StackStatus": "CREATE_COMPLETE"}]},
    ),
    ("secretsmanager", "GetSecretValue", {"ARN": "a", "Name": "n", "SecretString": "é", "CreatedDate": WHEN}),
    ("cloudwatch", "GetMetricStatistics", {"Label": "l", "Datapoints": [{"Timestamp": WHEN, "Average": 0.0}]}),
    (
        "cloudwatch",
        "GetMetricStatistics",
        {"Label": "l", "Datapoints": [{"Timestamp": WHEN, "Unit": "None", "ExtendedStatistics": {"p99.9": 1.5}}]},
    ),
    (
        "cloudwatch",
        "GetMetricData",
        {
            "MetricDataResults": [
                {
                    "Id": "a",
                    "Label": "l",
                    "Timestamps": [WHEN],
                    "Values": [-0.5],
                    "StatusCode": "PartialData",
                    "Messages": [{"Code": "MultipleUnits", "Value": "v"}],
                }
            ],
            "Messages": [],
            "NextToken": "t=",
        },
    ),
    ("acm", "DescribeCertificate", {"Certificate": {"CertificateArn": "arn", "Status": "ISSUED", "NotAfter": WHEN}}),
    ("sts", "GetCallerIdentity", {"Account": "1", "UserId": "1", "Arn": "a"}),
    (
        "arc-zonal-shift",
        "ListZonalShifts",
        {"items": [{"zonalShiftId": "i", "expiryTime": WHEN, "status": "ACTIVE", "comment": "é"}]},
    ),
    ("arc-zonal-shift", "ListManagedResources", {"items": [{"arn": "a", "appliedWeights": {"us-east-1a": 0.0}}]}),
    (
        "route53",
        "ListHostedZones",
        {
            "HostedZones": [{"Id": "/hostedzone/Z1", "Name": "é<&>.", "Config": {"PrivateZone": False}}],
            "IsTruncated": True,
            "Marker": "",
        },
    ),
    (
        "route53",
        "CreateHostedZone",
        {
            "ChangeInfo": {"Id": "/change/C1", "Status": "PENDING", "SubmittedAt": WHEN},
            "DelegationSet": {"NameServers": ["a", "b"]},
            "Location": "https://x/hostedzone/Z1",
        },
    ),
    ("route53", "CreateHealthCheck", {"HealthCheck": {"Id": "h", "HealthCheckVersion": 3}, "Location": "https://x"}),
]
