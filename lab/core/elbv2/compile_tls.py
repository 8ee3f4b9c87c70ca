"""Rows → what an HTTPS listener's nodes are told of TLS. Pure."""

from collections.abc import Mapping

from lab.core import acm
from lab.core.elbv2 import config
from lab.core.elbv2.model import ListenerTls, TrustStore


def compile_tls(
    tls: ListenerTls, certificates: Mapping[str, acm.Certificate], trust_stores: Mapping[str, TrustStore]
) -> config.Tls:
    """Both mappings are by ARN. The actions delete no certificate or trust store that a listener has; were one missing, the
    document would fail its check and not be published."""
    return config.Tls(
        tls.policy,
        tuple(
            config.Certificate(arn, certificates[arn].served, certificates[arn].private_key)
            for arn in tls.certificates
            if arn in certificates
        ),
        _mutual(tls, trust_stores),
    )


def _mutual(tls: ListenerTls, trust_stores: Mapping[str, TrustStore]) -> config.MutualAuthentication | None:
    settings = tls.mutual_authentication
    mode = settings["Mode"]
    if mode == "off":
        return None
    store = trust_stores.get(tls.trust_store)
    if store is None:
        return config.MutualAuthentication(mode)
    return config.MutualAuthentication(
        mode,
        store.bundle,
        tuple(revocation.content for revocation in store.revocations),
        ignore_expiry=bool(settings.get("IgnoreClientCertificateExpiry", False)),
        advertise_authorities=settings.get("AdvertiseTrustStoreCaNames", "off") == "on",
    )
