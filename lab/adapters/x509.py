"""X.509 in PEM, read: what ACM and trust stores need to know of it. Every function raises ValueError with a sentence for
people when the text is not what it should be.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

from lab.core.acm import IMPORTABLE, CertificateFacts, Material

CURVES = {"secp256r1": "EC_prime256v1", "secp384r1": "EC_secp384r1", "secp521r1": "EC_secp521r1"}
"""ACM's words by the names of the curves."""

KEY_USAGES = {
    "digital_signature": "DIGITAL_SIGNATURE",
    "content_commitment": "NON_REPUDIATION",
    "key_encipherment": "KEY_ENCIPHERMENT",
    "data_encipherment": "DATA_ENCIPHERMENT",
    "key_agreement": "KEY_AGREEMENT",
    "key_cert_sign": "CERTIFICATE_SIGNING",
    "crl_sign": "CRL_SIGNING",
}
EXTENDED_KEY_USAGES = {
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS_WEB_SERVER_AUTHENTICATION",
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS_WEB_CLIENT_AUTHENTICATION",
    ExtendedKeyUsageOID.CODE_SIGNING: "CODE_SIGNING",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "EMAIL_PROTECTION",
    ExtendedKeyUsageOID.TIME_STAMPING: "TIME_STAMPING",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSP_SIGNING",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "ANY",
}
SIGNATURES = {
    **{getattr(SignatureAlgorithmOID, f"RSA_WITH_SHA{bits}"): f"SHA{bits}WITHRSA" for bits in (1, 256, 384, 512)},
    **{getattr(SignatureAlgorithmOID, f"ECDSA_WITH_SHA{bits}"): f"SHA{bits}WITHECDSA" for bits in (1, 256, 384, 512)},
}
LARGEST_AUTHORITY = 16 * 1024
"""Bytes of an authority's certificate (alb:load-balancer-limits)."""

_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")


@contextmanager
def _readable() -> Iterator[None]:
    """cryptography finds fault with strange ASN.1 in several ways; some only when a part is looked at."""
    try:
        yield
    except (
        UnsupportedAlgorithm,
        TypeError,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise ValueError(f"it cannot be read: {error}") from error


@_readable()
def facts_of(body: str) -> CertificateFacts:
    """Of the one certificate in the text."""
    return _facts(_one(body))


@_readable()
def imported(body: str, private_key: str, chain: str, wall_time: float) -> Material:
    """What may be imported: the key is the certificate's own, the chain leads on from it, the time is within its own
    (acm: import prerequisites)."""
    certificate = _one(body)
    facts = _facts(certificate)
    if facts.key_algorithm not in IMPORTABLE:
        raise ValueError(
            f"The key algorithm {facts.key_algorithm} is not supported: use RSA of 1024 to 4096 bits, "
            "or ECDSA on P-256, P-384 or P-521"
        )
    if certificate.version is not x509.Version.v3:
        raise ValueError("The certificate is not X.509 version 3")
    if not facts.not_before <= wall_time <= facts.not_after:
        raise ValueError(
            f"The certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d} "
            f"to {certificate.not_valid_after_utc:%Y-%m-%d} only, which is not now"
        )
    if not certificate.issuer.rdns:
        raise ValueError("The issuer of the certificate must not be empty")
    key = _key(private_key)
    if certificate.public_key() != key.public_key():
        raise ValueError("The private key does not belong to the certificate")
    links = _chain(certificate, chain)
    return Material(pem_of(certificate), "".join(map(pem_of, links)), pem_of_key(key))


@_readable()
def authorities_of(bundle: str) -> list[x509.Certificate]:
    """The certificates of a trust store's bundle, all of them authorities'."""
    found = []
    for number, text in enumerate(_blocks(bundle, "CERTIFICATE"), 1):
        if len(text) > LARGEST_AUTHORITY:
            raise ValueError(f"certificate {number} has more than {LARGEST_AUTHORITY} bytes")
        certificate = _certificate(text)
        if not _is_authority(certificate):
            raise ValueError(f"certificate {number} ({_name(certificate.subject)}) is not an authority's")
        found.append(certificate)
    return found


@_readable()
def revoked_by(content: str, bundle: str) -> tuple[str, int]:
    """A revocation list in canonical PEM, and how many certificates it revokes. It may be of an authority between the bundle's
    and the clients', which nobody knows yet; one that bears the name of an authority of the bundle must be signed by it."""
    lists = _blocks(content, "X509 CRL")
    if len(lists) > 1:
        raise ValueError("a file must hold one revocation list")
    try:
        crl = x509.load_pem_x509_crl(lists[0].encode())
        delta = any(one.oid == x509.DeltaCRLIndicator.oid for one in crl.extensions)
        entries = len(crl)
    except ValueError as error:
        raise ValueError(f"the revocation list cannot be read: {error}") from error
    if delta:
        raise ValueError("delta revocation lists are not supported")
    issuers = [one for one in authorities_of(bundle) if one.subject == crl.issuer]
    if issuers and not any(_signed(crl, one) for one in issuers):
        raise ValueError(f"it is named after {_name(crl.issuer)}, whose authority in the trust store has not signed it")
    return crl.public_bytes(Encoding.PEM).decode(), entries


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def pem_of_key(key: PrivateKeyTypes) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _signed(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(authority.public_key())  # type: ignore[arg-type]  # the next line is for the rest
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False


# ── reading PEM ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _blocks(text: str, label: str) -> list[str]:
    """The PEM blocks of a text. What stands between them is comment, as in OpenSSL's own bundles."""
    found: list[tuple[str, str]] = []
    block: list[str] = []
    within = ""
    for line in map(str.strip, text.splitlines()):
        if begin := _BEGIN.fullmatch(line):
            within, block = begin[1], []
        if within:
            block.append(line)
            if line == f"-----END {within}-----":
                found.append((within, "\n".join(block) + "\n"))
                within = ""
    strange = [one for one, _ in found if one != label]
    if strange:
        raise ValueError(f"the text holds {strange[0]} where only {label} may be")
    if not found:
        raise ValueError(f"the text holds no -----BEGIN {label}-----: PEM is wanted")
    return [block for _, block in found]


def _one(body: str) -> x509.Certificate:
    found = _blocks(body, "CERTIFICATE")
    if len(found) > 1:
        raise ValueError("The certificate field contains more than one certificate; the others belong into the chain")
    return _certificate(found[0])


def _certificate(text: str) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
        # Both are read late, and may be what is wrong.
        certificate.public_key()
        _ = certificate.extensions
    except ValueError as error:
        raise ValueError(f"a certificate cannot be read: {error}") from error
    return certificate


def _key(text: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # TypeError: it is encrypted. The key's own text stays out of the message.
        raise ValueError("The private key cannot be read: it must be PEM and unencrypted") from error


def _chain(certificate: x509.Certificate, chain: str) -> list[x509.Certificate]:
    """Each certificate signs the one before it; without a chain the certificate signs itself."""
    links = [_certificate(text) for text in _blocks(chain, "CERTIFICATE")] if chain.strip() else []
    if not links:
        if not _issued(certificate, certificate):
            raise ValueError(
                "The certificate is not self-signed: give the chain of the certificates that lead from it to a root"
            )
        return []
    for index, issuer in enumerate(links):
        if not _issued([certificate, *links][index], issuer):
            raise ValueError(
                "The certificate chain must start with the immediate signing certificate, followed by any intermediaries "
                f"in order. The index within the chain of the invalid certificate is: {index}"
            )
    if isinstance(certificate.public_key(), rsa.RSAPublicKey) != isinstance(links[0].public_key(), rsa.RSAPublicKey):
        raise ValueError("The algorithm of the certificate's key must be that of the authority that signed it")
    return links


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


# ── what is in it ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    common = _common_name(certificate.subject)
    alternatives = _alternatives(certificate)
    return CertificateFacts(
        common_name=common,
        names=tuple(dict.fromkeys(name.lower() for name in alternatives)),
        subject=certificate.subject.rfc4514_string(),
        issuer=_name(certificate.issuer),
        serial=_pairs(f"{certificate.serial_number:x}"),
        not_before=_seconds(certificate.not_valid_before_utc),
        not_after=_seconds(certificate.not_valid_after_utc),
        key_algorithm=_algorithm(certificate),
        signature_algorithm=SIGNATURES.get(certificate.signature_algorithm_oid, _signature(certificate)),
        key_usages=_usages(certificate),
        extended_key_usages=_extended(certificate),
    )


def _alternatives(certificate: x509.Certificate) -> Sequence[str]:
    """DNS names; a certificate without the extension goes by its common name, where that is one."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        common = _common_name(certificate.subject)
        return [common] if "." in common and " " not in common else []
    return found.value.get_values_for_type(x509.DNSName)


def _algorithm(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA_{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return CURVES.get(key.curve.name, f"EC_{key.curve.name}")
    return type(key).__name__.lstrip("_").removesuffix("PublicKey").upper()


def _signature(certificate: x509.Certificate) -> str:
    return str(certificate.signature_algorithm_oid.dotted_string)


def _usages(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(word for name, word in KEY_USAGES.items() if getattr(usage, name))


def _extended(certificate: x509.Certificate) -> tuple[tuple[str, str], ...]:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return tuple((EXTENDED_KEY_USAGES.get(oid, "CUSTOM"), oid.dotted_string) for oid in usages)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _name(name: x509.Name) -> str:
    """What people call it: its organisation, else its common name, else all of it."""
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if found := name.get_attributes_for_oid(oid):
            return str(found[0].value)
    return name.rfc4514_string()


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _pairs(digits: str) -> str:
    """`0a:1b:…`"""
    even = digits.zfill(len(digits) + len(digits) % 2)
    return ":".join(even[index : index + 2] for index in range(0, len(even), 2))


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
