"""Certificates by the lab's authority, and imported ones (bc:acm, acm: import prerequisites)."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from lab.core.acm import Certificate
from lab.core.errors import LabError
from tests import pem
from tests.actions.aws import NOW, Aws
from tests.actions.conftest import Site

EVERY_KEY = {
    "keyTypes": ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]
}
DAY = 86400


def described(aws: Aws, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = aws("acm", "DescribeCertificate", CertificateArn=arn)["Certificate"]
    return found


def import_(aws: Aws, pair: pem.Pair, chain: str = "", **members: Any) -> str:
    given = {"Certificate": pair.pem.encode(), "PrivateKey": pair.key.encode(), **members}
    if chain:
        given["CertificateChain"] = chain.encode()
    return str(aws("acm", "ImportCertificate", **given)["CertificateArn"])


# By the lab's authority.


def test_a_certificate_is_issued_at_once(aws: Aws) -> None:
    arn = aws.certificate(
        "Shop.lab.local", SubjectAlternativeNames=["*.lab.local", "shop.lab.local"], KeyAlgorithm="RSA_2048"
    )
    found = described(aws, arn)
    assert (found["Status"], found["Type"], found["KeyAlgorithm"]) == ("ISSUED", "AMAZON_ISSUED", "RSA_2048")
    assert (found["DomainName"], found["SubjectAlternativeNames"]) == (
        "shop.lab.local",
        ["shop.lab.local", "*.lab.local"],
    )
    assert [one["ValidationStatus"] for one in found["DomainValidationOptions"]] == ["SUCCESS", "SUCCESS"]
    assert (found["Subject"], found["Issuer"], found["InUseBy"]) == ("CN=shop.lab.local", "asg-lab", [])
    assert found["SignatureAlgorithm"] == "SHA256WITHECDSA"
    assert [one["Name"] for one in found["KeyUsages"]] == ["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]
    assert timedelta(days=395) < found["NotAfter"] - found["NotBefore"] < timedelta(days=396)


def test_rsa_is_what_comes_unasked(aws: Aws) -> None:
    arn = aws("acm", "RequestCertificate", DomainName="shop.lab.local")["CertificateArn"]
    assert described(aws, arn)["KeyAlgorithm"] == "RSA_2048"


def test_what_is_signed_has_this_machines_names_too(aws: Aws) -> None:
    """The one thing that differs from what was asked for: https://localhost and https://127.0.0.1 are to verify."""
    made = aws("acm", "GetCertificate", CertificateArn=aws.certificate())
    assert aws.certificates.facts(made["Certificate"]).names == ("shop.lab.local", "localhost")
    assert aws.certificates.authorities(made["CertificateChain"]) == (aws.certificates.authority().pem,)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("localhost", "ValidationException"),  # ACM wants a dot
        ("127.0.0.1", "ValidationException"),
        ("-x.lab.local", "ValidationException"),
        ("shop.*.lab.local", "ValidationException"),
        ("a.lab.local\nb.lab.local", "ValidationException"),
        (f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 60}.lab.local", "ValidationException"),
        ("shop.example.com", "InvalidParameterException"),
        ("evillab.local", "InvalidParameterException"),
        ("lab.local.example.com", "InvalidParameterException"),
        ("web-1.us-east-1.elb.amazonaws.com", "InvalidParameterException"),
        ("*.local", "ValidationException"),
    ],
)
def test_names_that_are_not_admitted(aws: Aws, name: str, code: str) -> None:
    assert aws.refusal("acm", "RequestCertificate", DomainName=name) == code
    assert aws.refusal("acm", "RequestCertificate", DomainName="a.lab.local", SubjectAlternativeNames=[name]) == code


@pytest.mark.parametrize("name", ["lab.local", "a.b.c.lab.local", "*.shop.lab.local", "app.localhost"])
def test_names_that_are_admitted(aws: Aws, name: str) -> None:
    assert described(aws, aws.certificate(name))["DomainName"] == name


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"KeyAlgorithm": "RSA_4096"}, "InvalidParameterException"),
        ({"SubjectAlternativeNames": [f"n{number}.lab.local" for number in range(10)]}, "LimitExceededException"),
        ({"Options": {"Export": "ENABLED"}}, "InvalidParameterException"),
        (
            {"CertificateAuthorityArn": "arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/x"},
            "UnsupportedOperation",
        ),
        ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, "InvalidTagException"),
    ],
)
def test_requests_that_are_refused(aws: Aws, members: dict[str, Any], code: str) -> None:
    assert aws.refusal("acm", "RequestCertificate", DomainName="shop.lab.local", **members) == code


def test_a_token_asks_for_one_certificate_only_within_an_hour(aws: Aws) -> None:
    first = aws.certificate(IdempotencyToken="once")
    aws.now += 3599
    assert aws.certificate(IdempotencyToken="once") == first
    assert aws.certificate("other.lab.local", IdempotencyToken="once") != first
    aws.now += 2
    assert aws.certificate(IdempotencyToken="once") != first
    assert aws.certificate() != aws.certificate()


# Imported.


def test_a_self_signed_certificate_is_imported(aws: Aws) -> None:
    pair = pem.certificate(NOW, ["shop.example.com", "Example.com"])
    found = described(aws, arn := import_(aws, pair))
    assert (found["Type"], found["Status"]) == ("IMPORTED", "ISSUED")
    assert found["SubjectAlternativeNames"] == ["shop.example.com", "example.com"]
    assert (found["ImportedAt"].timestamp(), "IssuedAt" in found) == (NOW, False)
    assert aws("acm", "GetCertificate", CertificateArn=arn) == {"Certificate": pair.pem}


def test_a_chain_comes_with_it(aws: Aws) -> None:
    top = pem.root(NOW)
    middle = pem.certificate(NOW, (), issuer=top, authority=True, subject="Middle")
    leaf = pem.certificate(NOW, issuer=middle)
    arn = import_(aws, leaf, middle.pem + top.pem)
    assert aws("acm", "GetCertificate", CertificateArn=arn)["CertificateChain"] == middle.pem + top.pem
    row = aws.store.get(Certificate, arn)
    assert row is not None
    assert row.served == leaf.pem + middle.pem + top.pem


def test_text_does_as_well_as_bytes(aws: Aws) -> None:
    """The lab's own JSON has no bytes."""
    pair = pem.certificate(NOW)
    made = aws("acm", "ImportCertificate", Certificate=pair.pem, PrivateKey=pair.key)
    assert described(aws, made["CertificateArn"])["DomainName"] == "shop.example.com"


ROOT, OTHER = pem.root(NOW), pem.root(NOW, "Another root")
GOOD, LEAF = pem.certificate(NOW), pem.certificate(NOW, issuer=ROOT)
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no PEM": ({"Certificate": b"nothing"}, "PEM is wanted"),
    "no text": ({"Certificate": b"\xff\xfe"}, "PEM is wanted"),
    "a key for a certificate": ({"Certificate": GOOD.key}, "where only CERTIFICATE may be"),
    "a certificate that is broken": ({"Certificate": GOOD.pem.replace("M", "N", 9)}, "cannot be read"),
    "two certificates": ({"Certificate": GOOD.pem + ROOT.pem}, "more than one certificate"),
    "a certificate for a key": ({"PrivateKey": GOOD.pem}, "private key cannot be read"),
    "another's key": ({"PrivateKey": LEAF.key}, "does not belong"),
    "an encrypted key": ({"PrivateKey": GOOD.encrypted_key}, "unencrypted"),
    "a key that is too large": ({"PrivateKey": GOOD.key + "\n" * 10 + "#" * 5120}, "5120 bytes"),
    "no chain": ({"Certificate": LEAF.pem, "PrivateKey": LEAF.key}, "not self-signed"),
    "another's chain": ({"Certificate": LEAF.pem, "PrivateKey": LEAF.key, "CertificateChain": OTHER.pem}, "is: 0"),
    "a chain that breaks off": (
        {"Certificate": LEAF.pem, "PrivateKey": LEAF.key, "CertificateChain": ROOT.pem + OTHER.pem},
        "is: 1",
    ),
    "a chain that is none": (
        {"Certificate": LEAF.pem, "PrivateKey": LEAF.key, "CertificateChain": "x"},
        "PEM is wanted",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_imports_that_are_refused(aws: Aws, name: str) -> None:
    members, said = REFUSED[name]
    refuse_import(aws, {"Certificate": GOOD.pem, "PrivateKey": GOOD.key, **members}, said)


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (pem.certificate(NOW, days=(-30, -1)), "not now"),
        (pem.certificate(NOW, days=(1, 30)), "not now"),
        (pem.certificate(NOW, key=ed25519.Ed25519PrivateKey.generate()), "ED25519 is not supported"),
        (pem.certificate(NOW, key=ec.generate_private_key(ec.SECP256K1())), "not supported"),
    ],
)
def test_certificates_that_are_refused(aws: Aws, pair: pem.Pair, said: str) -> None:
    refuse_import(aws, {"Certificate": pair.pem, "PrivateKey": pair.key}, said)


def refuse_import(aws: Aws, members: dict[str, Any], said: str) -> None:
    with pytest.raises(LabError, match=said) as caught:
        aws("acm", "ImportCertificate", **members)
    assert caught.value.code == "ValidationException"
    secret = members["PrivateKey"].splitlines()[1]
    assert secret not in caught.value.message
    assert aws.store.all(Certificate) == []


def test_kinds_of_keys_must_agree(aws: Aws) -> None:
    leaf = pem.certificate(NOW, issuer=ROOT, key=rsa.generate_private_key(65537, 2048))
    code = aws.refusal("acm", "ImportCertificate", Certificate=leaf.pem, PrivateKey=leaf.key, CertificateChain=ROOT.pem)
    assert code == "ValidationException"


def test_importing_again_replaces(site: Site) -> None:
    aws = site.aws
    arn = import_(aws, pem.certificate(NOW), Tags=[{"Key": "stage", "Value": "one"}])
    second = pem.certificate(NOW, ["other.example.com"])
    assert import_(aws, second, CertificateArn=arn) == arn
    assert described(aws, arn)["DomainName"] == "other.example.com"
    assert aws("acm", "ListTagsForCertificate", CertificateArn=arn)["Tags"] == [{"Key": "stage", "Value": "one"}]
    given = {"Certificate": second.pem, "PrivateKey": second.key}
    assert aws.refusal("acm", "ImportCertificate", **given, CertificateArn=site.certificate) == "ValidationException"
    assert aws.refusal("acm", "ImportCertificate", **given, CertificateArn=arn + "0") == "ResourceNotFoundException"
    tagged = {"CertificateArn": arn, "Tags": [{"Key": "a", "Value": "b"}]}
    assert aws.refusal("acm", "ImportCertificate", **given, **tagged) == "InvalidParameterException"
    wide = pem.certificate(NOW, key=ec.generate_private_key(ec.SECP384R1()))
    given = {"Certificate": wide.pem, "PrivateKey": wide.key, "CertificateArn": arn}
    assert aws.refusal("acm", "ImportCertificate", **given) == "ValidationException"


def test_a_certificate_expires_by_the_wall_clock(aws: Aws) -> None:
    arn = import_(aws, pem.certificate(NOW, days=(-1, 1)))
    aws.now += 365 * DAY  # lab time runs ahead; clients do not go by it
    assert described(aws, arn)["Status"] == "ISSUED"
    aws.certificates.wall_time = lambda: NOW + 2 * DAY
    assert described(aws, arn)["Status"] == "EXPIRED"


# Telling, deleting, tags.


def listed(aws: Aws, **members: Any) -> list[str]:
    return [row["CertificateArn"] for row in aws("acm", "ListCertificates", **members)["CertificateSummaryList"]]


def test_listing_shows_rsa_unless_it_is_asked_for_more(aws: Aws) -> None:
    plain, curve = aws.certificate(KeyAlgorithm="RSA_2048"), aws.certificate(KeyAlgorithm="EC_prime256v1")
    imported = import_(aws, GOOD)
    assert listed(aws) == [plain]
    assert listed(aws, Includes=EVERY_KEY) == [plain, curve, imported]
    assert listed(aws, Includes={"keyTypes": ["EC_prime256v1"]}) == [curve, imported]
    assert listed(aws, Includes={**EVERY_KEY, "extendedKeyUsage": ["TLS_WEB_SERVER_AUTHENTICATION"]}) == [plain, curve]
    assert listed(aws, Includes={**EVERY_KEY, "keyUsage": ["CERTIFICATE_SIGNING"]}) == []
    assert listed(aws, Includes=EVERY_KEY, CertificateStatuses=["PENDING_VALIDATION"]) == []
    newest_first = listed(aws, Includes=EVERY_KEY, SortBy="CREATED_AT", SortOrder="DESCENDING")
    assert newest_first == [imported, curve, plain]
    assert aws.refusal("acm", "ListCertificates", SortBy="CREATED_AT") == "InvalidArgsException"


def test_a_certificate_in_use_stays(site: Site) -> None:
    arn = site.certificate
    assert described(site.aws, arn)["InUseBy"] == [site.balancer]
    assert site.aws.refusal("acm", "DeleteCertificate", CertificateArn=arn) == "ResourceInUseException"
    site.aws("elbv2", "DeleteListener", ListenerArn=site.secure)
    site.aws("acm", "DeleteCertificate", CertificateArn=arn)
    assert site.aws.refusal("acm", "DescribeCertificate", CertificateArn=arn) == "ResourceNotFoundException"


def test_tags(aws: Aws) -> None:
    arn = aws.certificate(Tags=[{"Key": "a", "Value": "1"}])
    aws("acm", "AddTagsToCertificate", CertificateArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "c"}])
    aws("acm", "RemoveTagsFromCertificate", CertificateArn=arn, Tags=[{"Key": "a"}, {"Key": "b", "Value": "other"}])
    found = aws("acm", "ListTagsForCertificate", CertificateArn=arn)["Tags"]
    assert found == [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": ""}]
    many = [{"Key": f"k{number}", "Value": ""} for number in range(49)]
    assert aws.refusal("acm", "AddTagsToCertificate", CertificateArn=arn, Tags=many) == "TooManyTagsException"


def test_no_answer_and_no_value_shows_a_private_key(site: Site) -> None:
    arn = site.certificate
    answers = [
        site.aws("acm", operation, CertificateArn=arn)
        for operation in ("DescribeCertificate", "GetCertificate", "ListTagsForCertificate")
    ]
    assert "PRIVATE" not in repr([*answers, site.aws("acm", "ListCertificates", Includes=EVERY_KEY)])
    [row] = site.aws.store.all(Certificate)
    assert "PRIVATE" in row.private_key
    assert "PRIVATE" not in repr(row)
