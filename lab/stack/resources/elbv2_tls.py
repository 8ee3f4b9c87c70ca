"""AWS::ElasticLoadBalancingV2::ListenerCertificate and TrustStore.

Source: AWS CloudFormation resource reference, Elastic Load Balancing V2.
"""

from typing import Any

from lab.stack.context import Call
from lab.stack.resources.base import Attribute, ResourceType, Work, deleted_by, the_id, words
from lab.stack.resources.elbv2 import service, update_tags
from lab.stack.schema import STRING, TAGS, fixed, free, list_of, map_of, need

CERTIFICATES = list_of(map_of({"CertificateArn": STRING}))

# ── certificate list ──────────────────────────────────────────────────────────────────────────────────────────────────


def _create_list(work: Work) -> str:
    service(work, "AddListenerCertificates", **work.some("ListenerArn Certificates"))
    return work.name


def _update_list(work: Work) -> None:
    before, after = (one.get("Certificates", []) for one in (work.previous, work.properties))
    arn = work.properties["ListenerArn"]
    if added := [one for one in after if one not in before]:
        service(work, "AddListenerCertificates", ListenerArn=arn, Certificates=added)
    if gone := [one for one in before if one not in after]:
        service(work, "RemoveListenerCertificates", ListenerArn=arn, Certificates=gone)


LISTENER_CERTIFICATE = ResourceType(
    "AWS::ElasticLoadBalancingV2::ListenerCertificate",
    {"Certificates": need(free(CERTIFICATES)), "ListenerArn": need(fixed(STRING))},
    create=_create_list,
    update=_update_list,
    delete=deleted_by("elbv2", "RemoveListenerCertificates", lambda work: work.some("ListenerArn Certificates")),
)

# ── trust store ───────────────────────────────────────────────────────────────────────────────────────────────────────

_BUNDLE = "CaCertificatesBundleS3Bucket CaCertificatesBundleS3Key"


def _create_store(work: Work) -> str:
    request = {"Name": work.properties.get("Name", work.name), **work.some(f"{_BUNDLE} Tags")}
    return str(work.call("elbv2", "CreateTrustStore", request)["TrustStores"][0]["TrustStoreArn"])


def _update_store(work: Work) -> None:
    if work.changes(_BUNDLE):
        service(work, "ModifyTrustStore", TrustStoreArn=work.physical_id, **work.some(_BUNDLE))
    update_tags(work)


def _member(member: str) -> Attribute:
    def read(call: Call, arn: str, _: dict[str, Any]) -> Any:
        return call("elbv2", "DescribeTrustStores", {"TrustStoreArns": [arn]})["TrustStores"][0][member]

    return read


def _check_store(given: dict[str, Any]) -> str | None:
    missing = [name for name in _BUNDLE.split() if name not in given]
    return f"a trust store needs {' and '.join(missing)}" if missing else None


TRUST_STORE = ResourceType(
    "AWS::ElasticLoadBalancingV2::TrustStore",
    {
        "CaCertificatesBundleS3Bucket": free(STRING),
        "CaCertificatesBundleS3Key": free(STRING),
        "Name": fixed(STRING),
        "Tags": free(TAGS),
    },
    create=_create_store,
    update=_update_store,
    delete=deleted_by("elbv2", "DeleteTrustStore", lambda work: {"TrustStoreArn": work.physical_id}),
    attributes={
        "TrustStoreArn": the_id,
        "NumberOfCaCertificates": _member("NumberOfCaCertificates"),
        "Status": _member("Status"),
    },
    volatile=words("NumberOfCaCertificates"),
    elsewhere=words("CaCertificatesBundleS3ObjectVersion"),
    check=_check_store,
    name_limit=32,
)

TYPES = (LISTENER_CERTIFICATE, TRUST_STORE)
