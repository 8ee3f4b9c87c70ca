"""A listener's certificate list, and the security policies there are (aws-facts §1.9)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads
from lab.actions.elbv2.find import get_listener, listeners_of
from lab.actions.elbv2.limits import CERTIFICATES
from lab.actions.elbv2.tls import servable
from lab.core.elbv2.model import Listener, ListenerTls
from lab.core.elbv2.tls_policies import POLICIES, SecurityPolicy
from lab.core.errors import LabError


@reads("ListenerArn", "Certificates")
def add_listener_certificates(context: Context, request: Request) -> Response:
    """One that is in the list already is not added again. The limit counts certificates of all the load balancer's listeners,
    default ones left out (alb:load-balancer-limits)."""
    listener, tls = _secured(context, request["ListenerArn"])
    added = [servable(context, one) for one in request["Certificates"]]
    listed = tuple(dict.fromkeys((*tls.listed, *added)))
    rows = listeners_of(context, listener.load_balancer_arn)
    others = {arn for row in rows if row.tls is not None and row.arn != listener.arn for arn in row.tls.listed}
    if len({*others, *listed}) > CERTIFICATES:
        raise LabError(
            "TooManyCertificates", f"A load balancer has at most {CERTIFICATES} certificates besides default ones"
        )
    context.store.put(replace(listener, tls=replace(tls, listed=listed)))
    return {"Certificates": _described(dict.fromkeys(added), default=False)}


@reads("ListenerArn", "Certificates")
def remove_listener_certificates(context: Context, request: Request) -> Response:
    """Of the list. One that is not in it is passed over, but the default certificate is not to be removed."""
    listener, tls = _secured(context, request["ListenerArn"])
    removed = [one.get("CertificateArn", "") for one in request["Certificates"]]
    if tls.default_certificate in removed and tls.default_certificate not in tls.listed:
        raise LabError(
            "OperationNotPermitted",
            f"Default certificate '{tls.default_certificate}' cannot be removed; ModifyListener puts another in its place",
        )
    listed = tuple(arn for arn in tls.listed if arn not in removed)
    context.store.put(replace(listener, tls=replace(tls, listed=listed)))
    return {}


@reads("ListenerArn", "Marker", "PageSize")
def describe_listener_certificates(context: Context, request: Request) -> Response:
    _, tls = _secured(context, request["ListenerArn"])
    return {
        "Certificates": [*_described([tls.default_certificate], default=True), *_described(tls.listed, default=False)]
    }


@reads("Names", "LoadBalancerType", "Marker", "PageSize")
def describe_ssl_policies(_context: Context, request: Request) -> Response:
    names = request.get("Names") or list(POLICIES)
    unknown = [name for name in names if name not in POLICIES]
    if unknown:
        raise LabError("SSLPolicyNotFound", f"SSL policies '{', '.join(unknown)}' not found")
    if request.get("LoadBalancerType", "application") != "application":
        return {"SslPolicies": []}
    return {"SslPolicies": [_policy(POLICIES[name]) for name in names]}


def _secured(context: Context, arn: str) -> tuple[Listener, ListenerTls]:
    listener = get_listener(context, arn)
    if listener.tls is None:
        raise LabError("UnsupportedProtocol", f"Listener '{arn}' has protocol {listener.protocol}, and no certificates")
    return listener, listener.tls


def _described(arns: Iterable[str], *, default: bool) -> list[dict[str, Any]]:
    return [{"CertificateArn": arn, "IsDefault": default} for arn in arns]


def _policy(policy: SecurityPolicy) -> Mapping[str, Any]:
    return {
        "Name": policy.name,
        "SslProtocols": list(policy.protocols),
        "Ciphers": [{"Name": name, "Priority": number} for number, name in enumerate(policy.ciphers, 1)],
        "SupportedLoadBalancerTypes": ["application", "network"],
    }
