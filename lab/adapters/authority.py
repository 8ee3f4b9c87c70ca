"""The lab's own certificate authority: a root that is bound to the lab's names, and certificates by it.

Its key is made when the lab first starts, lies in the state directory with mode 600, signs certificates for servers and
nothing else, and goes with the state when the lab is taken down. What the root may vouch for is written into its own
certificate as a critical name constraint (RFC 5280 §4.2.1.10), so that who trusts it trusts it for the lab alone.
"""

import ipaddress
import os
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.adapters.x509 import authorities_of, facts_of, imported, pem_of, pem_of_key, revoked_by
from lab.core.acm import (
    LOOPBACK_ADDRESS,
    LOOPBACK_NAME,
    PERMITTED_NAMES,
    PERMITTED_NETWORKS,
    AuthorityFacts,
    CertificateFacts,
    Material,
)
from lab.core.errors import Refused

ORGANISATION = "asg-lab"
LIFE = timedelta(days=3650)
CERTIFICATE_LIFE = timedelta(days=395)
"""As ACM's (acm: certificate characteristics)."""

SLACK = timedelta(hours=1)
"""For clients whose clock is slow."""

LONGEST_COMMON_NAME = 64

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
NEW_KEYS: dict[str, Callable[[], Key]] = {
    "RSA_2048": lambda: rsa.generate_private_key(65537, 2048),
    "EC_prime256v1": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC_secp384r1": lambda: ec.generate_private_key(ec.SECP384R1()),
}
"""By ACM's words."""


class Authority:
    """`directory` keeps the key and the certificate; None keeps them in memory, for tests. `wall_time` gives seconds since
    the epoch. Raises Refused when the directory cannot be used, with what to do."""

    def __init__(self, directory: Path | None, wall_time: Callable[[], float]) -> None:
        self.wall_time = wall_time
        self._path = None if directory is None else directory / "ca.pem"
        if directory is None:
            self._key: ec.EllipticCurvePrivateKey = ec.generate_private_key(ec.SECP256R1())
            self._root = self._self_signed()
            return
        try:
            self._key, self._root = self._kept(directory)
        except OSError as error:
            raise Refused(
                f"the certificate authority in {directory} cannot be used ({error.strerror}): make it readable and writable, "
                "or remove it to have a new one"
            ) from error

    # What actions ask (lab.actions.context.Certificates).

    def authority(self) -> AuthorityFacts:
        return AuthorityFacts(
            pem=pem_of(self._root),
            path="" if self._path is None else str(self._path),
            name=str(self._root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value),
            sha256=self._root.fingerprint(hashes.SHA256()).hex(":").upper(),
            not_after=self._root.not_valid_after_utc.timestamp(),
        )

    def issue(self, names: Sequence[str], key_algorithm: str) -> Material:
        """A server's certificate for DNS names, and for this machine's loopback, with a new key. The names must be ones that
        the authority may vouch for: no client takes another."""
        key = NEW_KEYS[key_algorithm]()
        subject = [name for name in names if len(name) <= LONGEST_COMMON_NAME][:1]
        dns_names = [x509.DNSName(name) for name in dict.fromkeys((*names, LOOPBACK_NAME))]
        alternatives = [*dns_names, x509.IPAddress(ipaddress.ip_address(LOOPBACK_ADDRESS))]
        end = min(self._now() + CERTIFICATE_LIFE, self._root.not_valid_after_utc)
        certificate = (
            self._builder(end)
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in subject]))
            .public_key(key.public_key())
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=not subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(server=True, rsa_key=isinstance(key, rsa.RSAPrivateKey)), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .issuer_name(self._root.subject)
            .sign(self._key, hashes.SHA256())
        )
        return Material(pem_of(certificate), pem_of(self._root), pem_of_key(key))

    def facts(self, body: str) -> CertificateFacts:
        return facts_of(body)

    def imported(self, body: str, private_key: str, chain: str) -> Material:
        return imported(body, private_key, chain, self.wall_time())

    def authorities(self, bundle: str) -> tuple[str, ...]:
        return tuple(pem_of(one) for one in authorities_of(bundle))

    def revoked(self, content: str, bundle: str) -> tuple[str, int]:
        return revoked_by(content, bundle)

    # The root.

    def _kept(self, directory: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        """The key is written before the certificate: a start that was cut short between the two is gone on with."""
        directory.mkdir(mode=0o755, exist_ok=True)
        key_path, path = directory / "key.pem", directory / "ca.pem"
        if not key_path.exists():
            if path.exists():
                raise Refused(f"{path} has lost its key ({key_path}): remove it to have a new certificate authority")
            _write(key_path, pem_of_key(ec.generate_private_key(ec.SECP256R1())).encode(), 0o600)
        self._key = _load_key(key_path)
        if not path.exists():
            _write(path, pem_of(self._self_signed()).encode(), 0o644)
        return self._key, _load_root(path, self._key)

    def _self_signed(self) -> x509.Certificate:
        public = self._key.public_key()
        identifier = x509.SubjectKeyIdentifier.from_public_key(public)
        # Part of the name, so that a person finds the right one again in a trust store.
        mark = identifier.digest.hex()[:8]
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
                x509.NameAttribute(NameOID.COMMON_NAME, f"{ORGANISATION} authority {mark}"),
            ]
        )
        permitted: list[x509.GeneralName] = [x509.DNSName(one) for one in PERMITTED_NAMES]
        permitted += [x509.IPAddress(ipaddress.ip_network(one)) for one in PERMITTED_NETWORKS]
        return (
            self._builder(self._now() + LIFE)
            .subject_name(name)
            .issuer_name(name)
            .public_key(public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(server=False), critical=True)
            .add_extension(x509.NameConstraints(permitted, None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(identifier, critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _builder(self, end: datetime) -> x509.CertificateBuilder:
        serial = secrets.randbits(127) | 1 << 126  # 16 bytes, never negative
        builder = x509.CertificateBuilder().serial_number(serial)
        return builder.not_valid_before(self._now() - SLACK).not_valid_after(end)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self.wall_time()), UTC)


def _usage(*, server: bool, rsa_key: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=server,
        content_commitment=False,
        key_encipherment=server and rsa_key,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not server,
        crl_sign=not server,
        encipher_only=False,
        decipher_only=False,
    )


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused(f"{path} is not a private key: remove its directory to have a new authority") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Refused(f"{path} is not the lab's own key: remove its directory to have a new authority")
    return key


def _load_root(path: Path, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    try:
        root = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise Refused(f"{path} is not a certificate: remove it to have it made again") from error
    if root.public_key() != key.public_key():
        raise Refused(f"{path} does not belong to the key beside it: remove it to have it made again")
    return root


def _write(path: Path, data: bytes, mode: int) -> None:
    """Whole, with the mode from the first moment."""
    part = path.with_suffix(".tmp")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
