"""What a node must refuse: one wrong value a row, and the word that tells it."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.elbv2.check import problems
from lab.core.elbv2.config import (
    Attributes,
    Certificate,
    HealthCheck,
    Listener,
    LoadBalancerConfig,
    LogTarget,
    MutualAuthentication,
    Stickiness,
    Target,
    TargetGroup,
    Tls,
)
from lab.core.elbv2.patterns import regex_problem
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
    default_rule,
)

CERTIFICATE = Certificate("arn:cert", "-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----")
TLS = Tls("ELBSecurityPolicy-2016-08", (CERTIFICATE,))
TARGET = Target("i-1", 80, "a", "10.0.0.1", 80)
GROUP = TargetGroup("arn:g", "g", "HTTP", HealthCheck(), (TARGET,))
DEFAULT = default_rule(Forward((("arn:g", 1),), 60.0), "arn:rule/0")
RULES = (
    Rule("arn:rule/1", 1, (HostHeader(("*.a.com",)), PathPattern(("^/a+$",), True)), Redirect(301, "HTTPS")),
    Rule("arn:rule/2", 2, (HttpHeader("X-A", ("b",)), RequestMethod(("GET",))), FixedResponse(404)),
    Rule(
        "arn:rule/9",
        9,
        (QueryString(((None, "x"), ("k", "*"))), SourceIp(("10.0.0.0/8", "::/0"))),
        Forward((("arn:g", 0),)),
        Rewrite("^a", "b"),
        Rewrite("a(b)", "$1"),
    ),
    DEFAULT,
)
HTTP = Listener("arn:l/80", "HTTP", 80, RULES, response_fields=(("X-Frame-Options", "DENY"),))
HTTPS = Listener("arn:l/443", "HTTPS", 443, (DEFAULT,), TLS, renamed=(("X-Amzn-Tls-Version", "X-Tls"),))
GOOD = LoadBalancerConfig(
    1, "app/web/1", "arn:lb", "web.example", 20.0, (HTTP, HTTPS), (GROUP,),
    Attributes(access_logs=LogTarget("logs", "a/b")), "0f" * 32, "us-east-1a",
)  # fmt: skip

Change = Callable[[LoadBalancerConfig], LoadBalancerConfig]


def whole(**values: Any) -> Change:
    return lambda document: replace(document, **values)


def attributes(**values: Any) -> Change:
    return lambda document: replace(document, attributes=replace(document.attributes, **values))


def http(**values: Any) -> Change:
    return lambda document: replace(document, listeners=(replace(HTTP, **values), HTTPS))


def https(**values: Any) -> Change:
    return lambda document: replace(document, listeners=(HTTP, replace(HTTPS, **values)))


def tls(**values: Any) -> Change:
    return https(tls=replace(TLS, **values))


def group(**values: Any) -> Change:
    return whole(target_groups=(replace(GROUP, **values),))


def check(**values: Any) -> Change:
    return group(health_check=replace(GROUP.health_check, **values))


def target(**values: Any) -> Change:
    return group(targets=(replace(TARGET, **values),))


def condition(one: Any) -> Change:
    return http(rules=(Rule("arn:rule/1", 1, (one,), FixedResponse(200)), DEFAULT))


def action(one: Any) -> Change:
    return http(rules=(default_rule(one),))


def redirect(**values: Any) -> Change:
    return action(replace(Redirect(301, host="a.com"), **values))


def test_a_sound_document_has_no_problems() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (whole(speed=0.0), "speed"),
        (whole(speed=float("nan")), "speed"),
        (whole(speed=float("inf")), "speed"),
        (whole(speed="fast"), "wrong kind"),
        (whole(generation=-1), "generation"),
        (whole(name="a b"), "is not a name"),
        (whole(arn=""), "is not an ARN"),
        (whole(dns_name="a\nb"), "is not a DNS name"),
        (whole(dns_name=None), "wrong kind"),
        (whole(shifted_zone="a b"), "not a zone"),
        (whole(cookie_key=""), "needs a cookie_key"),
        (whole(cookie_key="0f"), "64 hexadecimal digits"),
        (whole(cookie_key="0F" * 32), "64 hexadecimal digits"),
        (whole(listeners=(HTTP, HTTP)), "same port"),
        (whole(target_groups=(GROUP, GROUP)), "same ARN"),
        (attributes(idle_timeout=0.0), "above 0"),
        (attributes(client_keep_alive=float("nan")), "above 0"),
        (attributes(desync_mode="paranoid"), "desync_mitigation_mode"),
        (attributes(xff_mode=""), "xff_header_processing"),
        (attributes(access_logs=LogTarget("../up")), "name of a bucket"),
        (attributes(connection_logs=LogTarget("logs", "../up")), "not a prefix"),
        (attributes(health_check_logs=LogTarget("logs", "/etc")), "not a prefix"),
        # listeners
        (http(port=0), "ports are 1 to 65535"),
        (http(port=65536), "ports are 1 to 65535"),
        (http(protocol="TCP"), "nodes speak HTTP and HTTPS"),
        (http(tls=TLS), "must have certificates if"),
        (https(tls=None), "must have certificates if"),
        (https(renamed=(("X-A", "X B"),)), "gives the request field"),
        (https(renamed=(("X-A", "X-B"), ("x-a", "X-C"))), "renames x-a twice"),
        (https(renamed=(("X-A", "X-B"), ("X-C", "x-b"))), "new name x-b twice"),
        (http(response_fields=(("X-A", "a\r\nb"),)), "adds the response field"),
        (http(response_fields=(("X A", "a"),)), "adds the response field"),
        (http(response_fields=(("X-A", "a"), ("x-a", "b"))), "adds x-a twice"),
        (tls(certificates=()), "no certificate"),
        (tls(certificates=(CERTIFICATE, CERTIFICATE)), "certificate arn:cert twice"),
        (tls(certificates=(replace(CERTIFICATE, chain="DER"),)), "is not PEM"),
        (tls(certificates=(replace(CERTIFICATE, private_key=""),)), "private key"),
        (tls(policy=""), "security policy"),
        (tls(mutual=MutualAuthentication("maybe")), "mutual authentication mode"),
        (tls(mutual=MutualAuthentication("verify")), "no authorities"),
        # rules
        (http(rules=()), "must have a default rule"),
        (http(rules=RULES[:-1]), "must have a default rule"),
        (http(rules=(*RULES, DEFAULT)), "ascending priority"),
        (http(rules=(RULES[1], RULES[0], DEFAULT)), "ascending priority"),
        (http(rules=(RULES[0], RULES[0], DEFAULT)), "ascending priority"),
        (http(rules=(replace(RULES[0], priority=50001), DEFAULT)), "ascending priority"),
        (http(rules=(replace(RULES[0], priority=-1), DEFAULT)), "ascending priority"),
        (http(rules=(replace(RULES[0], conditions=()), DEFAULT)), "no conditions"),
        (http(rules=(replace(DEFAULT, conditions=RULES[0].conditions),)), "must have a default rule"),
        (http(rules=(replace(DEFAULT, url_rewrite=Rewrite("a", "b")),)), "must have a default rule"),
        (http(rules=(replace(RULES[0], url_rewrite=Rewrite("(", "b")), DEFAULT)), "is not valid"),
        (http(rules=(replace(RULES[0], host_rewrite=Rewrite("a", "\n")), DEFAULT)), "replacement"),
        (http(rules=5), "wrong kind"),
        (condition(PathPattern(())), "PathPattern has no values"),
        (condition(PathPattern(("",))), "printable ASCII"),
        (condition(HostHeader(("a\nb",))), "printable ASCII"),
        (condition(HostHeader(("(?=a)",), True)), "look-ahead"),
        (condition(HttpHeader("X A", ("b",))), "not a header name"),
        (condition(RequestMethod(("get",))), "not a method"),
        (condition(QueryString((("", "x"),))), "printable ASCII"),
        (condition(SourceIp(("10.0.0.1/8",))), "not a CIDR block"),
        (condition(5), "wrong kind"),
        (
            http(rules=(replace(RULES[0], conditions=(HostHeader(("a.com",)),) * 2), DEFAULT)),
            "two HostHeader conditions",
        ),
        (action(Forward(())), "to no target group"),
        (action(Forward((("arn:g", 1), ("arn:g", 2)))), "twice"),
        (action(Forward((("arn:other", 1),))), "does not hold"),
        (action(Forward((("arn:g", 1000),))), "weights are 0 to 999"),
        (action(Forward((("arn:g", 1),), 0.0)), "stickiness of 0.0"),
        (redirect(status_code=307), "status 307"),
        (redirect(protocol="ftp"), "protocol 'ftp'"),
        (redirect(port="0"), "port '0'"),
        (redirect(port="65536"), "port '65536'"),
        (redirect(host=""), "host ''"),
        (redirect(path="x"), "path 'x'"),
        (redirect(query="a\r\nb"), "no URL has"),
        (action(FixedResponse(302)), "status 302"),
        (action(FixedResponse(200, "a\r\nb")), "content type"),
        (action(None), "no action that nodes know"),
        # target groups
        (group(name=""), "needs a name and an ARN"),
        (group(protocol="TLS"), "nodes speak HTTP and HTTPS"),
        (group(algorithm="dice"), "algorithm 'dice'"),
        (group(slow_start=-1.0), "slow start"),
        (group(minimum_healthy=0), "at least 1 healthy"),
        (group(minimum_healthy_percent=0), "at least 1 healthy"),
        (group(minimum_healthy_percent=101), "at least 1 healthy"),
        (group(stickiness=Stickiness(0.0)), "stickiness of 0.0"),
        (group(stickiness=Stickiness(1.0, True, "")), "sticks by the cookie"),
        (group(stickiness=Stickiness(1.0, True, "AWSALB")), "sticks by the cookie"),
        (group(stickiness=Stickiness(1.0, True, "a;b")), "sticks by the cookie"),
        (check(protocol="TCP"), "nodes speak HTTP and HTTPS"),
        (check(port=0), "ports are 1 to 65535"),
        (check(interval=0.0), "without interval or timeout"),
        (check(timeout=float("inf")), "without interval or timeout"),
        (check(healthy_threshold=0), "threshold below 1"),
        (check(path="/a b"), "health check path"),
        (check(path="a"), "health check path"),
        (check(matcher="2xx"), "matcher '2xx'"),
        (group(targets=(TARGET, TARGET)), "lists a target twice: i-1:80"),
        (target(host="example.com"), "not an IPv4 address"),
        (target(host="::1"), "not an IPv4 address"),
        (target(dial_port=0), "ports are 1 to 65535"),
        (target(port=70000), "ports are 1 to 65535"),
        (target(zone=""), "needs an id and a zone"),
        (target(id="a b"), "needs an id and a zone"),
    ],
)
def test_a_document_that_is_not_sound_says_why(change: Change, word: str) -> None:
    found = problems(change(GOOD))
    assert any(word in problem for problem in found), found


@pytest.mark.parametrize(
    "text",
    [
        r"^/a/(\d+)$", r"a+?b*?c??", r"[a+]+", r"[]+]+", r"[^]]", r"a\++", r"\\1", r"(?:a|b)", r"(?i)abc", r"(?i:a)b",
        r"(?P<name>a)", r"[\]+]+x", r"x{2,3}?", r"\[a+", r"(a*)*",
    ],
)  # fmt: skip
def test_regular_expressions_of_awss_dialect(text: str) -> None:
    assert regex_problem(text) is None


@given(st.text(r"()[]{}*+?|^$\\<>=!:-&~#,0123aPpRkgdsix", max_size=20))
def test_any_text_is_a_regular_expression_or_is_told_why_not(text: str) -> None:
    if regex_problem(text) is None:
        assert re.compile(text.encode())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("(?=a)", "look-ahead"),
        ("(?!a)", "look-ahead"),
        ("(?<=a)b", "look-behind"),
        ("(?<!a)b", "look-behind"),
        (r"(a)\1", "back-reference"),
        (r"(?P<n>a)(?P=n)", "back-reference"),
        (r"(?P<n>a)\k<n>", "back-reference"),
        ("(?>a)", "atomic group"),
        ("a++", "possessive"),
        ("a*+", "possessive"),
        ("a?+", "possessive"),
        ("a{2}+", "possessive"),
        ("(?R)", "recursion"),
        ("(?&n)", "subroutine"),
        ("(?P>n)", "subroutine"),
        ("(?1)", "the group (?1"),
        ("(a)?(?(1)b|c)", "condition"),
        (r"\p{L}", "Unicode"),
        (r"\P{L}", "Unicode"),
        ("[[:alpha:]]", "set operation"),
        ("[a--b]", "set operation"),
        ("[0--", "set operation"),  # Python would warn before it refuses
        ("(", "not valid"),
        ("[", "not valid"),
        ("*a", "not valid"),
        (r"\u0041", "not valid"),  # Python has it for text, and not for bytes
        (r"\N{DIGIT ONE}", "not valid"),
        ("(?iu)a", "not valid"),
        ("a{99999999999999999999}", "not valid"),
        ("é", "printable ASCII"),
        ("", "printable ASCII"),
    ],
)
def test_regular_expressions_that_aws_does_not_have(text: str, word: str) -> None:
    assert word in (regex_problem(text) or "")
