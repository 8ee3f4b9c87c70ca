"""Certificate Manager: certificates by the lab's authority, and imported ones (aws-facts §1.9, bc:acm).

A request is answered with a certificate at once: there is nobody to ask who owns a name below lab.local. A certificate of
the lab's has `localhost` and 127.0.0.1 besides what was asked for (`lab.core.acm`); the answers here show what was asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tag_list, tags_of
from lab.core.acm import (
    IMPORTED,
    ISSUED,
    NAME,
    PERMITTED_NAMES,
    REQUESTABLE,
    Certificate,
    CertificateFacts,
    vouched_for,
)
from lab.core.elbv2.model import Listener
from lab.core.errors import LabError
from lab.core.times import moment

MOST_NAMES = 10
"""The initial quota (bc:acm.RequestCertificate)."""

LISTED = ("RSA_1024", "RSA_2048")
"""What ListCertificates shows unless it is asked for other key types (bc:acm.Filters)."""

LARGEST_KEY = 5120
TOKEN_LIFE = 3600.0
TAGS = 50


@reads(
    "DomainName", "SubjectAlternativeNames", "ValidationMethod", "DomainValidationOptions", "IdempotencyToken", "Options",
    "KeyAlgorithm", "Tags",
)  # fmt: skip
def request_certificate(context: Context, request: Request) -> Response:
    """A repeated request with the same token answers, for an hour, with the certificate there is."""
    names = tuple(dict.fromkeys(map(_name, (request["DomainName"], *request.get("SubjectAlternativeNames", ())))))
    if len(names) > MOST_NAMES:
        raise LabError("LimitExceededException", f"A certificate has at most {MOST_NAMES} names, not {len(names)}")
    algorithm = request.get("KeyAlgorithm", "RSA_2048")
    if algorithm not in REQUESTABLE:
        raise LabError(
            "InvalidParameterException",
            f"A certificate cannot be requested with the key algorithm {algorithm}: use one of {', '.join(REQUESTABLE)}",
        )
    _check_options(request)
    token = request.get("IdempotencyToken", "")
    for row in context.store.all(Certificate) if token else ():
        fresh = context.now - row.created < TOKEN_LIFE
        if fresh and (row.idempotency_token, row.names, row.facts.key_algorithm) == (token, names, algorithm):
            return {"CertificateArn": row.arn}
    made = context.certificates.issue(names, algorithm)
    certificate = Certificate(
        arn=context.account.arn("acm", f"certificate/{context.new_id('uuid')}"),
        type=ISSUED,
        names=names,
        body=made.body,
        chain=made.chain,
        private_key=made.private_key,
        facts=context.certificates.facts(made.body),
        created=context.now,
        validation_method=request.get("ValidationMethod", "DNS"),
        idempotency_token=token,
        tags=_tags(request.get("Tags")),
    )
    context.store.put(certificate)
    return {"CertificateArn": certificate.arn}


@reads("CertificateArn", "Certificate", "PrivateKey", "CertificateChain", "Tags")
def import_certificate(context: Context, request: Request) -> Response:
    """With `CertificateArn`, in the place of the one that was imported before."""
    body, private_key = _pem(request["Certificate"]), _pem(request["PrivateKey"])
    chain = _pem(request.get("CertificateChain", b""))
    if len(private_key) > LARGEST_KEY:
        raise LabError("ValidationException", f"The private key has more than {LARGEST_KEY} bytes")
    try:
        given = context.certificates.imported(body, private_key, chain)
    except ValueError as error:
        raise LabError("ValidationException", str(error)) from error
    facts = context.certificates.facts(given.body)
    certificate = Certificate(
        arn=context.account.arn("acm", f"certificate/{context.new_id('uuid')}"),
        type=IMPORTED,
        names=facts.names,
        body=given.body,
        chain=given.chain,
        private_key=given.private_key,
        facts=facts,
        created=context.now,
        tags=_tags(request.get("Tags")),
    )
    if "CertificateArn" in request:
        certificate = _reimported(find_certificate(context, request["CertificateArn"]), certificate, request)
    context.store.put(certificate)
    return {"CertificateArn": certificate.arn}


@reads("CertificateArn")
def describe_certificate(context: Context, request: Request) -> Response:
    return {"Certificate": _detail(context, find_certificate(context, request["CertificateArn"]))}


@reads("CertificateArn")
def get_certificate(context: Context, request: Request) -> Response:
    certificate = find_certificate(context, request["CertificateArn"])
    chain = {"CertificateChain": certificate.chain} if certificate.chain else {}
    return {"Certificate": certificate.body, **chain}


@reads("CertificateStatuses", "Includes", "MaxItems", "NextToken", "SortBy", "SortOrder")
def list_certificates(context: Context, request: Request) -> Response:
    if ("SortBy" in request) != ("SortOrder" in request):
        raise LabError("InvalidArgsException", "SortBy and SortOrder go together")
    found = [row for row in context.store.all(Certificate) if _is_wanted(context, row, request)]
    if request.get("SortOrder") == "DESCENDING":
        found.reverse()
    return {"CertificateSummaryList": [_summary(context, row) for row in found]}


@reads("CertificateArn")
def delete_certificate(context: Context, request: Request) -> Response:
    certificate = find_certificate(context, request["CertificateArn"])
    if users := _users(context, certificate.arn):
        raise LabError(
            "ResourceInUseException",
            f"Certificate {certificate.arn} is in use by {', '.join(users)}: take it away there first",
        )
    context.store.delete(Certificate, certificate.arn)
    return {}


@reads("CertificateArn", "Tags")
def add_tags_to_certificate(context: Context, request: Request) -> Response:
    certificate = find_certificate(context, request["CertificateArn"])
    context.store.put(replace(certificate, tags=_tags(request["Tags"], certificate.tags)))
    return {}


@reads("CertificateArn", "Tags")
def remove_tags_from_certificate(context: Context, request: Request) -> Response:
    """A tag that is named with a value goes only if it has that value (bc:acm.RemoveTagsFromCertificate)."""
    certificate = find_certificate(context, request["CertificateArn"])
    tags = dict(certificate.tags)
    for tag in request["Tags"]:
        if tags.get(tag["Key"]) == tag.get("Value", tags.get(tag["Key"])):
            tags.pop(tag["Key"], None)
    context.store.put(replace(certificate, tags=tags))
    return {}


@reads("CertificateArn")
def list_tags_for_certificate(context: Context, request: Request) -> Response:
    return {"Tags": tag_list(find_certificate(context, request["CertificateArn"]).tags)}


def find_certificate(context: Context, arn: str) -> Certificate:
    message = f"Could not find certificate {arn}."
    return require(context.store, Certificate, arn, "ResourceNotFoundException", message)


# ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _name(given: str) -> str:
    name = given.lower()
    if len(name) > 253 or NAME.fullmatch(name) is None:
        raise LabError(
            "ValidationException",
            f"'{given}' is not a name ACM takes: a domain name with a dot in it, such as shop.lab.local or *.lab.local",
        )
    if not vouched_for(name):
        raise LabError(
            "InvalidParameterException",
            f"the lab's certificate authority vouches for names below {' and '.join(PERMITTED_NAMES)} only, not for "
            f"'{name}'; request such a name, or import a certificate of your own",
        )
    return name


def _check_options(request: Request) -> None:
    """What they would bring about is not there: a public log, an export."""
    if request.get("Options", {}).get("Export", "DISABLED") == "ENABLED":
        raise LabError(
            "InvalidParameterException", "the lab's certificates cannot be exported; leave Export at DISABLED"
        )


def _reimported(old: Certificate, new: Certificate, request: Request) -> Certificate:
    if old.type != IMPORTED:
        raise LabError("ValidationException", f"Certificate {old.arn} was not imported, so none can take its place")
    if "Tags" in request:
        raise LabError(
            "InvalidParameterException", "A certificate that is imported again keeps its tags: leave them out"
        )
    if old.facts.key_algorithm != new.facts.key_algorithm:
        raise LabError(
            "ValidationException",
            f"The key algorithm {new.facts.key_algorithm} is not that of the certificate there is, {old.facts.key_algorithm}",
        )
    return replace(new, arn=old.arn, tags=old.tags)


def _pem(given: bytes | str) -> str:
    """A blob is bytes on the wire; the lab's own JSON has it as text. What is no text is no PEM either."""
    return given if isinstance(given, str) else given.decode("utf-8", "replace")


def _tags(given: Iterable[Mapping[str, str]] | None, before: Mapping[str, str] | None = None) -> dict[str, str]:
    added = tags_of(given)
    if any(key.lower().startswith("aws:") or not key for key in added):
        raise LabError("InvalidTagException", "Keys of tags must not be empty nor begin with aws:")
    tags = {**(before or {}), **added}
    if len(tags) > TAGS:
        raise LabError("TooManyTagsException", f"A certificate has at most {TAGS} tags")
    return tags


# ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _users(context: Context, arn: str) -> list[str]:
    """Load balancers that have the certificate on a listener."""
    rows = context.store.all(Listener)
    return list(
        dict.fromkeys(row.load_balancer_arn for row in rows if row.tls is not None and arn in row.tls.certificates)
    )


def _detail(context: Context, row: Certificate) -> dict[str, Any]:
    facts = row.facts
    return {
        "CertificateArn": row.arn,
        **({"DomainName": facts.domain_name} if facts.domain_name else {}),
        "SubjectAlternativeNames": list(row.names),
        **({"DomainValidationOptions": [_validation(row, name) for name in row.names]} if row.type == ISSUED else {}),
        "Serial": facts.serial,
        "Subject": facts.subject,
        "Issuer": facts.issuer,
        "CreatedAt": moment(row.created),
        **({"IssuedAt": moment(row.created)} if row.type == ISSUED else {"ImportedAt": moment(row.created)}),
        "Status": row.status(context.certificates.wall_time()),
        "NotBefore": moment(facts.not_before),
        "NotAfter": moment(facts.not_after),
        "KeyAlgorithm": facts.key_algorithm,
        "SignatureAlgorithm": facts.signature_algorithm,
        "InUseBy": _users(context, row.arn),
        "Type": row.type,
        "KeyUsages": [{"Name": name} for name in facts.key_usages],
        "ExtendedKeyUsages": [{"Name": name, "OID": oid} for name, oid in facts.extended_key_usages],
        "RenewalEligibility": "INELIGIBLE",
    }


def _validation(row: Certificate, name: str) -> dict[str, Any]:
    return {
        "DomainName": name,
        "ValidationDomain": name.removeprefix("*."),
        "ValidationStatus": "SUCCESS",
        "ValidationMethod": row.validation_method,
    }


def _summary(context: Context, row: Certificate) -> dict[str, Any]:
    detail = _detail(context, row)
    shared = (
        "CertificateArn", "DomainName", "Status", "Type", "KeyAlgorithm", "RenewalEligibility", "NotBefore", "NotAfter",
        "CreatedAt", "IssuedAt", "ImportedAt",
    )  # fmt: skip
    return {
        **{name: detail[name] for name in shared if name in detail},
        "SubjectAlternativeNameSummaries": list(row.names),
        "HasAdditionalSubjectAlternativeNames": False,
        "KeyUsages": list(row.facts.key_usages),
        "ExtendedKeyUsages": [name for name, _ in row.facts.extended_key_usages],
        "InUse": bool(detail["InUseBy"]),
    }


def _is_wanted(context: Context, row: Certificate, request: Request) -> bool:
    filters = request.get("Includes", {})
    statuses = request.get("CertificateStatuses", ())
    if statuses and row.status(context.certificates.wall_time()) not in statuses:
        return False
    return _passes(row.facts, filters)


def _passes(facts: CertificateFacts, filters: Mapping[str, Any]) -> bool:
    extended = {name for name, _ in facts.extended_key_usages}
    return (
        facts.key_algorithm in (filters.get("keyTypes") or LISTED)
        and set(filters.get("keyUsage", ())) <= set(facts.key_usages)
        and set(filters.get("extendedKeyUsage", ())) <= extended
        and filters.get("exportOption", "DISABLED") == "DISABLED"
        and "managedBy" not in filters
    )
