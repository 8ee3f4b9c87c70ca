"""X.509 for tests, as a person would bring it along: authorities, certificates, revocation lists. Everything is PEM text."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
DAY = 86400.0


def ecdsa() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True)
class Pair:
    """A certificate, its key, and the certificates between it and its root, nearest first."""

    certificate: x509.Certificate
    private: Key
    above: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        return _text(self.certificate)

    @property
    def chain(self) -> str:
        return self.pem + "".join(map(_text, self.above))

    @property
    def key(self) -> str:
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def encrypted_key(self) -> str:
        secret = BestAvailableEncryption(b"secret")
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret).decode()


def certificate(
    now: float,
    names: Sequence[str] = ("shop.example.com",),
    *,
    issuer: Pair | None = None,
    key: Key | None = None,
    authority: bool = False,
    subject: str | x509.Name = "",
    addresses: Iterable[str] = (),
    days: tuple[float, float] = (-1, 30),
    serial: int | None = None,
    usage: x509.ObjectIdentifier | None = None,
) -> Pair:
    """`subject` is a common name, the first of `names` if not given, or a whole name. `days` are the first and the last of
    its life, from `now`. Without an issuer it signs itself."""
    private = ecdsa() if key is None else key
    if isinstance(subject, str):
        common = subject or (names[0] if names else "nobody")
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    begin, end = (datetime.fromtimestamp(now + day * DAY, UTC) for day in days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(private.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    alternatives = [*map(x509.DNSName, names), *(x509.IPAddress(ipaddress.ip_address(one)) for one in addresses)]
    if alternatives and not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    signer = private if issuer is None else issuer.private
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    is_below = issuer is not None and issuer.certificate.issuer != issuer.certificate.subject
    above = (issuer.certificate, *issuer.above) if issuer is not None and is_below else ()
    return Pair(builder.sign(signer, digest), private, above)


def root(now: float, name: str = "A root") -> Pair:
    return certificate(now, (), authority=True, subject=name)


def revocation_list(now: float, issuer: Pair, serials: Iterable[int], *, delta: bool = False) -> str:
    at = datetime.fromtimestamp(now, UTC)
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(at).next_update(at + timedelta(days=7))
    for serial in serials:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
        builder = builder.add_revoked_certificate(revoked)
    if delta:
        builder = builder.add_extension(x509.DeltaCRLIndicator(1), critical=True)
    assert not isinstance(issuer.private, ed25519.Ed25519PrivateKey)
    return builder.sign(issuer.private, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
