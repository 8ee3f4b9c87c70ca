"""Certificates, HTTPS listeners, certificate lists and trust stores of templates, over the actions themselves."""

from typing import Any

import pytest

from lab.core.acm import Certificate
from lab.core.errors import LabError
from lab.stack.resources import TYPES
from lab.stack.resources.base import DONE, Progress, Work
from tests import pem
from tests.actions.aws import NOW
from tests.stack.test_elbv2 import LISTENER, Site

CERTIFICATE = "AWS::CertificateManager::Certificate"
LIST, TRUST_STORE = (f"AWS::ElasticLoadBalancingV2::{name}" for name in ("ListenerCertificate", "TrustStore"))
MODERN, OLD = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "ELBSecurityPolicy-2016-08"
BUNDLE = {"CaCertificatesBundleS3Bucket": "trust", "CaCertificatesBundleS3Key": "ca.pem"}


@pytest.fixture
def site() -> Site:
    site = Site()
    site.aws.buckets.create("trust")
    site.aws.buckets.put("trust", "ca.pem", pem.root(NOW).pem.encode())
    site.aws.buckets.put("trust", "two.pem", (pem.root(NOW).pem + pem.root(NOW, "B").pem).encode())
    return site


def certificate(site: Site, name: str = "shop.lab.local", **properties: Any) -> str:
    return site.create(CERTIFICATE, DomainName=name, KeyAlgorithm="EC_prime256v1", **properties)


def https(arn: str, **properties: Any) -> dict[str, Any]:
    return {"Protocol": "HTTPS", "Port": 443, "Certificates": [{"CertificateArn": arn}], **properties}


def described(site: Site, arn: str) -> dict[str, Any]:
    [found] = site.aws("elbv2", "DescribeListeners", ListenerArns=[arn])["Listeners"]
    return dict(found)


def delete(site: Site, kind: str, physical_id: str, **properties: Any) -> Progress:
    return TYPES[kind].delete(Work(site.call, properties, "web", physical_id))


def test_a_certificate(site: Site) -> None:
    arn = certificate(site, SubjectAlternativeNames=["*.lab.local"], Tags=[{"Key": "a", "Value": "1"}])
    [found] = site.aws.store.all(Certificate)
    assert (found.arn, found.names, found.tags) == (arn, ("shop.lab.local", "*.lab.local"), {"a": "1"})
    assert TYPES[CERTIFICATE].stable(Work(site.call, {}, physical_id=arn)) == DONE
    old = {"DomainName": "shop.lab.local", "Tags": [{"Key": "a", "Value": "1"}]}
    site.update(CERTIFICATE, arn, old, {**old, "Tags": [{"Key": "b", "Value": "2"}]})
    assert site.aws("acm", "ListTagsForCertificate", CertificateArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    site.delete(CERTIFICATE, arn)
    site.delete(CERTIFICATE, arn)  # gone already
    assert site.aws.store.all(Certificate) == []


def test_a_certificate_that_has_expired_fails(site: Site) -> None:
    arn = certificate(site)
    site.aws.certificates.wall_time = lambda: NOW + 400 * 86400
    assert TYPES[CERTIFICATE].stable(Work(site.call, {}, physical_id=arn)).state == "failed"


def test_a_certificate_in_use_is_waited_for(site: Site) -> None:
    """Deleting says busy, which the engine tries again."""
    arn = certificate(site)
    site.listener(**https(arn))
    with pytest.raises(LabError, match="in use") as caught:
        delete(site, CERTIFICATE, arn)
    assert caught.value.code == "ResourceInUseException"


def test_an_https_listener_is_made_and_changed(site: Site) -> None:
    one, two = certificate(site), certificate(site, "two.lab.local")
    old = https(one, SslPolicy=MODERN, MutualAuthentication={"Mode": "passthrough"})
    arn = site.listener(**old)
    assert (described(site, arn)["SslPolicy"], described(site, arn)["MutualAuthentication"]["Mode"]) == (
        MODERN,
        "passthrough",
    )
    site.update(LISTENER, arn, old, https(two))
    found = described(site, arn)
    assert (found["Certificates"], found["SslPolicy"]) == ([{"CertificateArn": two}], OLD)
    assert found["MutualAuthentication"] == {"Mode": "passthrough"}  # only Mode off ends it, as on AWS
    site.update(LISTENER, arn, https(two), {"Protocol": "HTTP", "Port": 443})
    assert "Certificates" not in described(site, arn)
    site.update(LISTENER, arn, {"Protocol": "HTTP", "Port": 443}, https(one))
    assert described(site, arn)["Certificates"] == [{"CertificateArn": one}]


def test_an_alpn_policy_is_refused_as_aws_does(site: Site) -> None:
    with pytest.raises(LabError, match="ALPN") as caught:
        site.listener(**https(certificate(site), AlpnPolicy=["HTTP2Preferred"]))
    assert caught.value.code == "ALPNPolicyNotFound"


def test_a_certificate_list(site: Site) -> None:
    arns = [certificate(site, f"n{number}.lab.local") for number in range(4)]
    listener = site.listener(**https(arns[0]))
    given = [{"CertificateArn": arn} for arn in arns]
    old, new = ({"ListenerArn": listener, "Certificates": some} for some in (given[1:3], given[2:4]))

    def listed() -> list[str]:
        found = site.aws("elbv2", "DescribeListenerCertificates", ListenerArn=listener)["Certificates"]
        return [one["CertificateArn"] for one in found if not one["IsDefault"]]

    name = site.create(LIST, **old)
    assert listed() == arns[1:3]
    site.update(LIST, name, old, new)
    assert listed() == arns[2:4]
    assert delete(site, LIST, name, **new) == DONE
    assert listed() == []
    site.delete(LISTENER, listener)
    assert delete(site, LIST, name, **new) == DONE  # went with its listener


def test_a_trust_store(site: Site) -> None:
    arn = site.create(TRUST_STORE, **BUNDLE, Tags=[{"Key": "a", "Value": "1"}])
    assert ":truststore/web/" in arn
    assert site.read(TRUST_STORE, arn, "TrustStoreArn") == arn
    assert site.read(TRUST_STORE, arn, "Status") == "ACTIVE"
    assert site.read(TRUST_STORE, arn, "NumberOfCaCertificates") == 1
    new = {**BUNDLE, "CaCertificatesBundleS3Key": "two.pem", "Tags": [{"Key": "a", "Value": "1"}]}
    site.update(TRUST_STORE, arn, {**BUNDLE, "Tags": [{"Key": "a", "Value": "1"}]}, new)
    assert site.read(TRUST_STORE, arn, "NumberOfCaCertificates") == 2
    mutual = {"Mode": "verify", "TrustStoreArn": arn}
    listener = site.listener(**https(certificate(site), MutualAuthentication=mutual))
    assert described(site, listener)["MutualAuthentication"]["TrustStoreArn"] == arn
    site.delete(LISTENER, listener)
    site.delete(TRUST_STORE, arn)


def test_a_trust_store_needs_its_bundle() -> None:
    assert TYPES[TRUST_STORE].check({"Name": "x"}) == (
        "a trust store needs CaCertificatesBundleS3Bucket and CaCertificatesBundleS3Key"
    )
    assert TYPES[TRUST_STORE].check(BUNDLE) is None
