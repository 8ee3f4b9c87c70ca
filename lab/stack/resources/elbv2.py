"""AWS::ElasticLoadBalancingV2: load balancers, target groups, listeners.

Source: AWS CloudFormation resource reference, Elastic Load Balancing V2. Defaults that an attribute goes back to when a
template no longer sets it: ELB user guide, "Load balancer attributes" and "Target group attributes".
"""

from collections.abc import Mapping
from typing import Any

from lab.stack.context import Call
from lab.stack.resources.base import (
    DONE,
    WAITING,
    Attribute,
    Progress,
    ResourceType,
    Work,
    deleted_by,
    retag,
    the_id,
    words,
)  # fmt: skip
from lab.stack.schema import (
    BOOLEAN,
    INTEGER,
    STRING,
    TAGS,
    Shape,
    fixed,
    free,
    list_of,
    map_of,
    need,
    one_of,
)  # fmt: skip

_PAIRS = list_of(map_of({"Key": STRING, "Value": STRING}))
_LB_DEFAULTS = {
    "idle_timeout.timeout_seconds": "60",
    "client_keep_alive.seconds": "3600",
    "routing.http2.enabled": "true",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "deletion_protection.enabled": "false",
    "access_logs.s3.enabled": "false",
    "connection_logs.s3.enabled": "false",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
_TG_DEFAULTS = {
    "deregistration_delay.timeout_seconds": "300",
    "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
}


def _service(work: Work, operation: str, **request: Any) -> dict[str, Any]:
    return work.call("elbv2", operation, request)


def _update_tags(work: Work) -> None:
    arns = [work.physical_id]

    def put(tags: list[dict[str, Any]]) -> None:
        _service(work, "AddTags", ResourceArns=arns, Tags=tags)

    def take(keys: list[str]) -> None:
        _service(work, "RemoveTags", ResourceArns=arns, TagKeys=keys)

    retag(work, put, take)


def _attribute_changes(old: Any, new: Any, defaults: Mapping[str, str]) -> list[dict[str, str]]:
    """Pairs to set so that attributes go from `old` to `new`; what is no longer set goes back to AWS's default."""
    before = {pair["Key"]: pair.get("Value", "") for pair in old or []}
    after = {pair["Key"]: pair.get("Value", "") for pair in new or []}
    fallen = {key: defaults[key] for key in before if key not in after and key in defaults}
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    return [{"Key": key, "Value": value} for key, value in (changed | fallen).items()]


# ── load balancer ─────────────────────────────────────────────────────────────────────────────────────────────────


def _create_lb(work: Work) -> str:
    request = {
        "Name": work.properties.get("Name", work.name),
        "Type": "application",
        **work.some("Subnets SecurityGroups Scheme IpAddressType Tags"),
    }
    arn = str(work.call("elbv2", "CreateLoadBalancer", request)["LoadBalancers"][0]["LoadBalancerArn"])
    _set_lb_attributes(work, arn)
    return arn


def _set_lb_attributes(work: Work, arn: str) -> None:
    old, new = (one.get("LoadBalancerAttributes") for one in (work.previous, work.properties))
    changes = _attribute_changes(old, new, _LB_DEFAULTS)
    if changes:
        _service(work, "ModifyLoadBalancerAttributes", LoadBalancerArn=arn, Attributes=changes)


def _update_lb(work: Work) -> None:
    for name, operation in (("Subnets", "SetSubnets"), ("SecurityGroups", "SetSecurityGroups")):
        if name in work.changed:
            _service(work, operation, LoadBalancerArn=work.physical_id, **{name: work.properties.get(name, [])})
    _set_lb_attributes(work, work.physical_id)
    _update_tags(work)


def _lb(call: Call, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = call("elbv2", "DescribeLoadBalancers", {"LoadBalancerArns": [arn]})["LoadBalancers"][0]
    return found


def _lb_stable(work: Work) -> Progress:
    state = _lb(work.call, work.physical_id)["State"]
    if state["Code"] == "failed":
        return Progress("failed", str(state.get("Reason", "the load balancer failed to start")))
    return DONE if state["Code"] in ("active", "active_impaired") else WAITING


def _lb_member(member: str) -> Attribute:
    return lambda call, arn, _: _lb(call, arn)[member]


LOAD_BALANCER = ResourceType(
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    {
        "IpAddressType": free(one_of("ipv4 dualstack dualstack-without-public-ipv4", "ipv4")),
        "LoadBalancerAttributes": free(_PAIRS),
        "Name": fixed(STRING),
        "Scheme": fixed(one_of("internet-facing internal")),
        "SecurityGroups": free(list_of(STRING)),
        "Subnets": need(free(list_of(STRING))),
        "Tags": free(TAGS),
        "Type": fixed(one_of("application network gateway", "application")),
    },
    create=_create_lb,
    update=_update_lb,
    stable=_lb_stable,
    delete=deleted_by("elbv2", "DeleteLoadBalancer", lambda work: {"LoadBalancerArn": work.physical_id}),
    attributes={
        "LoadBalancerArn": the_id,
        "DNSName": _lb_member("DNSName"),
        "CanonicalHostedZoneID": _lb_member("CanonicalHostedZoneId"),
        "LoadBalancerName": _lb_member("LoadBalancerName"),
        "LoadBalancerFullName": lambda call, arn, _: arn.partition(":loadbalancer/")[2],
    },
    elsewhere=words(
        """EnableCapacityReservationProvisionStabilize EnablePrefixForIpv6SourceNat Ipv4IpamPoolId
        EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic MinimumLoadBalancerCapacity SubnetMappings"""
    ),
    name_limit=32,
)

# ── target group ──────────────────────────────────────────────────────────────────────────────────────────────────

_HEALTH_CHECK = """HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort HealthCheckProtocol
    HealthCheckTimeoutSeconds HealthyThresholdCount UnhealthyThresholdCount Matcher"""
_HEALTH_CHECK_DEFAULTS: dict[str, Any] = {
    "HealthCheckIntervalSeconds": 30,
    "HealthCheckPath": "/",
    "HealthCheckPort": "traffic-port",
    "HealthCheckProtocol": "HTTP",
    "HealthCheckTimeoutSeconds": 5,
    "HealthyThresholdCount": 5,
    "UnhealthyThresholdCount": 2,
    "Matcher": {"HttpCode": "200"},
}


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
    old, new = (one.get("TargetGroupAttributes") for one in (work.previous, work.properties))
    changes = _attribute_changes(old, new, _TG_DEFAULTS)
    if changes:
        _service(work, "ModifyTargetGroupAttributes", TargetGroupArn=arn, Attributes=changes)
    before, after = (one.get("Targets", []) for one in (work.previous, work.properties))
    gone = [target for target in before if target not in after]
    added = [target for target in after if target not in before]
    if gone:
        _service(work, "DeregisterTargets", TargetGroupArn=arn, Targets=gone)
    if added:
        _service(work, "RegisterTargets", TargetGroupArn=arn, Targets=added)


def _update_tg(work: Work) -> None:
    changes = work.changes(_HEALTH_CHECK) | work.resets(_HEALTH_CHECK_DEFAULTS)
    if changes:
        _service(work, "ModifyTargetGroup", TargetGroupArn=work.physical_id, **changes)
    _set_tg(work, work.physical_id)
    _update_tags(work)


def _tg_member(member: str) -> Attribute:
    def read(call: Call, arn: str, _: dict[str, Any]) -> Any:
        return call("elbv2", "DescribeTargetGroups", {"TargetGroupArns": [arn]})["TargetGroups"][0][member]

    return read


def _tg_check(given: dict[str, Any]) -> str | None:
    missing = [name for name in ("Port", "Protocol", "VpcId") if name not in given]
    return f"a target group of instances or addresses needs {' and '.join(missing)}" if missing else None


_PROTOCOLS = "HTTP HTTPS TCP TLS UDP TCP_UDP GENEVE QUIC TCP_QUIC"
TARGET_GROUP = ResourceType(
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    {
        "HealthCheckEnabled": free(BOOLEAN),
        "HealthCheckIntervalSeconds": free(INTEGER),
        "HealthCheckPath": free(STRING),
        "HealthCheckPort": free(STRING),
        "HealthCheckProtocol": free(one_of(_PROTOCOLS, "HTTP HTTPS")),
        "HealthCheckTimeoutSeconds": free(INTEGER),
        "HealthyThresholdCount": free(INTEGER),
        "IpAddressType": fixed(one_of("ipv4 ipv6", "ipv4")),
        "Matcher": free(map_of({"HttpCode": STRING}, elsewhere="GrpcCode")),
        "Name": fixed(STRING),
        "Port": fixed(INTEGER),
        "Protocol": fixed(one_of(_PROTOCOLS, "HTTP")),
        "ProtocolVersion": fixed(one_of("HTTP1 HTTP2 GRPC", "HTTP1")),
        "Tags": free(TAGS),
        "TargetGroupAttributes": free(_PAIRS),
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

# ── listener ──────────────────────────────────────────────────────────────────────────────────────────────────────

_FORWARD = map_of(
    {
        "TargetGroups": list_of(map_of({"TargetGroupArn": STRING, "Weight": INTEGER})),
        "TargetGroupStickinessConfig": map_of({"DurationSeconds": INTEGER, "Enabled": BOOLEAN}),
    }
)
_ACTION: Shape = map_of(
    {
        "FixedResponseConfig": map_of({"ContentType": STRING, "MessageBody": STRING, "StatusCode": need(STRING)}),
        "ForwardConfig": _FORWARD,
        "Order": INTEGER,
        "RedirectConfig": map_of(
            {
                "Host": STRING,
                "Path": STRING,
                "Port": STRING,
                "Protocol": STRING,
                "Query": STRING,
                "StatusCode": need(one_of("HTTP_301 HTTP_302")),
            }
        ),
        "TargetGroupArn": STRING,
        "Type": need(
            one_of(
                "forward fixed-response redirect authenticate-cognito authenticate-oidc jwt-validation",
                "forward fixed-response redirect",
            )
        ),
    },
    elsewhere="AuthenticateCognitoConfig AuthenticateOidcConfig JwtValidationConfig",
)


def _create_listener(work: Work) -> str:
    request = work.some("LoadBalancerArn Port Protocol DefaultActions Tags")
    return str(work.call("elbv2", "CreateListener", request)["Listeners"][0]["ListenerArn"])


def _update_listener(work: Work) -> None:
    changes = work.changes("Port Protocol DefaultActions")
    if changes:
        _service(work, "ModifyListener", ListenerArn=work.physical_id, **changes)
    _update_tags(work)


def _listener_check(given: dict[str, Any]) -> str | None:
    missing = [name for name in ("Port", "Protocol") if name not in given]
    return f"a listener of an application load balancer needs {' and '.join(missing)}" if missing else None


LISTENER = ResourceType(
    "AWS::ElasticLoadBalancingV2::Listener",
    {
        "DefaultActions": need(free(list_of(_ACTION))),
        "LoadBalancerArn": need(fixed(STRING)),
        "Port": free(INTEGER),
        "Protocol": free(one_of(_PROTOCOLS, "HTTP")),
        "Tags": free(TAGS),
    },
    create=_create_listener,
    update=_update_listener,
    delete=deleted_by("elbv2", "DeleteListener", lambda work: {"ListenerArn": work.physical_id}),
    attributes={"ListenerArn": the_id},
    elsewhere=words("AlpnPolicy Certificates ListenerAttributes MutualAuthentication SslPolicy"),
    check=_listener_check,
)

TYPES = (LOAD_BALANCER, TARGET_GROUP, LISTENER)
