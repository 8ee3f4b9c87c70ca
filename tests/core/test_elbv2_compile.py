"""Rows compiled: rules, actions, attributes, target group settings, targets by address."""

from dataclasses import replace
from typing import Any

import pytest

from lab.core.elbv2.check import problems
from lab.core.elbv2.compile import compile_config
from lab.core.elbv2.config import Attributes, LoadBalancerConfig, LogTarget, Stickiness, Target
from lab.core.elbv2.model import Registration, forwarded_to, users_of_groups
from lab.core.elbv2.rules import (
    FixedResponse,
    Forward,
    HostHeader,
    HttpHeader,
    PathPattern,
    QueryString,
    Redirect,
    RequestMethod,
    Rewrite,
    Rule,
    SourceIp,
)
from tests.core.rows import NOW, TG, A, B, balancer, forward, instance, listener, registration, rule, target_group

PATH = {"Field": "path-pattern", "Values": ["/a"], "PathPatternConfig": {"Values": ["/a"]}}


def compiled(**more: Any) -> LoadBalancerConfig:
    """The document, which must be sound."""
    values: dict[str, Any] = {
        "balancer": balancer(),
        "listeners": [listener()],
        "rules": [],
        "groups": [target_group()],
        "registrations": [],
        "instances": {},
        "speed": 1.0,
        "generation": 1,
        **more,
    }
    document = compile_config(**values)
    assert problems(document) == []
    return document


def test_rules_are_tried_by_priority_the_default_one_last() -> None:
    rules = [rule(7, PATH), rule(50000, PATH), rule(3, PATH), replace(rule(1, PATH), listener_arn="arn:listener/81")]
    document = compiled(listeners=[listener(80), listener(81)], rules=rules)
    first, second = document.listeners
    assert [one.priority for one in first.rules] == [3, 7, 50000, 0]
    assert [one.priority for one in second.rules] == [1, 0]
    assert first.rules[-1] == Rule("arn:rule/80", 0, (), Forward(((TG, 1),)))
    assert (first.rules[0].arn, first.default_action) == ("arn:rule/80/3", Forward(((TG, 1),)))


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        (PATH, PathPattern(("/a",))),
        ({"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/a"]}}, PathPattern(("^/a",), True)),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["a.com", "*.b.com"]}}, HostHeader(("a.com", "*.b.com"))),
        (
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "RegexValues": ["b"]}},
            HttpHeader("X-A", ("b",), True),
        ),
        ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}}, RequestMethod(("GET",))),
        (
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "b"}, {"Value": "c"}]}},
            QueryString((("a", "b"), (None, "c"))),
        ),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["10.1.2.3/8", "::1/128"]}}, SourceIp(("10.0.0.0/8", "::1/128"))),
    ],
)  # fmt: skip
def test_conditions(condition: dict[str, Any], wanted: Any) -> None:
    [found, _] = compiled(rules=[rule(1, condition)]).listeners[0].rules
    assert found.conditions == (wanted,)


REDIRECT = {"StatusCode": "HTTP_302", "Protocol": "HTTPS", "Host": "#{host}", "Port": "443", "Path": "/x", "Query": ""}


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        (forward((TG, 5)), Forward(((TG, 5),))),
        (forward((TG, 1), ("arn:other", 2), sticky=60), Forward(((TG, 1), ("arn:other", 2)), 60.0)),
        ({"Type": "redirect", "RedirectConfig": REDIRECT}, Redirect(302, "HTTPS", "#{host}", "443", "/x", "")),
        (
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/html"}},
            FixedResponse(503, "text/html", ""),
        ),
    ],
)
def test_actions(action: dict[str, Any], wanted: Any) -> None:
    groups = [target_group(), target_group(arn="arn:other")]
    document = compiled(rules=[rule(1, PATH, actions=(action,))], listeners=[listener(80, **action)], groups=groups)
    assert [one.action for one in document.listeners[0].rules] == [wanted, wanted]


def test_transforms() -> None:
    transforms = (
        {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "a", "Replace": "b"}]}},
        {"Type": "host-header-rewrite", "HostHeaderRewriteConfig": {"Rewrites": [{"Regex": "c", "Replace": "$1"}]}},
    )
    [one, default] = compiled(rules=[rule(1, PATH, transforms=transforms)]).listeners[0].rules
    assert (one.url_rewrite, one.host_rewrite) == (Rewrite("a", "b"), Rewrite("c", "$1"))
    assert (default.url_rewrite, default.host_rewrite) == (None, None)


def test_listener_attributes() -> None:
    values = {
        "routing.http.response.server.enabled": "false",
        "routing.http.request.x_amzn_tls_version.header_name": "X-Tls",
        "routing.http.response.x_frame_options.header_value": "DENY",
    }
    [found] = compiled(listeners=[replace(listener(), attributes=values)]).listeners
    assert (found.server_header, found.renamed) == (False, (("X-Amzn-Tls-Version", "X-Tls"),))
    assert found.response_fields == (("X-Frame-Options", "DENY"),)
    [plain] = compiled().listeners
    assert (plain.server_header, plain.renamed, plain.response_fields) == (True, (), ())


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, {}),
        ({"idle_timeout.timeout_seconds": "5"}, {"idle_timeout": 5.0}),
        ({"client_keep_alive.seconds": "60"}, {"client_keep_alive": 60.0}),
        ({"routing.http2.enabled": "false"}, {"http2": False}),
        ({"routing.http.drop_invalid_header_fields.enabled": "true"}, {"drop_invalid_header_fields": True}),
        ({"routing.http.desync_mitigation_mode": "monitor"}, {"desync_mode": "monitor"}),
        ({"routing.http.preserve_host_header.enabled": "true"}, {"preserve_host_header": True}),
        ({"routing.http.xff_header_processing.mode": "preserve"}, {"xff_mode": "preserve"}),
        ({"routing.http.xff_client_port.enabled": "true"}, {"xff_client_port": True}),
        ({"routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "true"}, {"tls_headers": True}),
        ({"access_logs.s3.bucket": "logs"}, {}),
        (
            {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs", "access_logs.s3.prefix": "p"},
            {"access_logs": LogTarget("logs", "p")},
        ),
        (
            {"connection_logs.s3.enabled": "true", "connection_logs.s3.bucket": "logs"},
            {"connection_logs": LogTarget("logs")},
        ),
        (
            {"health_check_logs.s3.enabled": "true", "health_check_logs.s3.bucket": "logs"},
            {"health_check_logs": LogTarget("logs")},
        ),
    ],
)
def test_load_balancer_attributes(values: dict[str, str], wanted: dict[str, Any]) -> None:
    assert compiled(balancer=balancer(attributes=values)).attributes == replace(Attributes(), **wanted)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, {}),
        ({"load_balancing.cross_zone.enabled": "false"}, {"cross_zone": False}),
        ({"load_balancing.cross_zone.enabled": "true"}, {"cross_zone": True}),
        (
            {"load_balancing.algorithm.type": "weighted_random", "load_balancing.algorithm.anomaly_mitigation": "on"},
            {"algorithm": "weighted_random", "anomaly_mitigation": True},
        ),
        ({"slow_start.duration_seconds": "90"}, {"slow_start": 90.0}),
        ({"stickiness.enabled": "true"}, {"stickiness": Stickiness(86400.0)}),
        (
            {
                "stickiness.enabled": "true",
                "stickiness.type": "app_cookie",
                "stickiness.app_cookie.cookie_name": "SID",
                "stickiness.app_cookie.duration_seconds": "5",
            },
            {"stickiness": Stickiness(5.0, True, "SID")},
        ),
        (
            {
                "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "3",
                "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "50",
            },
            {"minimum_healthy": 3, "minimum_healthy_percent": 50},
        ),
    ],
)
def test_target_group_attributes(values: dict[str, str], wanted: dict[str, Any]) -> None:
    [plain] = compiled().target_groups
    [found] = compiled(groups=[target_group(attributes=values)]).target_groups
    assert found == replace(plain, **wanted)


def test_key_and_shifted_zone() -> None:
    document = compiled(shifted_zone=B)
    assert (document.cookie_key, document.shifted_zone) == ("ab" * 32, B)


# Targets by address.

ADDRESSES = target_group(target_type="ip", protocol="HTTPS")


def address(text: str, zone: str = "all", port: int = 8000, **more: Any) -> Registration:
    return Registration(TG, text, port, NOW, availability_zone=zone, **more)


def targets(*registrations: Registration, **more: Any) -> tuple[Target, ...]:
    return compiled(groups=[ADDRESSES], registrations=registrations, **more).target_groups[0].targets


def test_an_address_needs_no_instance() -> None:
    assert targets(address("10.0.9.9", B), address("192.168.1.1", port=9, deregistered_at=NOW)) == (
        Target("10.0.9.9", 8000, B, "10.0.9.9", 8000),
        Target("192.168.1.1", 9, "all", "192.168.1.1", 9, draining=True),
    )


@pytest.mark.parametrize(
    ("change", "host", "port"),
    [
        ({}, "127.0.0.1", 40001),
        ({"state": "stopped"}, "10.0.10.4", 8000),
        ({"vpc_id": "vpc-2"}, "10.0.10.4", 8000),
        ({"endpoints": {}}, "10.0.10.4", 8000),
    ],
)
def test_the_address_of_an_instance_is_dialled_where_the_instance_is(
    change: dict[str, Any], host: str, port: int
) -> None:
    found = instance("1", **{"endpoints": {"8000": "127.0.0.1:40001"}, **change})
    [target] = targets(address("10.0.10.4", A), instances={"i-1": found})
    assert (target.id, target.host, target.dial_port) == ("10.0.10.4", host, port)


def test_an_address_outside_the_vpc_is_of_its_zone_with_cross_zone_off_only() -> None:
    away = address("192.168.1.1", "us-east-1c", outside=True)
    near = address("192.168.1.2", B, outside=True)
    assert [target.zone for target in targets(away, near)] == ["all", "all"]
    alone = replace(ADDRESSES, attributes={"load_balancing.cross_zone.enabled": "false"})
    [target] = compiled(groups=[alone], registrations=[away, near]).target_groups[0].targets
    assert (target.id, target.zone) == ("192.168.1.2", B)


def test_a_target_in_a_zone_without_a_node_gets_nothing() -> None:
    found = instance("1", availability_zone="us-east-1c")
    assert compiled(registrations=[registration("1")], instances={"i-1": found}).target_groups[0].targets == ()


def test_the_address_of_a_node_is_no_target() -> None:
    assert targets(address("10.0.0.4"), node_addresses=frozenset({"10.0.0.4"})) == ()


# Who uses a target group.


def test_target_groups_are_used_by_listeners_and_rules() -> None:
    rules = [
        rule(1, PATH, actions=(forward(("arn:x", 1), ("arn:y", 0)),)),
        rule(2, PATH, actions=({"Type": "redirect"},)),
    ]
    assert forwarded_to(rules[0].actions) == ["arn:x", "arn:y"]
    assert users_of_groups([listener()], rules) == {TG: "arn:lb", "arn:x": "arn:lb", "arn:y": "arn:lb"}
