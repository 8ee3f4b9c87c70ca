"""Certificates of clients: asking for them, judging them, telling targets of them (alb:mutual-authentication).

`verify`: OpenSSL checks chain, signatures, purpose and times against the trust store while shaking hands. The revocation
lists and the depth are checked right after, because OpenSSL would refuse whoever's issuer has no list, and every overdue
list. (AWS does not say what it does then; here the one revokes nothing and the other still counts.)

`passthrough`: any certificate goes, and the target judges it. Python's ssl module cannot say that: asked for, a certificate
must have a trusted issuer. So the one that comes is made trusted the moment it is read, before OpenSSL looks for its issuer:
by `SSLContext._msg_callback`, which the standard library has for debugging and does not document (3.8 to 3.14 at least).
With partial chains allowed and times unchecked a certificate then vouches for itself. What OpenSSL still refuses: one whose
extended key usage excludes clients, and a chain that names its issuers rightly but is signed wrongly.

Both modes read the chain by `get_unverified_chain`, public since Python 3.13, private before.
"""

import _ssl
import ssl
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from lab.core.elbv2.config import MutualAuthentication
from services.lb.tls.facts import CERTIFICATE_FIELDS, ClientCertificate

PASSTHROUGH = "passthrough"
VERIFY = "verify"
DEEPEST = 4
"""Certificates of a client's chain, without the trust store's own (alb:load-balancer-limits)."""

MOST_CHAIN_BYTES = 32768
"""Of a passed on chain, encoded: half of what all fields of a request may take. AWS states no figure."""

# OpenSSL's flags of X509_VERIFY_PARAM_set_flags that the ssl module has no name for.
_NO_CHECK_TIME = 0x200000
_IGNORE_CRITICAL = 0x10

_CERTIFICATE_MESSAGE = 11
_HANDSHAKE_RECORD = 22

_CHAIN, _SERIAL, _ISSUER, _SUBJECT, _VALIDITY, _LEAF = CERTIFICATE_FIELDS


class ClientVerifier:
    """A listener's mutual authentication. Raises ValueError with a sentence when the trust store cannot be used."""

    def __init__(self, mutual: MutualAuthentication) -> None:
        self._mutual = mutual
        self.passes_through = mutual.mode == PASSTHROUGH
        if mutual.mode not in (PASSTHROUGH, VERIFY):
            raise ValueError(f"has the mutual authentication mode {mutual.mode!r}; use {PASSTHROUGH} or {VERIFY}")
        self._lists: dict[bytes, list[RevocationList]] = {}
        self.trusted = 0
        """How many certificates of clients `passthrough` has come to trust: a context's store only ever grows."""
        for text in () if self.passes_through else mutual.revocations:
            one = RevocationList(text)
            self._lists.setdefault(one.issuer, []).append(one)

    def demand(self, context: ssl.SSLContext) -> None:
        """Make `context` ask its clients for certificates."""
        flags = int(context.verify_flags) | ssl.VERIFY_X509_PARTIAL_CHAIN
        if self.passes_through:
            context.verify_mode = ssl.CERT_OPTIONAL
            flags |= _NO_CHECK_TIME | _IGNORE_CRITICAL
            _trust_what_comes(context, self._count)
        else:
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                context.load_verify_locations(cadata=self._mutual.authorities)
            except (ssl.SSLError, ValueError) as error:
                raise ValueError(f"has a trust store that OpenSSL does not take ({error})") from error
            if self._mutual.ignore_expiry:
                flags |= _NO_CHECK_TIME
        context.verify_flags = ssl.VerifyFlags(flags)

    def _count(self) -> None:
        self.trusted += 1

    def examine(self, sock: ssl.SSLSocket) -> tuple[ClientCertificate | None, str]:
        """(what is known of the client's certificate, why the connection must not be used: AWS's code or "")."""
        if sock.getpeercert(binary_form=True) is None:
            return None, ""
        sent = _chain(sock, "unverified")
        if self.passes_through:
            text = _encoded(sent)
            if len(text) > MOST_CHAIN_BYTES:
                return None, "ClientCertMaxSizeExceeded"
            return _read(sent[0], lambda _: ((_CHAIN, text),)), ""
        client = _read(sent[0], lambda known: (*_parts(known), (_LEAF, _encoded(sent[:1]))))
        # A resumed session of TLS 1.2 brings no chain: these contexts, with these lists, have judged it before.
        chain = _chain(sock, "verified")
        if not client.subject and not client.serial:
            return client, "ClientCertInvalid"
        if len(chain) > DEEPEST + 1:
            return client, "ClientCertMaxChainDepthExceeded"
        return client, self._revocation([x509.load_der_x509_certificate(der) for der in chain]) if self._lists else ""

    def _revocation(self, chain: list[x509.Certificate]) -> str:
        """Why the chain is refused for a list of revoked certificates, or "". An authority's own list counts only."""
        for certificate, issuer in pairwise(chain):
            named = self._lists.get(certificate.issuer.public_bytes())
            if named:
                lists = [one for one in named if one.is_of(issuer)]
                if not lists:
                    return "ClientCertCrlProcessingError"
                if any(certificate.serial_number in one.revoked for one in lists):
                    return "ClientCertCrlHit"
        return ""


class RevocationList:
    """`issuer` is its name in DER, `revoked` are serial numbers."""

    def __init__(self, text: str) -> None:
        try:
            self._list = x509.load_pem_x509_crl(text.encode())
            self.issuer = self._list.issuer.public_bytes()
            self.revoked = frozenset(entry.serial_number for entry in self._list)
        except ValueError as error:
            raise ValueError(f"has a revocation list that cannot be read ({error})") from error
        self._signers: dict[bytes, bool] = {}

    def is_of(self, authority: x509.Certificate) -> bool:
        """Whether `authority` signed it; two may have the same name."""
        fingerprint = authority.fingerprint(SHA256())
        if fingerprint not in self._signers:
            self._signers[fingerprint] = _signed(self._list, authority)
        return self._signers[fingerprint]


def _trust_what_comes(context: ssl.SSLContext, count: Callable[[], None]) -> None:
    """See the head of this module."""

    def seen(_: object, direction: str, version: int, kind: int, message: int | None, data: bytes) -> None:
        if direction == "read" and kind == _HANDSHAKE_RECORD and message == _CERTIFICATE_MESSAGE:
            leaf = sent_leaf(bytes(data), with_context=version == ssl.TLSVersion.TLSv1_3)
            if leaf:
                context.load_verify_locations(cadata=leaf)
                count()

    if not hasattr(context, "_msg_callback"):
        raise ValueError(
            "uses mutual authentication in passthrough mode, for which this Python's ssl module has no hook"
        )
    # Not in typeshed, as it is not documented.
    unlisted: Any = context
    unlisted._msg_callback = seen


def sent_leaf(message: bytes, *, with_context: bool) -> bytes:
    """The first certificate (DER) of a handshake message Certificate, header included; b"" for an empty or a broken one.
    `with_context`: in TLS 1.3 a context comes first (RFC 8446 section 4.4.2, RFC 5246 section 7.4.2)."""
    start = 4
    if with_context:
        start += 1 + (message[start] if len(message) > start else 0)
    start += 3
    length = int.from_bytes(message[start : start + 3], "big")
    leaf = message[start + 3 : start + 3 + length]
    return leaf if len(leaf) == length else b""


def _chain(sock: ssl.SSLSocket, kind: str) -> tuple[bytes, ...]:
    """The peer's certificates in DER, leaf first; `kind`: unverified (as sent) or verified (as built, with its anchor)."""
    getter = getattr(sock, f"get_{kind}_chain", None)
    if getter is not None:
        return tuple(getter())
    inner: Any = sock._sslobj  # type: ignore[attr-defined]  # the public method came with Python 3.13
    found = getattr(inner, f"get_{kind}_chain")() or ()
    return tuple(one.public_bytes(_ssl.ENCODING_DER) for one in found)


def _read(leaf: bytes, fields: Callable[[x509.Certificate], Iterable[tuple[str, str]]]) -> ClientCertificate:
    """`fields` of a certificate that can be read; nothing is known of one that cannot."""
    try:
        known = x509.load_der_x509_certificate(leaf)
        return ClientCertificate(
            rfc2253(known.subject),
            rfc2253(known.issuer),
            serial_number(known),
            _time(known.not_valid_before_utc),
            _time(known.not_valid_after_utc),
            tuple(fields(known)),
        )
    except ValueError:
        return ClientCertificate("", "", "", "", "", ())


def _parts(known: x509.Certificate) -> Iterator[tuple[str, str]]:
    yield _SERIAL, serial_number(known)
    yield _ISSUER, rfc2253(known.issuer)
    yield _SUBJECT, rfc2253(known.subject)
    yield _VALIDITY, f"NotBefore={_time(known.not_valid_before_utc)};NotAfter={_time(known.not_valid_after_utc)}"


def serial_number(known: x509.Certificate) -> str:
    digits = f"{known.serial_number:X}"
    return digits.zfill(len(digits) + len(digits) % 2)


def rfc2253(name: x509.Name) -> str:
    """The most specific part first. What is not printable ASCII is escaped byte by byte: a name must not end a line."""
    text = name.rfc4514_string({NameOID.EMAIL_ADDRESS: "emailAddress"})
    return "".join(
        one if " " <= one <= "~" else "".join(f"\\{byte:02X}" for byte in one.encode("utf-8", "replace"))
        for one in text
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _encoded(chain: Iterable[bytes]) -> str:
    return quote("".join(ssl.DER_cert_to_PEM_cert(der) for der in chain), safe="+=/")


def _signed(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(authority.public_key())  # type: ignore[arg-type]  # the next line is for the rest
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
