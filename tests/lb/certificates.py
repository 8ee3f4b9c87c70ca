"""Certificates for the tests of a node: `tests.pem`'s, valid today, and clients that show them."""

import ssl
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests import pem
from tests.pem import Pair

NOW = time.time()
SERVER_ONLY = ExtendedKeyUsageOID.SERVER_AUTH


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def make(
    subject: str | x509.Name, *, names: tuple[str, ...] = (), days: tuple[float, float] = (-30, 30), **more: Any
) -> Pair:
    return pem.certificate(NOW, names, subject=subject, days=days, **more)


def revocation_list(issuer: Pair, *revoked: Pair) -> str:
    """Long overdue for its successor, which must not matter."""
    return pem.revocation_list(NOW - 9 * pem.DAY, issuer, [one.certificate.serial_number for one in revoked])


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def client_context(pair: Pair, folder: Path) -> ssl.SSLContext:
    """Of a client that shows this certificate and trusts everybody."""
    file = folder / f"{pair.certificate.serial_number:x}.pem"
    file.write_text(pair.key + pair.chain)
    context = trusting()
    context.load_cert_chain(file)
    return context
