"""Certificates as ACM keeps them, and the names the lab's own authority may vouch for. Pure: X.509 itself is read and made
by an adapter (`lab.adapters.authority`).

The authority is trusted by a person's browser, so it is bound to names nobody else has: `lab.local`, `localhost` and the
loopback addresses. The constraint is in its certificate, where clients enforce it. A load balancer's own DNS name is not
among them: permitting `elb.amazonaws.com` would let a stolen key pass for every load balancer there is on AWS. ACM does not
issue for Amazon's own names either (acm: domain validation).

Certificates live by the wall clock, not by lab time: it is the clients' clocks that judge them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PERMITTED_NAMES = ("lab.local", "localhost")
"""And everything below them."""

PERMITTED_NETWORKS = ("127.0.0.0/8",)

LOOPBACK_NAME, LOOPBACK_ADDRESS = "localhost", "127.0.0.1"
"""Also in every certificate the authority issues, unasked: under them a person finds the lab's published ports. ACM takes
neither in a request, for a name must have a dot there and a last label of two characters."""

NAME = re.compile(r"(\*\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])")
"""bc:acm.DomainNameString"""

REQUESTABLE = ("RSA_2048", "EC_prime256v1", "EC_secp384r1")
IMPORTABLE = (*REQUESTABLE, "RSA_1024", "RSA_3072", "RSA_4096", "EC_secp521r1")
"""Key algorithms (bc:acm.RequestCertificate, acm: import prerequisites)."""

ISSUED, IMPORTED = "AMAZON_ISSUED", "IMPORTED"


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What is written in a certificate. Times are seconds of the wall clock since the epoch; algorithms and usages have
    ACM's words; `names` are its DNS names. `signature_algorithm` is like SHA256WITHECDSA."""

    common_name: str
    names: tuple[str, ...]
    subject: str
    issuer: str
    serial: str
    not_before: float
    not_after: float
    key_algorithm: str
    signature_algorithm: str
    key_usages: tuple[str, ...] = ()
    extended_key_usages: tuple[tuple[str, str], ...] = ()

    @property
    def domain_name(self) -> str:
        """What ACM calls the certificate by; empty when it has no name at all."""
        return self.names[0] if self.names else self.common_name


@dataclass(frozen=True, slots=True)
class Material:
    """Canonical PEM, as any program reads it: a certificate, those that lead from it to a root (may be empty), its private key
    (PKCS #8, unencrypted)."""

    body: str
    chain: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthorityFacts:
    """The lab's authority, for people. `path` is where the control plane keeps its certificate, empty if nowhere; `name` is its
    common name; `sha256` is the fingerprint in the form browsers show; `not_after` is seconds of the wall clock."""

    pem: str
    path: str
    name: str
    sha256: str
    not_after: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """`type` is AWS's word: AMAZON_ISSUED is by the lab's authority. `names` are those that were asked for, or the imported
    one's. The private key is in the row, as the store is: readable by the lab's user alone."""

    arn: str
    type: str
    names: tuple[str, ...]
    body: str
    chain: str
    private_key: str = field(repr=False)
    facts: CertificateFacts
    created: float
    validation_method: str = ""
    idempotency_token: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.arn

    @property
    def served(self) -> str:
        """What a server sends. A root is left out where it is known to be one: a client that trusts it has it."""
        return self.body if self.type == ISSUED else f"{self.body}{self.chain}"

    def status(self, wall_time: float) -> str:
        return "ISSUED" if wall_time <= self.facts.not_after else "EXPIRED"


def vouched_for(name: str) -> bool:
    """Whether the authority's name constraint admits the DNS name, in lower case."""
    return any(name == permitted or name.endswith(f".{permitted}") for permitted in PERMITTED_NAMES)
