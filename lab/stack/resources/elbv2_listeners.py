"""AWS::ElasticLoadBalancingV2::Listener and ListenerRule.

Source: AWS CloudFormation resource reference, Elastic Load Balancing V2.
"""

from typing import Any

from lab.core.elbv2.attributes import LISTENER as ATTRIBUTES
from lab.core.elbv2.attributes import defaults
from lab.core.elbv2.tls_policies import API_DEFAULT
from lab.stack.context import Call
from lab.stack.resources.base import ResourceType, Work, deleted_by, the_id
from lab.stack.resources.elbv2 import PAIRS, attribute_changes, service, update_tags
from lab.stack.resources.elbv2_tls import CERTIFICATES
from lab.stack.schema import BOOLEAN, INTEGER, STRING, TAGS, Shape, fixed, free, list_of, map_of, need, one_of

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

# ── listener ──────────────────────────────────────────────────────────────────────────────────────────────────────────


_TLS = "AlpnPolicy Certificates MutualAuthentication SslPolicy"
_MUTUAL = map_of(
    {
        "AdvertiseTrustStoreCaNames": one_of("on off"),
        "IgnoreClientCertificateExpiry": BOOLEAN,
        "Mode": one_of("off passthrough verify"),
        "TrustStoreArn": STRING,
    }
)


def _create_listener(work: Work) -> str:
    request = work.some(f"LoadBalancerArn Port Protocol DefaultActions Tags {_TLS}")
    arn = str(work.call("elbv2", "CreateListener", request)["Listeners"][0]["ListenerArn"])
    _set_attributes(work, arn)
    return arn


def _set_attributes(work: Work, arn: str) -> None:
    changes = attribute_changes(work, "ListenerAttributes", defaults(ATTRIBUTES))
    if changes:
        service(work, "ModifyListenerAttributes", ListenerArn=arn, Attributes=changes)


def _update_listener(work: Work) -> None:
    # As on AWS, mutual authentication stays when the property goes: only Mode off ends it.
    changes = work.changes(f"Port Protocol DefaultActions {_TLS}")
    if work.properties.get("Protocol") == "HTTPS":
        changes |= work.resets({"SslPolicy": API_DEFAULT})
    if changes:
        service(work, "ModifyListener", ListenerArn=work.physical_id, **changes)
    _set_attributes(work, work.physical_id)
    update_tags(work)


def _listener_check(given: dict[str, Any]) -> str | None:
    missing = [name for name in ("Port", "Protocol") if name not in given]
    return f"a listener of an application load balancer needs {' and '.join(missing)}" if missing else None


LISTENER = ResourceType(
    "AWS::ElasticLoadBalancingV2::Listener",
    {
        "AlpnPolicy": free(list_of(STRING)),
        "Certificates": free(CERTIFICATES),
        "DefaultActions": need(free(list_of(_ACTION))),
        "ListenerAttributes": free(PAIRS),
        "LoadBalancerArn": need(fixed(STRING)),
        "MutualAuthentication": free(_MUTUAL),
        "Port": free(INTEGER),
        "Protocol": free(one_of("HTTP HTTPS TCP TLS UDP TCP_UDP GENEVE QUIC TCP_QUIC", "HTTP HTTPS")),
        "SslPolicy": free(STRING),
        "Tags": free(TAGS),
    },
    create=_create_listener,
    update=_update_listener,
    delete=deleted_by("elbv2", "DeleteListener", lambda work: {"ListenerArn": work.physical_id}),
    attributes={"ListenerArn": the_id},
    check=_listener_check,
)

# ── rule ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_TEXTS = list_of(STRING)
_PATTERNS = {"RegexValues": _TEXTS, "Values": _TEXTS}
_CONDITION = map_of(
    {
        "Field": one_of("host-header path-pattern http-header http-request-method query-string source-ip"),
        "HostHeaderConfig": map_of(_PATTERNS),
        "HttpHeaderConfig": map_of({"HttpHeaderName": STRING, **_PATTERNS}),
        "HttpRequestMethodConfig": map_of({"Values": _TEXTS}),
        "PathPatternConfig": map_of(_PATTERNS),
        "QueryStringConfig": map_of({"Values": list_of(map_of({"Key": STRING, "Value": STRING}))}),
        "RegexValues": _TEXTS,
        "SourceIpConfig": map_of({"Values": _TEXTS}, elsewhere="IpAddressType"),
        "Values": _TEXTS,
    }
)
_REWRITES = map_of({"Rewrites": need(list_of(map_of({"Regex": need(STRING), "Replace": need(STRING)})))})
_TRANSFORM = map_of(
    {
        "HostHeaderRewriteConfig": _REWRITES,
        "Type": need(one_of("host-header-rewrite url-rewrite")),
        "UrlRewriteConfig": _REWRITES,
    }
)


def _create_rule(work: Work) -> str:
    request = work.some("ListenerArn Priority Conditions Actions Transforms Tags")
    return str(work.call("elbv2", "CreateRule", request)["Rules"][0]["RuleArn"])


def _update_rule(work: Work) -> None:
    arn = work.physical_id
    changes = work.changes("Conditions Actions Transforms")
    if "Transforms" in work.previous and "Transforms" not in work.properties:
        changes["ResetTransforms"] = True
    if changes:
        service(work, "ModifyRule", RuleArn=arn, **changes)
    if "Priority" in work.changed:
        pair = {"RuleArn": arn, "Priority": work.properties["Priority"]}
        service(work, "SetRulePriorities", RulePriorities=[pair])
    update_tags(work)


def _is_default(call: Call, arn: str, _: dict[str, Any]) -> bool:
    return bool(call("elbv2", "DescribeRules", {"RuleArns": [arn]})["Rules"][0]["IsDefault"])


RULE = ResourceType(
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    {
        "Actions": need(free(list_of(_ACTION))),
        "Conditions": need(free(list_of(_CONDITION))),
        "ListenerArn": need(fixed(STRING)),
        "Priority": need(free(INTEGER)),
        "Tags": free(TAGS),
        "Transforms": free(list_of(_TRANSFORM)),
    },
    create=_create_rule,
    update=_update_rule,
    delete=deleted_by("elbv2", "DeleteRule", lambda work: {"RuleArn": work.physical_id}),
    attributes={"RuleArn": the_id, "IsDefault": _is_default},
)

TYPES = (LISTENER, RULE)
