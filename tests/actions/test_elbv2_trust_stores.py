"""Trust stores and their revocation lists (aws-facts §1.9)."""

from typing import Any

import pytest

from lab.core.elbv2.model import TrustStore
from tests import pem
from tests.actions.aws import NOW, Aws
from tests.actions.conftest import Site
from tests.actions.https import modify, verifying

ROOT, OTHER = pem.root(NOW), pem.root(NOW, "Another root")


def stored(site: Site) -> dict[str, Any]:
    [found] = site.aws("elbv2", "DescribeTrustStores", TrustStoreArns=[site.trust_store])["TrustStores"]
    return dict(found)


def put(aws: Aws, key: str, text: str) -> None:
    aws.buckets.put("trust", key, text.encode())


def test_a_trust_store(site: Site) -> None:
    found = stored(site)
    assert (found["Name"], found["Status"]) == ("clients", "ACTIVE")
    assert (found["NumberOfCaCertificates"], found["TotalRevokedEntries"]) == (1, 2)
    assert site.aws("elbv2", "DescribeTrustStores", Names=["clients"])["TrustStores"] == [found]
    assert ":truststore/clients/" in site.trust_store


def test_a_bundle_is_read_once(site: Site) -> None:
    put(site.aws, "two.pem", f"# A comment.\n{ROOT.pem}\n\n{OTHER.pem}")
    arn = site.aws.trust_store("two", "two.pem")
    put(site.aws, "two.pem", "something else")
    [found] = site.aws("elbv2", "DescribeTrustStores", TrustStoreArns=[arn])["TrustStores"]
    assert found["NumberOfCaCertificates"] == 2


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("x", None, "CaCertificatesBundleNotFound"),
        ("x", "", "InvalidCaCertificatesBundle"),
        ("x", "nothing", "InvalidCaCertificatesBundle"),
        ("x", ROOT.pem + ROOT.key, "InvalidCaCertificatesBundle"),
        ("x", pem.certificate(NOW).pem, "InvalidCaCertificatesBundle"),  # nobody's authority
        ("x", ROOT.pem[:200] + "\n-----END CERTIFICATE-----\n", "InvalidCaCertificatesBundle"),
        ("x", ROOT.pem * 26, "InvalidCaCertificatesBundle"),
        ("clients", ROOT.pem, "DuplicateTrustStoreName"),
        ("-x", ROOT.pem, "ValidationError"),
        ("x" * 33, ROOT.pem, "ValidationError"),
    ],
)
def test_trust_stores_that_are_refused(site: Site, name: str, text: str | None, code: str) -> None:
    if text is not None:
        put(site.aws, "new.pem", text)
    given = {"Name": name, "CaCertificatesBundleS3Bucket": "trust", "CaCertificatesBundleS3Key": "new.pem"}
    assert site.aws.refusal("elbv2", "CreateTrustStore", **given) == code


def test_there_are_twenty_trust_stores_at_most(site: Site) -> None:
    for number in range(19):
        site.aws.trust_store(f"store-{number}")
    given = {"Name": "one-more", "CaCertificatesBundleS3Bucket": "trust", "CaCertificatesBundleS3Key": "ca.pem"}
    assert site.aws.refusal("elbv2", "CreateTrustStore", **given) == "TooManyTrustStores"


def test_another_bundle_must_go_with_the_revocation_lists(site: Site) -> None:
    put(site.aws, "other.pem", ROOT.pem)  # the same name, another key
    given = {"CaCertificatesBundleS3Bucket": "trust", "CaCertificatesBundleS3Key": "other.pem"}
    change = {"TrustStoreArn": site.trust_store, **given}
    assert site.aws.refusal("elbv2", "ModifyTrustStore", **change) == "InvalidCaCertificatesBundle"
    site.aws("elbv2", "RemoveTrustStoreRevocations", TrustStoreArn=site.trust_store, RevocationIds=[site.revocation])
    site.aws("elbv2", "ModifyTrustStore", **change)
    [row] = site.aws.store.all(TrustStore)
    assert row.bundle == ROOT.pem


def test_a_trust_store_in_use_stays(site: Site) -> None:
    modify(site, MutualAuthentication=verifying(site))
    given = {"TrustStoreArn": site.trust_store}
    found = site.aws("elbv2", "DescribeTrustStoreAssociations", **given)["TrustStoreAssociations"]
    assert found == [{"ResourceArn": site.balancer}]
    assert site.aws.refusal("elbv2", "DeleteTrustStore", **given) == "TrustStoreInUse"
    modify(site, MutualAuthentication={"Mode": "off"})
    site.aws("elbv2", "DeleteTrustStore", **given)
    assert site.aws.refusal("elbv2", "DescribeTrustStores", TrustStoreArns=[site.trust_store]) == "TrustStoreNotFound"
    assert site.aws.refusal("elbv2", "DescribeTrustStores", Names=["clients"]) == "TrustStoreNotFound"


def test_a_trust_store_has_tags(site: Site) -> None:
    site.aws("elbv2", "AddTags", ResourceArns=[site.trust_store], Tags=[{"Key": "a", "Value": "b"}])
    [found] = site.aws("elbv2", "DescribeTags", ResourceArns=[site.trust_store])["TagDescriptions"]
    assert found["Tags"] == [{"Key": "a", "Value": "b"}]


# Revocation lists.


def revocations(site: Site) -> list[tuple[int, int]]:
    found = site.aws("elbv2", "DescribeTrustStoreRevocations", TrustStoreArn=site.trust_store)["TrustStoreRevocations"]
    return [(one["RevocationId"], one["NumberOfRevokedEntries"]) for one in found]


def revoke(site: Site, *keys: str) -> dict[str, Any]:
    contents = [{"S3Bucket": "trust", "S3Key": key, "RevocationType": "CRL"} for key in keys]
    return {"TrustStoreArn": site.trust_store, "RevocationContents": contents}


def test_revocation_lists_come_and_go_and_no_id_comes_again(site: Site) -> None:
    assert revocations(site) == [(1, 2)]
    site.aws("elbv2", "AddTrustStoreRevocations", **revoke(site, "crl.pem", "crl.pem"))
    site.aws("elbv2", "RemoveTrustStoreRevocations", TrustStoreArn=site.trust_store, RevocationIds=[3])
    site.aws("elbv2", "AddTrustStoreRevocations", **revoke(site, "crl.pem"))
    assert revocations(site) == [(1, 2), (2, 2), (4, 2)]
    assert stored(site)["TotalRevokedEntries"] == 6
    given = {"TrustStoreArn": site.trust_store, "RevocationIds": [3]}
    for operation in ("DescribeTrustStoreRevocations", "RemoveTrustStoreRevocations"):
        assert site.aws.refusal("elbv2", operation, **given) == "RevocationIdNotFound"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "RevocationContentNotFound"),
        ("nothing", "InvalidRevocationContent"),
        (ROOT.pem, "InvalidRevocationContent"),
        (pem.revocation_list(NOW, ROOT, [1]), "InvalidRevocationContent"),  # of the same name, by another key
    ],
)
def test_revocation_lists_that_are_refused(site: Site, text: str | None, code: str) -> None:
    if text is not None:
        put(site.aws, "new.pem", text)
    assert site.aws.refusal("elbv2", "AddTrustStoreRevocations", **revoke(site, "new.pem")) == code


def test_a_list_may_be_of_an_authority_that_only_clients_bring_along(site: Site) -> None:
    put(site.aws, "middle.pem", pem.revocation_list(NOW, OTHER, [1]))
    site.aws("elbv2", "AddTrustStoreRevocations", **revoke(site, "middle.pem"))
    assert revocations(site) == [(1, 2), (2, 1)]


def test_a_delta_is_refused(site: Site) -> None:
    put(site.aws, "ca2.pem", ROOT.pem)
    put(site.aws, "delta.pem", pem.revocation_list(NOW, ROOT, [1], delta=True))
    change = {"TrustStoreArn": site.aws.trust_store("two", "ca2.pem")}
    given = {**revoke(site, "delta.pem"), **change}
    assert site.aws.refusal("elbv2", "AddTrustStoreRevocations", **given) == "InvalidRevocationContent"


def test_a_trust_store_has_thirty_lists_at_most(site: Site) -> None:
    site.aws("elbv2", "AddTrustStoreRevocations", **revoke(site, *["crl.pem"] * 29))
    code = site.aws.refusal("elbv2", "AddTrustStoreRevocations", **revoke(site, "crl.pem"))
    assert code == "TooManyTrustStoreRevocationEntries"
