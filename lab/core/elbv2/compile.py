"""Rows → the configuration of a load balancer's nodes. Pure: the same rows give the same document."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lab.core import acm
from lab.core.ec2.model import Instance
from lab.core.elbv2 import config
from lab.core.elbv2.attributes import RENAMED, RESPONSE_FIELDS
from lab.core.elbv2.compile_tls import compile_tls
from lab.core.elbv2.model import Described, Listener, ListenerRule, LoadBalancer, Registration, TargetGroup, TrustStore
from lab.core.elbv2.rules import (
    Action,
    Condition,
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


def compile_config(
    balancer: LoadBalancer,
    listeners: Sequence[Listener],
    rules: Sequence[ListenerRule],
    groups: Iterable[TargetGroup],
    registrations: Sequence[Registration],
    instances: Mapping[str, Instance],
    speed: float,
    generation: int,
    *,
    node_addresses: frozenset[str] = frozenset(),
    shifted_zone: str = "",
    certificates: Mapping[str, acm.Certificate] | None = None,
    trust_stores: Mapping[str, TrustStore] | None = None,
) -> config.LoadBalancerConfig:
    """The document of `balancer`. `listeners` are its own, `groups` those that they forward to, `rules` and `registrations`
    anybody's. Left out are targets whose instance does not run, those in a zone without a node, and addresses that load
    balancer nodes have themselves (`node_addresses`): a node cuts what it still had with them. `certificates` and
    `trust_stores`, by ARN, are those that the listeners have, if any."""
    zones = {"all", *(node.availability_zone for node in balancer.nodes)}
    return config.LoadBalancerConfig(
        generation=generation,
        name=balancer.short_name,
        arn=balancer.arn,
        dns_name=balancer.dns_name,
        speed=speed,
        listeners=tuple(_listener(listener, rules, certificates or {}, trust_stores or {}) for listener in listeners),
        target_groups=tuple(_group(group, registrations, instances, zones, node_addresses) for group in groups),
        attributes=_attributes(balancer.settings),
        cookie_key=balancer.cookie_key,
        shifted_zone=shifted_zone,
    )


def _attributes(settings: Mapping[str, str]) -> config.Attributes:
    def on(key: str) -> bool:
        return settings[key] == "true"

    return config.Attributes(
        idle_timeout=float(settings["idle_timeout.timeout_seconds"]),
        client_keep_alive=float(settings["client_keep_alive.seconds"]),
        http2=on("routing.http2.enabled"),
        drop_invalid_header_fields=on("routing.http.drop_invalid_header_fields.enabled"),
        desync_mode=settings["routing.http.desync_mitigation_mode"],
        preserve_host_header=on("routing.http.preserve_host_header.enabled"),
        xff_mode=settings["routing.http.xff_header_processing.mode"],
        xff_client_port=on("routing.http.xff_client_port.enabled"),
        tls_headers=on("routing.http.x_amzn_tls_version_and_cipher_suite.enabled"),
        access_logs=_log(settings, "access_logs"),
        connection_logs=_log(settings, "connection_logs"),
        health_check_logs=_log(settings, "health_check_logs"),
    )


def _log(settings: Mapping[str, str], name: str) -> config.LogTarget | None:
    if settings[f"{name}.s3.enabled"] != "true":
        return None
    return config.LogTarget(settings[f"{name}.s3.bucket"], settings[f"{name}.s3.prefix"])


# ── listeners and rules ───────────────────────────────────────────────────────────────────────────────────────────────


def _listener(
    listener: Listener,
    rules: Iterable[ListenerRule],
    certificates: Mapping[str, acm.Certificate],
    trust_stores: Mapping[str, TrustStore],
) -> config.Listener:
    settings = listener.settings
    own = sorted((row for row in rules if row.listener_arn == listener.arn), key=lambda row: row.priority)
    return config.Listener(
        arn=listener.arn,
        protocol=listener.protocol,
        port=listener.port,
        rules=(*map(_rule, own), default_rule(_action(listener.default_actions), listener.default_rule_arn)),
        tls=None if listener.tls is None else compile_tls(listener.tls, certificates, trust_stores),
        server_header=settings["routing.http.response.server.enabled"] == "true",
        renamed=tuple((name, settings[key]) for key, name in RENAMED.items() if settings[key]),
        response_fields=tuple((name, settings[key]) for key, name in RESPONSE_FIELDS.items() if settings[key]),
    )


def _rule(row: ListenerRule) -> Rule:
    rewrites = {transform["Type"]: _rewrite(transform) for transform in row.transforms}
    return Rule(
        row.arn,
        row.priority,
        tuple(_condition(condition) for condition in row.conditions),
        _action(row.actions),
        rewrites.get("host-header-rewrite"),
        rewrites.get("url-rewrite"),
    )


def _rewrite(transform: Described) -> Rewrite:
    member = {"host-header-rewrite": "HostHeaderRewriteConfig", "url-rewrite": "UrlRewriteConfig"}[transform["Type"]]
    [rewrite] = transform[member]["Rewrites"]
    return Rewrite(rewrite["Regex"], rewrite["Replace"])


def _condition(condition: Described) -> Condition:
    match condition["Field"]:
        case "host-header":
            return HostHeader(*_patterns(condition["HostHeaderConfig"]))
        case "path-pattern":
            return PathPattern(*_patterns(condition["PathPatternConfig"]))
        case "http-header":
            header = condition["HttpHeaderConfig"]
            return HttpHeader(header["HttpHeaderName"], *_patterns(header))
        case "http-request-method":
            return RequestMethod(tuple(condition["HttpRequestMethodConfig"]["Values"]))
        case "query-string":
            pairs = condition["QueryStringConfig"]["Values"]
            return QueryString(tuple((pair.get("Key"), pair["Value"]) for pair in pairs))
    blocks = condition["SourceIpConfig"]["Values"]
    return SourceIp(tuple(str(ipaddress.ip_network(block, strict=False)) for block in blocks))


def _patterns(values: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    regex = "RegexValues" in values
    return tuple(values["RegexValues" if regex else "Values"]), regex


def _action(actions: Sequence[Described]) -> Action:
    [action] = actions
    match action["Type"]:
        case "forward":
            forward = action["ForwardConfig"]
            sticky = forward["TargetGroupStickinessConfig"]
            return Forward(
                tuple((pair["TargetGroupArn"], int(pair["Weight"])) for pair in forward["TargetGroups"]),
                float(sticky["DurationSeconds"]) if sticky["Enabled"] else None,
            )
        case "redirect":
            to = action["RedirectConfig"]
            status = int(to["StatusCode"].removeprefix("HTTP_"))
            return Redirect(status, to["Protocol"], to["Host"], to["Port"], to["Path"], to["Query"])
    fixed = action["FixedResponseConfig"]
    return FixedResponse(int(fixed["StatusCode"]), fixed.get("ContentType", "text/plain"), fixed.get("MessageBody", ""))


# ── target groups ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _group(
    group: TargetGroup,
    registrations: Iterable[Registration],
    instances: Mapping[str, Instance],
    zones: set[str],
    node_addresses: frozenset[str],
) -> config.TargetGroup:
    settings = group.settings
    routing = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"
    percent = settings[f"{routing}.percentage"]
    own = [row for row in registrations if row.target_group_arn == group.arn]
    if group.target_type == "ip":
        standing = _by_address(instances, group.vpc_id)
        targets = [_address(row, group, standing) for row in own if row.target_id not in node_addresses]
    else:
        targets = [target for row in own for target in _instance(row, instances.get(row.target_id))]
    return config.TargetGroup(
        arn=group.arn,
        name=group.name,
        protocol=group.protocol,
        health_check=_health_check(group.health_check),
        targets=tuple(target for target in targets if target.zone in zones),
        cross_zone=group.cross_zone,
        algorithm=settings["load_balancing.algorithm.type"],
        anomaly_mitigation=settings["load_balancing.algorithm.anomaly_mitigation"] == "on",
        slow_start=float(settings["slow_start.duration_seconds"]),
        stickiness=_stickiness(settings),
        minimum_healthy=int(settings[f"{routing}.count"]),
        minimum_healthy_percent=None if percent == "off" else int(percent),
    )


def _health_check(check: Mapping[str, Any]) -> config.HealthCheck:
    port = check["HealthCheckPort"]
    return config.HealthCheck(
        protocol=check["HealthCheckProtocol"],
        port=None if port == "traffic-port" else int(port),
        path=check["HealthCheckPath"],
        interval=float(check["HealthCheckIntervalSeconds"]),
        timeout=float(check["HealthCheckTimeoutSeconds"]),
        healthy_threshold=check["HealthyThresholdCount"],
        unhealthy_threshold=check["UnhealthyThresholdCount"],
        matcher=check["Matcher"]["HttpCode"],
    )


def _stickiness(settings: Mapping[str, str]) -> config.Stickiness | None:
    if settings["stickiness.enabled"] != "true":
        return None
    if settings["stickiness.type"] == "app_cookie":
        duration = float(settings["stickiness.app_cookie.duration_seconds"])
        return config.Stickiness(duration, app=True, cookie=settings["stickiness.app_cookie.cookie_name"])
    return config.Stickiness(float(settings["stickiness.lb_cookie.duration_seconds"]))


def _instance(registration: Registration, instance: Instance | None) -> Iterable[config.Target]:
    # An instance that is shutting down was drained before, or is dead; one that has stopped answers nobody.
    if instance is None or instance.state != "running":
        return
    endpoint = instance.endpoints.get(str(registration.port), f"{instance.private_ip_address}:{registration.port}")
    yield _target(registration, instance.availability_zone, endpoint)


def _address(registration: Registration, group: TargetGroup, standing: Mapping[str, Instance]) -> config.Target:
    """An address is dialled as it is, but for that of an instance that runs as a local process."""
    plain = f"{registration.target_id}:{registration.port}"
    instance = standing.get(registration.target_id)
    endpoint = plain if instance is None else instance.endpoints.get(str(registration.port), plain)
    return _target(registration, registration.zone_in(group), endpoint)


def _by_address(instances: Mapping[str, Instance], vpc_id: str) -> dict[str, Instance]:
    return {
        instance.private_ip_address: instance
        for instance in instances.values()
        if instance.vpc_id == vpc_id and instance.state == "running"
    }


def _target(registration: Registration, zone: str, endpoint: str) -> config.Target:
    host, _, port = endpoint.rpartition(":")
    draining = registration.deregistered_at is not None
    return config.Target(registration.target_id, registration.port, zone, host, int(port), draining)
