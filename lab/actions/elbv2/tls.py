"""What a listener's protocol being HTTPS asks for: certificate, security policy, mutual authentication (aws-facts §1.9).

No operation is here: `listeners` has them, and `certificates` those of a listener's certificate list.
"""

from collections.abc import Mapping
from typing import Any

from lab.actions.context import Context, Request
from lab.actions.elbv2.find import listeners_of
from lab.core.acm import Certificate
from lab.core.elbv2.model import Listener, ListenerTls, TrustStore
from lab.core.elbv2.tls_policies import API_DEFAULT, POLICIES
from lab.core.errors import LabError

MEMBERS = ("Certificates", "SslPolicy", "AlpnPolicy", "MutualAuthentication")
"""Of CreateListener and ModifyListener."""

PROTOCOLS = ("HTTP", "HTTPS")
VERIFYING_LISTENERS = 2
"""Of a load balancer (alb:load-balancer-limits)."""

MODES = ("off", "passthrough", "verify")


def checked_protocol(name: str) -> str:
    if name not in PROTOCOLS:
        raise LabError(
            "UnsupportedProtocol", f"Listeners of an application load balancer speak HTTP or HTTPS, not {name}"
        )
    return name


def tls_of(
    context: Context, request: Request, protocol: str, before: Listener | None, balancer_arn: str
) -> ListenerTls | None:
    """The listener's TLS after the request; `before` is the listener as it was. Changing to HTTP drops it."""
    if request.get("AlpnPolicy"):
        raise LabError(
            "ALPNPolicyNotFound",
            "ALPN policies are for listeners of protocol TLS; HTTPS listeners offer h2 and http/1.1",
        )
    if protocol != "HTTPS":
        _refuse_all(request)
        return None
    known = None if before is None else before.tls
    if request.get("Certificates"):
        default = _default_certificate(context, request["Certificates"])
    elif known is None:
        raise LabError("ValidationError", "A certificate must be specified for HTTPS listeners")
    else:
        default = known.default_certificate
    policy = request.get("SslPolicy", API_DEFAULT if known is None else known.policy)
    if policy not in POLICIES:
        raise LabError("SSLPolicyNotFound", f"SSL policy '{policy}' not found; DescribeSSLPolicies lists them")
    mutual: Mapping[str, Any] = {"Mode": "off"} if known is None else known.mutual_authentication
    if "MutualAuthentication" in request:
        mutual = _mutual(context, request["MutualAuthentication"])
    if mutual["Mode"] == "verify":
        _check_verifying(context, balancer_arn, "" if before is None else before.arn)
    return ListenerTls(policy, default, () if known is None else known.listed, mutual)


def described_tls(tls: ListenerTls | None) -> dict[str, Any]:
    """The members that describing a listener shows: of its certificates the default one only."""
    if tls is None:
        return {}
    return {
        "Certificates": [{"CertificateArn": tls.default_certificate}],
        "SslPolicy": tls.policy,
        "MutualAuthentication": dict(tls.mutual_authentication),
    }


def servable(context: Context, given: Mapping[str, Any]) -> str:
    """The ARN of a certificate that a load balancer can use. Raises CertificateNotFound, and UnsupportedCertificate for one
    without a name, or signed by SHA-1, which OpenSSL does not load."""
    if "IsDefault" in given:
        raise LabError("ValidationError", "IsDefault is told in answers only; leave it out")
    arn = given.get("CertificateArn", "")
    certificate = context.store.get(Certificate, arn)
    if certificate is None:
        raise LabError("CertificateNotFound", f"Certificate '{arn}' not found")
    facts = certificate.facts
    if not facts.names or not facts.signature_algorithm.startswith(("SHA256", "SHA384", "SHA512")):
        raise LabError(
            "UnsupportedCertificate",
            f"The certificate '{arn}' must have a domain name and a signature by SHA-2; "
            f"it is for {', '.join(facts.names) or 'no name'} and signed by {facts.signature_algorithm}",
        )
    return certificate.arn


def _default_certificate(context: Context, given: list[Mapping[str, Any]]) -> str:
    if len(given) != 1:
        raise LabError(
            "TooManyCertificates",
            "Only one certificate can be specified: the default one; AddListenerCertificates adds further ones",
        )
    return servable(context, given[0])


def _refuse_all(request: Request) -> None:
    for member, what in (("Certificates", "A certificate"), ("SslPolicy", "An SSL policy")):
        if request.get(member):
            raise LabError("ValidationError", f"{what} cannot be specified for HTTP listeners")
    if request.get("MutualAuthentication", {}).get("Mode", "off") != "off":
        raise LabError("ValidationError", "Mutual authentication cannot be specified for HTTP listeners")


def _mutual(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """As describe shows it, checked."""
    mode = given.get("Mode", "off")
    if mode not in MODES:
        raise LabError("ValidationError", f"Mode must be one of {', '.join(MODES)}, not '{mode}'")
    if mode != "verify":
        extra = [name for name in ("TrustStoreArn", "IgnoreClientCertificateExpiry", "AdvertiseTrustStoreCaNames")
                 if given.get(name, "off") not in ("off", False)]  # fmt: skip
        if extra:
            raise LabError(
                "ValidationError", f"{', '.join(extra)} cannot be specified with mutual authentication {mode}"
            )
        return {"Mode": mode}
    arn = given.get("TrustStoreArn")
    if not arn:
        raise LabError(
            "ValidationError", "A trust store must be specified to verify client certificates: TrustStoreArn"
        )
    if context.store.get(TrustStore, arn) is None:
        raise LabError("TrustStoreNotFound", f"Trust store '{arn}' not found")
    advertise = given.get("AdvertiseTrustStoreCaNames", "off")
    if advertise not in ("on", "off"):
        raise LabError("ValidationError", f"AdvertiseTrustStoreCaNames must be on or off, not '{advertise}'")
    return {
        "Mode": "verify",
        "TrustStoreArn": arn,
        "IgnoreClientCertificateExpiry": given.get("IgnoreClientCertificateExpiry", False),
        "TrustStoreAssociationStatus": "active",
        "AdvertiseTrustStoreCaNames": advertise,
    }


def _check_verifying(context: Context, balancer_arn: str, apart_from: str) -> None:
    verifying = [
        row
        for row in listeners_of(context, balancer_arn)
        if row.arn != apart_from and row.tls is not None and row.tls.mutual_authentication["Mode"] == "verify"
    ]
    if len(verifying) >= VERIFYING_LISTENERS:
        raise LabError(
            "InvalidConfigurationRequest",
            f"A load balancer has at most {VERIFYING_LISTENERS} listeners that verify client certificates",
        )
