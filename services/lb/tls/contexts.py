"""The TLS side of a listener, compiled from the document: OpenSSL contexts, and which certificate a client gets.

Certificates (alb:https-listener-certificates): the default one if the client names no server or none that a certificate
has; a wildcard stands for one label. Of several that match, ECDSA goes before RSA if the client can, then the longer key,
then the later end. "If the client can" is OpenSSL's to find out: the best of both kinds lie in one context.

Resumption (alb:describe-ssl-policies): tickets up to TLS 1.2, PSK in 1.3, no early data; not with mutual authentication.
OpenSSL keeps the keys in the context that accepted the connection. So a listener whose part of the document stays the same
keeps its contexts, and a new document costs it nothing.

A configuration that OpenSSL does not take is a ValueError with one sentence: the node refuses the document.
"""

import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID

from lab.core.elbv2.config import Certificate, Tls
from lab.core.elbv2.tls_policies import POLICIES
from services.lb.tls.mtls import ClientVerifier
from services.lb.tls.settings import bare_context

MOST_TRUSTED = 512
"""Certificates that a context in passthrough mode may come to trust before a fresh one takes its place."""

_HOST_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate of the document, read. `rank` grows with preference; `names` are lower case."""

    certificate: Certificate
    is_ecdsa: bool
    rank: tuple[int, float]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Choice:
    """What one context offers: the best ECDSA and the best RSA certificate for a name. At least one is there."""

    ecdsa: Identity | None
    rsa: Identity | None

    def arn(self, cipher: str, protocol: str) -> str:
        """Which it was. TLS 1.3 does not tell: a client of it that cannot do ECDSA is taken for one that can."""
        if self.rsa is None or (self.ecdsa is not None and (protocol == "TLSv1.3" or "-ECDSA-" in cipher)):
            assert self.ecdsa is not None
            return self.ecdsa.certificate.arn
        return self.rsa.certificate.arn


class TlsFront:
    """What an HTTPS listener needs to shake hands. `http2`: whether clients may choose it.

    `asked` is the server name that a handshake has just heard, None if it has heard nothing: whoever drives handshakes
    takes it from here, as they run one at a time.
    """

    def __init__(self, tls: Tls, http2: bool) -> None:
        if tls.policy not in POLICIES:
            raise ValueError(f"has the security policy {tls.policy!r}, which is not one of AWS's")
        if not tls.certificates:
            raise ValueError("has no certificate")
        self.tls = tls
        self.http2 = http2
        self.asked: str | None = None
        self.verifier = ClientVerifier(tls.mutual) if tls.mutual is not None else None
        self._policy = POLICIES[tls.policy]
        self._identities = [_identity(certificate) for certificate in tls.certificates]
        self._choices: WeakKeyDictionary[ssl.SSLContext, Choice] = WeakKeyDictionary()
        self._by_name: dict[str, ssl.SSLContext] = {}
        self._context = self._build()

    @property
    def context(self) -> ssl.SSLContext:
        """The one to accept a connection with."""
        verifier = self.verifier
        if verifier is not None and verifier.trusted >= MOST_TRUSTED:
            verifier.trusted = 0
            self._context = self._build()
        return self._context

    def certificate_arn(self, context: ssl.SSLContext, cipher: str, protocol: str) -> str:
        """Of the certificate that was used; `context` is the socket's at the end of its handshake."""
        return self._choices[context].arn(cipher, protocol)

    def _build(self) -> ssl.SSLContext:
        default = _choice([self._identities[0]])
        contexts = {default: self._context_for(default)}
        self._by_name = {}
        for name in {name for identity in self._identities for name in identity.names}:
            choice = _choice([one for one in self._identities if matches(one.names, name)])
            if choice not in contexts:
                contexts[choice] = self._context_for(choice)
            self._by_name[name] = contexts[choice]
        base = contexts[default]
        # Typed as a method by typeshed; it is a property that takes any callable.
        base.sni_callback = self._name_heard
        return base

    def _name_heard(self, sock: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        # What is no host name, and so could end a line of a log or forge a field of it, is not taken down.
        self.asked = name if name and _HOST_NAME.fullmatch(name) else ""
        if self.asked:
            name = self.asked.lower().rstrip(".")
            found = self._by_name.get(name) or self._by_name.get("*." + name.partition(".")[2])
            if found is not None:
                sock.context = found

    def _context_for(self, choice: Choice) -> ssl.SSLContext:
        context = bare_context(ssl.PROTOCOL_TLS_SERVER, self._policy, level=1)
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_alpn_protocols(["h2", "http/1.1"] if self.http2 else ["http/1.1"])
        for identity in (choice.ecdsa, choice.rsa):
            if identity is not None:
                _load(context, identity.certificate)
        if self.verifier is not None:
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
            self.verifier.demand(context)
        self._choices[context] = choice
        return context


def matches(names: frozenset[str], name: str) -> bool:
    """Whether a certificate for `names` is one for `name`, a server's or itself a wildcard."""
    return name in names or "*." + name.partition(".")[2] in names


def _choice(found: list[Identity]) -> Choice:
    def best(*, ecdsa: bool) -> Identity | None:
        return max((one for one in found if one.is_ecdsa is ecdsa), key=lambda one: one.rank, default=None)

    return Choice(best(ecdsa=True), best(ecdsa=False))


def _identity(certificate: Certificate) -> Identity:
    try:
        leaf = x509.load_pem_x509_certificates(certificate.chain.encode())[0]
        key = leaf.public_key()
    except ValueError as error:
        raise ValueError(f"has the certificate {certificate.arn}, which cannot be read ({error})") from error
    if not isinstance(key, EllipticCurvePublicKey | RSAPublicKey):
        raise ValueError(f"has the certificate {certificate.arn}, whose key is neither RSA nor ECDSA")  # noqa: TRY004 - the document is wrong
    rank = (key.key_size, leaf.not_valid_after_utc.timestamp())
    return Identity(certificate, isinstance(key, EllipticCurvePublicKey), rank, _names(leaf))


def _names(leaf: x509.Certificate) -> frozenset[str]:
    """The DNS names, or the common name where there are none."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
    except x509.ExtensionNotFound:
        names = []
    if not names:
        names = [str(one.value) for one in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return frozenset(name.lower() for name in names)


def _load(context: ssl.SSLContext, certificate: Certificate) -> None:
    pem = f"{certificate.private_key.strip()}\n{certificate.chain}"
    try:
        with _as_file(pem.encode()) as path:
            context.load_cert_chain(path, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        why = "its key is encrypted" if isinstance(error, _KeyIsEncryptedError) else str(error)
        raise ValueError(f"has the certificate {certificate.arn}, which OpenSSL does not take: {why}") from error


class _KeyIsEncryptedError(ValueError):
    """Instead of a question at the terminal."""


def _no_password() -> str:
    """Asked for only when the key is encrypted."""
    raise _KeyIsEncryptedError


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """A path that only this process can read, for as long as it takes: the ssl module reads keys from files alone."""
    if hasattr(os, "memfd_create"):  # Linux: memory, not a disk
        fd = os.memfd_create("key")
        try:
            os.write(fd, data)
            yield f"/proc/self/fd/{fd}"
        finally:
            os.close(fd)
        return
    with tempfile.NamedTemporaryFile() as file:  # mode 600, gone at the end
        file.write(data)
        file.flush()
        yield file.name
