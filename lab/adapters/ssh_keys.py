"""Keys for SSH: made, read, and their fingerprints as EC2 computes them (ec2:verify-keys).

made here, RSA        SHA-1 of the private key, PKCS#8 DER, as pairs of hex digits
imported, RSA         MD5 of the public key, SubjectPublicKeyInfo DER, likewise
ED25519               SHA-256 of the public key in OpenSSH's own encoding, base64
"""

import base64
import binascii
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
    load_ssh_public_key,
)

from lab.core.ec2.keys import PublicKey

RSA_BITS = 2048
IMPORTABLE_BITS = (1024, 2048, 4096)


class SshKeys:
    def create(self, key_type: str) -> tuple[PublicKey, str]:
        """A new pair: what is public of it, and the private key in PEM, as EC2 gives it."""
        if key_type == "ed25519":
            ed = Ed25519PrivateKey.generate()
            pem = ed.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
            return _described(ed.public_key()), pem.decode()
        rsa = generate_private_key(65537, RSA_BITS)
        pem = rsa.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return PublicKey("rsa", _line(rsa.public_key()), _of_private(rsa)), pem.decode()

    def read(self, material: bytes) -> PublicKey:
        """Of a public key in OpenSSH's format, or base64 of DER or PEM. Raises ValueError with a sentence."""
        key = _loaded(material.strip())
        if isinstance(key, RSAPublicKey) and key.key_size not in IMPORTABLE_BITS:
            bits = ", ".join(map(str, IMPORTABLE_BITS))
            raise ValueError(f"an RSA key must have {bits} bits, this one has {key.key_size}")
        return _described(key)


def _loaded(material: bytes) -> RSAPublicKey | Ed25519PublicKey:
    for load in (load_ssh_public_key, load_pem_public_key, _load_der):
        try:
            key = load(material)
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, RSAPublicKey | Ed25519PublicKey):
            return key
    raise ValueError("Key is not in valid OpenSSH public key format: it must be a public key, RSA or ED25519")


def _load_der(material: bytes) -> object:
    try:
        return load_der_public_key(base64.b64decode(material, validate=True))
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _described(key: RSAPublicKey | Ed25519PublicKey) -> PublicKey:
    line = _line(key)
    if isinstance(key, Ed25519PublicKey):
        digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
        return PublicKey("ed25519", line, base64.b64encode(digest).decode())
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey("rsa", line, _pairs(hashlib.md5(der, usedforsecurity=False).digest()))


def _of_private(key: RSAPrivateKey) -> str:
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return _pairs(hashlib.sha1(der, usedforsecurity=False).digest())


def _line(key: RSAPublicKey | Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _pairs(digest: bytes) -> str:
    return digest.hex(":")
