"""Attributes of load balancers, listeners and target groups: every key answers, every value is checked."""

import pytest

from tests.actions.conftest import Site

LOG = "access_logs.s3"
DEFAULTS = {
    "LoadBalancer": {
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
        "access_logs.s3.bucket": "",
        "access_logs.s3.prefix": "",
        "connection_logs.s3.enabled": "false",
        "connection_logs.s3.bucket": "",
        "connection_logs.s3.prefix": "",
        "health_check_logs.s3.enabled": "false",
        "health_check_logs.s3.bucket": "",
        "health_check_logs.s3.prefix": "",
        "zonal_shift.config.enabled": "true",  # the site's
        "load_balancing.cross_zone.enabled": "true",
        "waf.fail_open.enabled": "false",
        "ipv6.deny_all_igw_traffic": "false",
    },
    "TargetGroup": {
        "deregistration_delay.timeout_seconds": "300",
        "stickiness.enabled": "false",
        "stickiness.type": "lb_cookie",
        "stickiness.lb_cookie.duration_seconds": "86400",
        "stickiness.app_cookie.cookie_name": "",
        "stickiness.app_cookie.duration_seconds": "86400",
        "slow_start.duration_seconds": "0",
        "load_balancing.algorithm.type": "round_robin",
        "load_balancing.algorithm.anomaly_mitigation": "off",
        "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
        "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
        "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
    },
    "Listener": {
        "routing.http.response.server.enabled": "true",
        "routing.http.response.strict_transport_security.header_value": "",
        "routing.http.response.access_control_allow_origin.header_value": "",
        "routing.http.response.access_control_allow_methods.header_value": "",
        "routing.http.response.access_control_allow_headers.header_value": "",
        "routing.http.response.access_control_allow_credentials.header_value": "",
        "routing.http.response.access_control_expose_headers.header_value": "",
        "routing.http.response.access_control_max_age.header_value": "",
        "routing.http.response.content_security_policy.header_value": "",
        "routing.http.response.x_content_type_options.header_value": "",
        "routing.http.response.x_frame_options.header_value": "",
    },
}


def of(site: Site, what: str) -> str:
    return {"LoadBalancer": site.balancer, "TargetGroup": site.target_group, "Listener": site.listener}[what]


def told(site: Site, what: str) -> dict[str, str]:
    found = site.aws("elbv2", f"Describe{what}Attributes", **{f"{what}Arn": of(site, what)})["Attributes"]
    return {pair["Key"]: pair["Value"] for pair in found}


@pytest.mark.parametrize("what", DEFAULTS)
def test_every_key_is_told_with_awss_default(site: Site, what: str) -> None:
    assert told(site, what) == DEFAULTS[what]


def test_an_internal_load_balancer_denies_traffic_of_internet_gateways(site: Site) -> None:
    made = site.aws("elbv2", "CreateLoadBalancer", Name="inside", Subnets=[site.a, site.b], Scheme="internal")
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    assert (
        site.aws.set("LoadBalancer", arn, {"ipv6.deny_all_igw_traffic": "true"})["ipv6.deny_all_igw_traffic"] == "true"
    )


ACCEPTED = [
    ("LoadBalancer", {"idle_timeout.timeout_seconds": "4000"}),
    ("LoadBalancer", {"client_keep_alive.seconds": "60"}),
    ("LoadBalancer", {"routing.http.desync_mitigation_mode": "strictest"}),
    ("LoadBalancer", {"routing.http.xff_header_processing.mode": "remove"}),
    ("LoadBalancer", {f"{LOG}.enabled": "true", f"{LOG}.bucket": "my-logs", f"{LOG}.prefix": "a/b.c"}),
    ("LoadBalancer", {"waf.fail_open.enabled": "false", "ipv6.deny_all_igw_traffic": "false"}),
    ("TargetGroup", {"deregistration_delay.timeout_seconds": "0"}),
    ("TargetGroup", {"slow_start.duration_seconds": "30"}),
    ("TargetGroup", {"load_balancing.algorithm.type": "weighted_random",
                     "load_balancing.algorithm.anomaly_mitigation": "on"}),
    ("TargetGroup", {"stickiness.enabled": "true", "load_balancing.algorithm.type": "least_outstanding_requests"}),
    ("TargetGroup", {"stickiness.enabled": "true", "stickiness.type": "app_cookie",
                     "stickiness.app_cookie.cookie_name": "SESSION"}),
    ("TargetGroup", {"load_balancing.cross_zone.enabled": "false"}),
    ("TargetGroup", {"target_group_health.dns_failover.minimum_healthy_targets.count": "off",
                     "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "3"}),
    ("Listener", {"routing.http.response.server.enabled": "false"}),
    ("Listener", {"routing.http.response.strict_transport_security.header_value": "max-age=31536000; preload"}),
    ("Listener", {"routing.http.response.x_frame_options.header_value": "SAMEORIGIN"}),
    ("Listener", {"routing.http.response.access_control_max_age.header_value": "0"}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "values"), ACCEPTED, ids=str)
def test_values_that_are_taken(site: Site, what: str, values: dict[str, str]) -> None:
    before = told(site, what)
    assert site.aws.set(what, of(site, what), values) == told(site, what) == before | values


REFUSED = [
    ("LoadBalancer", {"colour": "red"}),
    ("LoadBalancer", {"idle_timeout.timeout_seconds": "4001"}),
    ("LoadBalancer", {"idle_timeout.timeout_seconds": "²"}),
    ("LoadBalancer", {"client_keep_alive.seconds": "59"}),
    ("LoadBalancer", {"routing.http2.enabled": "yes"}),
    ("LoadBalancer", {"routing.http.desync_mitigation_mode": "paranoid"}),
    ("LoadBalancer", {f"{LOG}.enabled": "true"}),
    ("LoadBalancer", {f"{LOG}.bucket": "a/../b"}),
    ("LoadBalancer", {f"{LOG}.bucket": "Upper"}),
    ("LoadBalancer", {f"{LOG}.prefix": "a/../b"}),
    ("LoadBalancer", {f"{LOG}.prefix": "/a"}),
    ("LoadBalancer", {f"{LOG}.prefix": "a/AWSLogs"}),
    ("LoadBalancer", {"load_balancing.cross_zone.enabled": "false"}),
    ("LoadBalancer", {"waf.fail_open.enabled": "true"}),
    ("LoadBalancer", {"ipv6.deny_all_igw_traffic": "true"}),
    ("TargetGroup", {"deregistration_delay.timeout_seconds": "3601"}),
    ("TargetGroup", {"deregistration_delay.timeout_seconds": ""}),
    ("TargetGroup", {"slow_start.duration_seconds": "29"}),
    ("TargetGroup", {"stickiness.type": "source_ip"}),
    ("TargetGroup", {"stickiness.lb_cookie.duration_seconds": "0"}),
    ("TargetGroup", {"stickiness.app_cookie.cookie_name": "AWSALBTGx"}),
    ("TargetGroup", {"stickiness.app_cookie.cookie_name": "a=b"}),
    ("TargetGroup", {"load_balancing.algorithm.type": "random"}),
    ("TargetGroup", {"load_balancing.cross_zone.enabled": "maybe"}),
    ("TargetGroup", {"lambda.multi_value_headers.enabled": "true"}),
    ("TargetGroup", {"load_balancing.algorithm.anomaly_mitigation": "on"}),
    ("TargetGroup", {"slow_start.duration_seconds": "30", "load_balancing.algorithm.type": "weighted_random"}),
    ("TargetGroup", {"slow_start.duration_seconds": "30",
                     "load_balancing.algorithm.type": "least_outstanding_requests"}),
    ("TargetGroup", {"stickiness.enabled": "true", "load_balancing.algorithm.type": "weighted_random"}),
    ("TargetGroup", {"stickiness.enabled": "true", "load_balancing.cross_zone.enabled": "false"}),
    ("TargetGroup", {"stickiness.enabled": "true", "stickiness.type": "app_cookie"}),
    ("TargetGroup", {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "off"}),
    ("TargetGroup", {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "2"}),
    ("TargetGroup", {"target_group_health.dns_failover.minimum_healthy_targets.percentage": "50",
                     "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "51"}),
    ("TargetGroup", {"target_group_health.dns_failover.minimum_healthy_targets.percentage": "101"}),
    ("Listener", {"tcp.idle_timeout.seconds": "60"}),
    ("Listener", {"routing.http.response.content_security_policy.header_value": "a\r\nSet-Cookie: b"}),
    ("Listener", {"routing.http.response.content_security_policy.header_value": "x" * 1025}),
    ("Listener", {"routing.http.response.x_content_type_options.header_value": "sniff"}),
    ("Listener", {"routing.http.response.x_frame_options.header_value": "ALLOW"}),
    ("Listener", {"routing.http.response.access_control_allow_credentials.header_value": "false"}),
    ("Listener", {"routing.http.response.access_control_max_age.header_value": "-1"}),
    ("Listener", {"routing.http.request.x_amzn_tls_version.header_name": "X-Tls"}),  # of HTTPS listeners only
]  # fmt: skip


@pytest.mark.parametrize(("what", "values"), REFUSED, ids=str)
def test_values_that_are_refused(site: Site, what: str, values: dict[str, str]) -> None:
    changes = [{"Key": key, "Value": value} for key, value in values.items()]
    code = site.aws.refusal("elbv2", f"Modify{what}Attributes", **{f"{what}Arn": of(site, what)}, Attributes=changes)
    assert code == "InvalidConfigurationRequest"


@pytest.mark.parametrize(("what", "code"), [(what, f"{what}NotFound") for what in DEFAULTS])
def test_attributes_of_nothing(site: Site, what: str, code: str) -> None:
    assert site.aws.refusal("elbv2", f"Describe{what}Attributes", **{f"{what}Arn": "arn:none"}) == code
    assert site.aws.refusal("elbv2", f"Modify{what}Attributes", **{f"{what}Arn": "arn:none"}, Attributes=[]) == code


def test_limits_are_awss(site: Site) -> None:
    """alb:load-balancer-limits"""
    limits = {limit["Name"]: limit["Max"] for limit in site.aws("elbv2", "DescribeAccountLimits")["Limits"]}
    assert limits["rules-per-application-load-balancer"] == "100"
    assert limits["target-groups-per-action-on-application-load-balancer"] == "5"
