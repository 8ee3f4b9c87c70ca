"""Certificates for tests: authorities, servers, clients, revocation lists. Nothing is kept on disk but what a test asks for."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.core.elbv2.config import Certificate

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
NOW = datetime.now(UTC).replace(microsecond=0)


def ec_key() -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key(bits: int = 2048) -> PrivateKey:
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class Pair:
    """A certificate, its key, and the certificates between it and its root, nearest first."""

    certificate: x509.Certificate
    key: PrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        return pem(self.certificate)

    @property
    def chain(self) -> str:
        return self.pem + "".join(map(pem, self.above))

    @property
    def private_key(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def document(self, arn: str) -> Certificate:
        return Certificate(arn, self.chain, self.private_key)

    def client_context(self, folder: Path) -> ssl.SSLContext:
        """Of a client that shows this certificate and trusts everybody."""
        file = folder / f"{self.certificate.serial_number:x}.pem"
        file.write_text(self.private_key + self.chain)
        context = trusting()
        context.load_cert_chain(file)
        return context


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def make(
    subject: str | x509.Name,
    *,
    issuer: Pair | None = None,
    names: tuple[str, ...] = (),
    key: PrivateKey | None = None,
    authority: bool = False,
    days: tuple[int, int] = (-30, 30),
    serial: int | None = None,
    usage: x509.ObjectIdentifier | None = None,
) -> Pair:
    """`subject` is a common name or a whole name; `days` are those of the validity, from today."""
    key = key or ec_key()
    name = subject if isinstance(subject, x509.Name) else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False
        )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    signer = issuer.key if issuer else key
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    above = (
        (issuer.certificate, *issuer.above)
        if issuer and issuer.certificate.issuer != issuer.certificate.subject
        else ()
    )
    return Pair(builder.sign(signer, algorithm), key, above)


def revocation_list(issuer: Pair, *revoked: Pair) -> str:
    """Long overdue for its successor, which must not matter."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(NOW - timedelta(days=9))
        .next_update(NOW - timedelta(days=2))
    )
    for one in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(one.certificate.serial_number)
            .revocation_date(NOW - timedelta(days=3))
            .build()
        )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


SERVER_ONLY = ExtendedKeyUsageOID.SERVER_AUTH
