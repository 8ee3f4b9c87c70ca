"""AWS::ElasticLoadBalancingV2::TargetGroup.

Source: AWS CloudFormation resource reference, Elastic Load Balancing V2.
"""

from typing import Any

from lab.core.elbv2.attributes import TARGET_GROUP as ATTRIBUTES
from lab.core.elbv2.attributes import defaults
from lab.core.elbv2.model import HEALTH_CHECK_DEFAULTS
from lab.stack.context import Call
from lab.stack.resources.base import Attribute, ResourceType, Work, deleted_by, the_id, words
from lab.stack.resources.elbv2 import PAIRS, attribute_changes, service, update_tags
from lab.stack.schema import BOOLEAN, INTEGER, STRING, TAGS, fixed, free, list_of, map_of, need, one_of

PROTOCOLS = "HTTP HTTPS TCP TLS UDP TCP_UDP GENEVE QUIC TCP_QUIC"
_HEALTH_CHECK = " ".join(HEALTH_CHECK_DEFAULTS)


def _create_tg(work: Work) -> str:
    request = {
        "Name": work.properties.get("Name", work.name),
        **work.some(f"Protocol ProtocolVersion Port VpcId TargetType IpAddressType Tags {_HEALTH_CHECK}"),
    }
    arn = str(work.call("elbv2", "CreateTargetGroup", request)["TargetGroups"][0]["TargetGroupArn"])
    _set_tg(work, arn)
    return arn


def _set_tg(work: Work, arn: str) -> None:
    """Attributes and targets: what CreateTargetGroup does not take."""
    changes = attribute_changes(work, "TargetGroupAttributes", defaults(ATTRIBUTES))
    if changes:
        service(work, "ModifyTargetGroupAttributes", TargetGroupArn=arn, Attributes=changes)
    before, after = _targets(work.previous), _targets(work.properties)
    gone = [{"Id": name, "Port": port} for name, port in before if (name, port) not in after]
    added = [target for key, target in after.items() if before.get(key) != target]
    if gone:
        service(work, "DeregisterTargets", TargetGroupArn=arn, Targets=gone)
    if added:
        service(work, "RegisterTargets", TargetGroupArn=arn, Targets=added)


def _targets(properties: dict[str, Any]) -> dict[tuple[str, int], dict[str, Any]]:
    """By what identifies a target: its id and port, which is the group's where none is given."""
    targets = (target | {"Port": target.get("Port", properties["Port"])} for target in properties.get("Targets", []))
    return {(target["Id"], target["Port"]): target for target in targets}


def _update_tg(work: Work) -> None:
    changes = work.changes(_HEALTH_CHECK) | work.resets(HEALTH_CHECK_DEFAULTS)
    if changes:
        service(work, "ModifyTargetGroup", TargetGroupArn=work.physical_id, **changes)
    _set_tg(work, work.physical_id)
    update_tags(work)


def _tg_member(member: str) -> Attribute:
    def read(call: Call, arn: str, _: dict[str, Any]) -> Any:
        return call("elbv2", "DescribeTargetGroups", {"TargetGroupArns": [arn]})["TargetGroups"][0][member]

    return read


def _tg_check(given: dict[str, Any]) -> str | None:
    missing = [name for name in ("Port", "Protocol", "VpcId") if name not in given]
    return f"a target group of instances or addresses needs {' and '.join(missing)}" if missing else None


TARGET_GROUP = ResourceType(
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    {
        "HealthCheckEnabled": free(BOOLEAN),
        "HealthCheckIntervalSeconds": free(INTEGER),
        "HealthCheckPath": free(STRING),
        "HealthCheckPort": free(STRING),
        "HealthCheckProtocol": free(one_of(PROTOCOLS, "HTTP HTTPS")),
        "HealthCheckTimeoutSeconds": free(INTEGER),
        "HealthyThresholdCount": free(INTEGER),
        "IpAddressType": fixed(one_of("ipv4 ipv6", "ipv4")),
        "Matcher": free(map_of({"HttpCode": STRING}, elsewhere="GrpcCode")),
        "Name": fixed(STRING),
        "Port": fixed(INTEGER),
        "Protocol": fixed(one_of(PROTOCOLS, "HTTP HTTPS")),
        "ProtocolVersion": fixed(one_of("HTTP1 HTTP2 GRPC", "HTTP1")),
        "Tags": free(TAGS),
        "TargetGroupAttributes": free(PAIRS),
        "TargetType": fixed(one_of("instance ip lambda alb", "instance ip")),
        "Targets": free(
            list_of(map_of({"AvailabilityZone": STRING, "Id": need(STRING), "Port": INTEGER}, elsewhere="QuicServerId"))
        ),
        "UnhealthyThresholdCount": free(INTEGER),
        "VpcId": fixed(STRING),
    },
    create=_create_tg,
    update=_update_tg,
    delete=deleted_by("elbv2", "DeleteTargetGroup", lambda work: {"TargetGroupArn": work.physical_id}),
    attributes={
        "TargetGroupArn": the_id,
        "TargetGroupName": _tg_member("TargetGroupName"),
        "LoadBalancerArns": _tg_member("LoadBalancerArns"),
        "TargetGroupFullName": lambda call, arn, _: arn.rpartition(":")[2],
    },
    volatile=words("LoadBalancerArns"),
    elsewhere=words("TargetControlPort"),
    check=_tg_check,
    name_limit=32,
)

TYPES = (TARGET_GROUP,)
