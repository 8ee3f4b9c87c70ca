"""AWS::CertificateManager::Certificate.

On AWS the stack waits here until the names are validated, by DNS or by mail; the lab issues at once, so what names the place
to validate at has no effect.

Source: AWS CloudFormation resource reference, Certificate Manager.
"""

from typing import Any

from lab.stack.context import Call
from lab.stack.resources.base import DONE, WAITING, Progress, ResourceType, Work, deleted_by, retag, words
from lab.stack.schema import STRING, TAGS, fixed, free, list_of, map_of, need, one_of

_VALIDATION = map_of({"DomainName": need(STRING), "HostedZoneId": STRING, "ValidationDomain": STRING})


def _create(work: Work) -> str:
    request = work.some("DomainName SubjectAlternativeNames KeyAlgorithm ValidationMethod Tags")
    return str(work.call("acm", "RequestCertificate", request)["CertificateArn"])


def _update(work: Work) -> None:
    def put(tags: list[dict[str, Any]]) -> None:
        work.call("acm", "AddTagsToCertificate", {"CertificateArn": work.physical_id, "Tags": tags})

    def take(keys: list[str]) -> None:
        tags = [{"Key": key} for key in keys]
        work.call("acm", "RemoveTagsFromCertificate", {"CertificateArn": work.physical_id, "Tags": tags})

    retag(work, put, take)


def _stable(work: Work) -> Progress:
    return _progress(work.call, work.physical_id)


def _progress(call: Call, arn: str) -> Progress:
    status = call("acm", "DescribeCertificate", {"CertificateArn": arn})["Certificate"]["Status"]
    if status == "ISSUED":
        return DONE
    return WAITING if status == "PENDING_VALIDATION" else Progress("failed", f"the certificate is {status}")


CERTIFICATE = ResourceType(
    "AWS::CertificateManager::Certificate",
    {
        "DomainName": need(fixed(STRING)),
        "DomainValidationOptions": fixed(list_of(_VALIDATION)),
        "KeyAlgorithm": fixed(one_of("RSA_2048 EC_prime256v1 EC_secp384r1")),
        "SubjectAlternativeNames": fixed(list_of(STRING)),
        "Tags": free(TAGS),
        "ValidationMethod": free(one_of("DNS EMAIL HTTP")),
    },
    create=_create,
    update=_update,
    stable=_stable,
    delete=deleted_by("acm", "DeleteCertificate", lambda work: {"CertificateArn": work.physical_id}),
    # Id is in AWS's schema only, where it stands for the ARN.
    elsewhere=words("CertificateAuthorityArn CertificateExport CertificateTransparencyLoggingPreference Id"),
)

TYPES = (CERTIFICATE,)
