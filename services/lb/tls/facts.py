"""What is known of a TLS connection once its handshake is over, for the logs and for the fields that targets get.

Values only: no socket and no OpenSSL here. The lines of `request_fields` are rendered once per connection
(alb:mutual-authentication, bc:elbv2.LoadBalancerAttribute).
"""

from collections.abc import Mapping
from dataclasses import dataclass

CERTIFICATE_FIELDS = tuple(
    f"X-Amzn-Mtls-Clientcert{part}" for part in ("", "-Serial-Number", "-Issuer", "-Subject", "-Validity", "-Leaf")
)
"""Vouch for the client's certificate: what a client says in them itself must never reach a target."""

TLS_FIELDS = ("X-Amzn-Tls-Version", "X-Amzn-Tls-Cipher-Suite")


VERIFY_CODES = {
    7: "ClientCertInvalid",  # signature
    9: "ClientCertNotYetValid",
    10: "ClientCertExpired",
    22: "ClientCertMaxChainDepthExceeded",
    24: "ClientCertInvalid",  # an issuer that is no authority
    25: "ClientCertMaxChainDepthExceeded",  # path length
    26: "ClientCertPurposeInvalid",
    **dict.fromkeys((2, 18, 19, 20, 21), "ClientCertUntrusted"),
    **dict.fromkeys((66, 67, 68), "ClientCertTypeUnsupported"),  # key or digest too weak
}
"""From OpenSSL's X509_V_ERR_ numbers to AWS's codes of the connection log (alb:load-balancer-connection-logs)."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """`subject` and `issuer` as RFC 2253 has them, in ASCII; `serial` is upper-case hexadecimal; times are
    `2026-01-31T23:59:59Z`. `fields` are what the mode of the listener sends to targets: pairs of (AWS's name, value)."""

    subject: str
    issuer: str
    serial: str
    not_before: str
    not_after: str
    fields: tuple[tuple[str, str], ...]

    @property
    def validity(self) -> str:
        return f"NotBefore={self.not_before};NotAfter={self.not_after}"


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """Of a handshake, done or failed; a text is empty where nothing is known.

    `cipher` and `protocol` are OpenSSL's names. `key_exchange` is known from Python 3.15 on. `verify_status` is AWS's word for
    the connection log: Success, Failed:<code>, or empty without mutual authentication.
    """

    protocol: str = ""
    cipher: str = ""
    server_name: str = ""
    certificate_arn: str = ""
    resumed: bool = False
    key_exchange: str = ""
    alpn: str = ""
    client: ClientCertificate | None = None
    verify_status: str = ""


_ALIKE = 256
_alike: dict[TlsFacts, TlsFacts] = {}


def shared(facts: TlsFacts) -> TlsFacts:
    """An equal value that is held once for all connections it is true of; most are alike where clients have no certificates."""
    if facts.client is not None:
        return facts
    known = _alike.get(facts)
    if known is None:
        if len(_alike) >= _ALIKE:
            _alike.clear()
        _alike[facts] = known = facts
    return known


def request_fields(facts: TlsFacts, renamed: Mapping[str, str], *, tls_headers: bool) -> bytes:
    """The lines that tell a target of the client's TLS, each ending in CRLF. `renamed` maps AWS's names, in lower case, to
    the listener's; `tls_headers` is the load balancer's attribute."""
    pairs = list(facts.client.fields) if facts.client is not None else []
    if tls_headers:
        pairs += zip(TLS_FIELDS, (facts.protocol, facts.cipher), strict=True)
    return "".join(f"{renamed.get(name.lower(), name)}: {value}\r\n" for name, value in pairs).encode("ascii")


def reserved_names(renamed: Mapping[str, str]) -> frozenset[bytes]:
    """The names, in lower case, of the fields that only the load balancer may set: AWS's and what they were renamed to."""
    names = (*CERTIFICATE_FIELDS, *TLS_FIELDS, *renamed.values())
    return frozenset(name.lower().encode("latin-1") for name in names)
