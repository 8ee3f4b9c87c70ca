"""HTTPS listeners, their certificate lists, security policies and mutual authentication (aws-facts §1.2, §1.9)."""

from typing import Any

import pytest

from lab.core.acm import Certificate
from lab.core.elbv2.check import problems
from lab.core.elbv2.compile import compile_config
from lab.core.elbv2.config import MutualAuthentication, Tls
from lab.core.elbv2.model import Listener, ListenerTls, LoadBalancer, TargetGroup, TrustStore
from lab.core.elbv2.tls_policies import POLICIES
from tests import pem
from tests.actions.aws import NOW, forward
from tests.actions.conftest import Site
from tests.actions.https import certificates, modify, verifying

MODERN = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"


def described(site: Site) -> dict[str, Any]:
    [found] = site.aws("elbv2", "DescribeListeners", ListenerArns=[site.secure])["Listeners"]
    return dict(found)


def listed(site: Site) -> list[tuple[str, bool]]:
    found = site.aws("elbv2", "DescribeListenerCertificates", ListenerArn=site.secure)["Certificates"]
    return [(one["CertificateArn"], one["IsDefault"]) for one in found]


# Listeners.


def test_an_https_listener(site: Site) -> None:
    found = described(site)
    assert (found["Protocol"], found["Port"]) == ("HTTPS", 443)
    assert found["Certificates"] == certificates(site.certificate)
    assert (found["SslPolicy"], found["MutualAuthentication"]) == ("ELBSecurityPolicy-2016-08", {"Mode": "off"})


def test_creating_it_again_answers_with_what_is_there(site: Site) -> None:
    assert site.aws.listener(
        site.balancer, site.target_group, 443, Protocol="HTTPS", Certificates=certificates(site.certificate)
    ) == site.secure  # fmt: skip


def test_modifying_changes_what_is_named(site: Site) -> None:
    other = site.aws.certificate("other.lab.local")
    assert modify(site, SslPolicy=MODERN)["Certificates"] == certificates(site.certificate)
    assert modify(site, Certificates=certificates(other))["SslPolicy"] == MODERN
    assert modify(site, Port=8443)["Certificates"] == certificates(other)


def test_to_http_and_back(site: Site) -> None:
    """bc:elbv2.ModifyListener"""
    found = modify(site, Protocol="HTTP", Port=81)
    assert not {"Certificates", "SslPolicy", "MutualAuthentication"} & set(found)
    site.aws("acm", "DeleteCertificate", CertificateArn=site.certificate)
    assert site.aws.refusal("elbv2", "ModifyListener", ListenerArn=site.secure, Protocol="HTTPS") == "ValidationError"
    again = site.aws.certificate("again.lab.local")
    assert modify(site, Protocol="HTTPS", Certificates=certificates(again))["Certificates"] == certificates(again)


def test_an_http_listener_tells_nothing_of_tls(site: Site) -> None:
    [found] = site.aws("elbv2", "DescribeListeners", ListenerArns=[site.listener])["Listeners"]
    assert not {"Certificates", "SslPolicy", "MutualAuthentication"} & set(found)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Certificates": []}, "ValidationError"),
        ({"Certificates": [{}]}, "CertificateNotFound"),
        ({"Certificates": certificates("arn:aws:acm:us-east-1:123456789012:certificate/none")}, "CertificateNotFound"),
        ({"Certificates": [*certificates("<certificate>"), *certificates("<certificate>")]}, "TooManyCertificates"),
        ({"Certificates": [{"CertificateArn": "<certificate>", "IsDefault": True}]}, "ValidationError"),
        ({"SslPolicy": "ELBSecurityPolicy-1999"}, "SSLPolicyNotFound"),
        ({"AlpnPolicy": ["HTTP2Optional"]}, "ALPNPolicyNotFound"),
        ({"Protocol": "TLS"}, "UnsupportedProtocol"),
        ({"Protocol": "HTTP"}, "ValidationError"),  # with a certificate
        ({"Protocol": "HTTP", "Certificates": [], "SslPolicy": MODERN}, "ValidationError"),
        ({"Protocol": "HTTP", "Certificates": [], "MutualAuthentication": {"Mode": "passthrough"}}, "ValidationError"),
        ({"MutualAuthentication": {"Mode": "maybe"}}, "ValidationError"),
        ({"MutualAuthentication": {"Mode": "verify"}}, "ValidationError"),
        ({"MutualAuthentication": {"Mode": "verify", "TrustStoreArn": "arn:none"}}, "TrustStoreNotFound"),
        ({"MutualAuthentication": {"Mode": "passthrough", "TrustStoreArn": "<trust_store>"}}, "ValidationError"),
        ({"MutualAuthentication": {"Mode": "off", "IgnoreClientCertificateExpiry": True}}, "ValidationError"),
    ],
)
def test_listeners_that_are_refused(site: Site, members: dict[str, Any], code: str) -> None:
    given = {
        "LoadBalancerArn": site.balancer, "Protocol": "HTTPS", "Port": 444, "DefaultActions": [forward(site.target_group)],
        "Certificates": certificates(site.certificate), **site.filled(members),
    }  # fmt: skip
    assert site.aws.refusal("elbv2", "CreateListener", **given) == code


def test_a_certificate_without_a_name_serves_no_listener(site: Site) -> None:
    pair = pem.certificate(NOW, (), subject="no name at all", addresses=["127.0.0.1"])
    arn = site.aws("acm", "ImportCertificate", Certificate=pair.pem, PrivateKey=pair.key)["CertificateArn"]
    code = site.aws.refusal("elbv2", "ModifyListener", ListenerArn=site.secure, Certificates=certificates(arn))
    assert code == "UnsupportedCertificate"


# The certificate list.


def test_the_certificate_list(site: Site) -> None:
    """A certificate is not added twice; the default one may be in the list as well (bc:elbv2)."""
    one, two = site.aws.certificate("one.lab.local"), site.aws.certificate("two.lab.local")
    given = certificates(one, two, one, site.certificate)
    added = site.aws("elbv2", "AddListenerCertificates", ListenerArn=site.secure, Certificates=given)["Certificates"]
    assert [row["CertificateArn"] for row in added] == [one, two, site.certificate]
    assert listed(site) == [(site.certificate, True), (one, False), (two, False), (site.certificate, False)]
    assert described(site)["Certificates"] == certificates(site.certificate)
    assert site.aws.refusal("acm", "DeleteCertificate", CertificateArn=one) == "ResourceInUseException"
    gone = certificates(one, site.certificate, "arn:none")
    site.aws("elbv2", "RemoveListenerCertificates", ListenerArn=site.secure, Certificates=gone)
    assert listed(site) == [(site.certificate, True), (two, False)]
    site.aws("acm", "DeleteCertificate", CertificateArn=one)


def test_another_default_leaves_the_list_as_it_is(site: Site) -> None:
    one, two = site.aws.certificate("one.lab.local"), site.aws.certificate("two.lab.local")
    site.aws("elbv2", "AddListenerCertificates", ListenerArn=site.secure, Certificates=certificates(one))
    modify(site, Certificates=certificates(two))
    assert listed(site) == [(two, True), (one, False)]


@pytest.mark.parametrize(
    ("operation", "listener", "certificate", "code"),
    [
        ("AddListenerCertificates", "arn:none", "<certificate>", "ListenerNotFound"),
        ("AddListenerCertificates", "<listener>", "<certificate>", "UnsupportedProtocol"),
        ("AddListenerCertificates", "<secure>", "arn:none", "CertificateNotFound"),
        ("RemoveListenerCertificates", "<secure>", "<certificate>", "OperationNotPermitted"),
        ("RemoveListenerCertificates", "arn:none", "<certificate>", "ListenerNotFound"),
    ],
)
def test_lists_that_are_refused(site: Site, operation: str, listener: str, certificate: str, code: str) -> None:
    given = site.filled({"ListenerArn": listener, "Certificates": certificates(certificate)})
    assert site.aws.refusal("elbv2", operation, **given) == code


def test_a_load_balancer_has_25_certificates_besides_the_default(site: Site) -> None:
    arns = [site.aws.certificate(f"n{number}.lab.local") for number in range(26)]
    site.aws("elbv2", "AddListenerCertificates", ListenerArn=site.secure, Certificates=certificates(*arns[:24]))
    other = site.aws.listener(
        site.balancer, site.target_group, 444, Protocol="HTTPS", Certificates=certificates(arns[0])
    )
    site.aws("elbv2", "AddListenerCertificates", ListenerArn=other, Certificates=certificates(arns[0], arns[24]))
    given = {"ListenerArn": other, "Certificates": certificates(arns[25])}
    assert site.aws.refusal("elbv2", "AddListenerCertificates", **given) == "TooManyCertificates"


# Security policies.


def test_security_policies_are_awss(site: Site) -> None:
    every = site.aws("elbv2", "DescribeSSLPolicies")["SslPolicies"]
    assert [one["Name"] for one in every] == list(POLICIES)
    [one] = site.aws("elbv2", "DescribeSSLPolicies", Names=[MODERN])["SslPolicies"]
    assert set(one["SslProtocols"]) == {"TLSv1.2", "TLSv1.3"}
    assert one["Ciphers"][0] == {"Name": "TLS_AES_128_GCM_SHA256", "Priority": 1}
    assert [cipher["Priority"] for cipher in one["Ciphers"]] == list(range(1, len(one["Ciphers"]) + 1))
    assert site.aws("elbv2", "DescribeSSLPolicies", LoadBalancerType="gateway")["SslPolicies"] == []
    assert site.aws.refusal("elbv2", "DescribeSSLPolicies", Names=["none"]) == "SSLPolicyNotFound"


# Mutual authentication.


def test_mutual_authentication_as_it_is_described(site: Site) -> None:
    assert modify(site, MutualAuthentication=verifying(site))["MutualAuthentication"] == {
        "Mode": "verify",
        "TrustStoreArn": site.trust_store,
        "IgnoreClientCertificateExpiry": False,
        "TrustStoreAssociationStatus": "active",
        "AdvertiseTrustStoreCaNames": "off",
    }
    assert modify(site, MutualAuthentication={"Mode": "passthrough"})["MutualAuthentication"] == {"Mode": "passthrough"}
    assert modify(site, SslPolicy=MODERN)["MutualAuthentication"] == {"Mode": "passthrough"}


def test_two_listeners_of_a_load_balancer_verify_clients_at_most(site: Site) -> None:
    modify(site, MutualAuthentication=verifying(site))
    members = {
        "Protocol": "HTTPS",
        "Certificates": certificates(site.certificate),
        "MutualAuthentication": verifying(site),
    }
    second = site.aws.listener(site.balancer, site.target_group, 444, **members)
    given = {
        "LoadBalancerArn": site.balancer, "Port": 445, "DefaultActions": [forward(site.target_group)], **members,
    }  # fmt: skip
    assert site.aws.refusal("elbv2", "CreateListener", **given) == "InvalidConfigurationRequest"
    site.aws("elbv2", "ModifyListener", ListenerArn=second, SslPolicy=MODERN)  # its own place is its own


# What nodes are told.


def compiled(site: Site) -> Tls:
    store = site.aws.store
    [balancer] = store.all(LoadBalancer)
    document = compile_config(
        balancer, store.all(Listener), [], store.all(TargetGroup), [], {}, 1.0, 1,
        certificates={row.arn: row for row in store.all(Certificate)},
        trust_stores={row.arn: row for row in store.all(TrustStore)},
    )  # fmt: skip
    assert problems(document) == []
    tls = {listener.port: listener.tls for listener in document.listeners}
    assert tls[80] is None
    assert tls[443] is not None
    return tls[443]


def test_nodes_get_each_certificate_once_and_the_default_first(site: Site) -> None:
    other = site.aws.certificate("other.lab.local")
    given = certificates(other, site.certificate)
    site.aws("elbv2", "AddListenerCertificates", ListenerArn=site.secure, Certificates=given)
    modify(site, SslPolicy=MODERN)
    tls = compiled(site)
    assert (tls.policy, tls.mutual) == (MODERN, None)
    assert [one.arn for one in tls.certificates] == [site.certificate, other]
    row = site.aws.store.get(Certificate, site.certificate)
    assert row is not None
    assert (tls.certificates[0].chain, tls.certificates[0].private_key) == (row.body, row.private_key)


def test_nodes_get_the_trust_store(site: Site) -> None:
    modify(
        site, MutualAuthentication=verifying(site, IgnoreClientCertificateExpiry=True, AdvertiseTrustStoreCaNames="on")
    )
    [row] = site.aws.store.all(TrustStore)
    assert compiled(site).mutual == MutualAuthentication(
        "verify", row.bundle, (row.revocations[0].content,), ignore_expiry=True, advertise_authorities=True
    )
    modify(site, MutualAuthentication={"Mode": "passthrough"})
    assert compiled(site).mutual == MutualAuthentication("passthrough")


def test_a_document_without_its_certificate_is_not_published(site: Site) -> None:
    """No action brings it about; a damaged state might."""
    [balancer] = site.aws.store.all(LoadBalancer)
    listener = site.aws.store.get(Listener, site.secure)
    assert listener is not None
    assert isinstance(listener.tls, ListenerTls)
    document = compile_config(balancer, [listener], [], site.aws.store.all(TargetGroup), [], {}, 1.0, 1)
    assert problems(document) == ["listener 443 has no certificate"]
