"""AWS's security policies: what a policy's name means, and what a node really offers under it (alb:describe-ssl-policies).

Pure values; the order of policies, protocols and ciphers is AWS's, ciphers by falling preference, in OpenSSL's names. The
PQ policies have the ciphers of their namesakes and add hybrid ML-KEM key exchange. Absent: the RFC 9151 policies.

What a node cannot do as AWS does is told by `offered`, not hidden: TLS 1.0 and 1.1 and 3DES are not spoken at all (today's
OpenSSL has them only at its security level 0); the suites of TLS 1.3 and the groups of the key exchange are OpenSSL's own,
because Python's ssl module cannot choose them. So a FIPS policy is its list of ciphers here, not a validated module.
"""

from collections.abc import Iterable
from dataclasses import dataclass

API_DEFAULT = "ELBSecurityPolicy-2016-08"
"""Of a listener that names no policy, unless the console made it."""

CONSOLE_DEFAULT = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"


@dataclass(frozen=True, slots=True)
class SecurityPolicy:
    """`protocols` are of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3; the first of `ciphers` has priority 1."""

    name: str
    protocols: tuple[str, ...]
    ciphers: tuple[str, ...]

    @property
    def post_quantum(self) -> bool:
        return "-PQ-" in self.name

    @property
    def fips(self) -> bool:
        return "-FIPS-" in self.name


@dataclass(frozen=True, slots=True)
class Offer:
    """What a node speaks under a policy. `protocols` are of TLSv1.2, TLSv1.3; `ciphers` are those of TLS 1.2, and empty
    where only TLS 1.3 is spoken. `left_out` says in AWS's names what the policy has and the node has not."""

    protocols: tuple[str, ...]
    ciphers: tuple[str, ...]
    left_out: tuple[str, ...]


_3, _3_2, _3_2_1, _3_2_1_0 = (("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")[-count:] for count in (1, 2, 3, 4))
_2, _2_1, _2_1_0 = (("TLSv1", "TLSv1.1", "TLSv1.2")[-count:] for count in (1, 2, 3))

_TLS13_FIPS = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384")
_TLS13 = (*_TLS13_FIPS, "TLS_CHACHA20_POLY1305_SHA256")


def _both(suffix: str) -> tuple[str, str]:
    return f"ECDHE-ECDSA-{suffix}", f"ECDHE-RSA-{suffix}"


_GCM = (*_both("AES128-GCM-SHA256"), *_both("AES256-GCM-SHA384"))
_ECDHE = (
    *_both("AES128-GCM-SHA256"), *_both("AES128-SHA256"), *_both("AES256-GCM-SHA384"), *_both("AES256-SHA384"),
)  # fmt: skip
_WITH_SHA1 = (
    *_both("AES128-GCM-SHA256"), *_both("AES128-SHA256"), *_both("AES128-SHA"),
    *_both("AES256-GCM-SHA384"), *_both("AES256-SHA384"),
)  # fmt: skip
_ECDHE_SHA1 = (*_WITH_SHA1, *_both("AES256-SHA"))
_ECDHE_SHA1_FS = (*_WITH_SHA1, *reversed(_both("AES256-SHA")))
"""The same ciphers: AWS's tables of the FIPS and FS policies have the last two the other way round."""

_RSA = ("AES128-GCM-SHA256", "AES128-SHA256", "AES256-GCM-SHA384", "AES256-SHA256")
_RSA_SHA1 = ("AES128-GCM-SHA256", "AES128-SHA256", "AES128-SHA", "AES256-GCM-SHA384", "AES256-SHA256", "AES256-SHA")
_3DES = "DES-CBC3-SHA"

_TABLE: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("TLS13-1-3-2021-06", _3, _TLS13),
    ("TLS13-1-3-PQ-2025-09", _3, _TLS13),
    ("TLS13-1-2-2021-06", _3_2, (*_TLS13, *_ECDHE)),
    ("TLS13-1-2-PQ-2025-09", _3_2, (*_TLS13, *_ECDHE)),
    ("TLS13-1-2-Res-2021-06", _3_2, (*_TLS13, *_GCM)),
    ("TLS13-1-2-Res-PQ-2025-09", _3_2, (*_TLS13, *_GCM)),
    ("TLS13-1-2-Ext2-2021-06", _3_2, (*_TLS13, *_ECDHE_SHA1, *_RSA_SHA1)),
    ("TLS13-1-2-Ext2-PQ-2025-09", _3_2, (*_TLS13, *_ECDHE_SHA1, *_RSA_SHA1)),
    ("TLS13-1-2-Ext1-2021-06", _3_2, (*_TLS13, *_ECDHE, *_RSA)),
    ("TLS13-1-2-Ext1-PQ-2025-09", _3_2, (*_TLS13, *_ECDHE, *_RSA)),
    ("TLS13-1-1-2021-06", _3_2_1, (*_TLS13, *_ECDHE_SHA1, *_RSA_SHA1)),
    ("TLS13-1-0-2021-06", _3_2_1_0, (*_TLS13, *_ECDHE_SHA1, *_RSA_SHA1)),
    ("TLS13-1-0-PQ-2025-09", _3_2_1_0, (*_TLS13, *_ECDHE_SHA1, *_RSA_SHA1)),
    ("TLS-1-2-Ext-2018-06", _2, (*_ECDHE_SHA1, *_RSA_SHA1)),
    ("TLS-1-2-2017-01", _2, (*_ECDHE, *_RSA)),
    ("TLS-1-1-2017-01", _2_1, (*_ECDHE_SHA1, *_RSA_SHA1)),
    ("2016-08", _2_1_0, (*_ECDHE_SHA1, *_RSA_SHA1)),
    ("TLS13-1-3-FIPS-2023-04", _3, _TLS13_FIPS),
    ("TLS13-1-3-FIPS-PQ-2025-09", _3, _TLS13_FIPS),
    ("TLS13-1-2-FIPS-2023-04", _3_2, (*_TLS13_FIPS, *_ECDHE)),
    ("TLS13-1-2-FIPS-PQ-2025-09", _3_2, (*_TLS13_FIPS, *_ECDHE)),
    ("TLS13-1-2-Res-FIPS-2023-04", _3_2, (*_TLS13_FIPS, *_GCM)),
    ("TLS13-1-2-Res-FIPS-PQ-2025-09", _3_2, (*_TLS13_FIPS, *_GCM)),
    ("TLS13-1-2-Ext2-FIPS-2023-04", _3_2, (*_TLS13_FIPS, *_ECDHE_SHA1_FS, *_RSA_SHA1)),
    ("TLS13-1-2-Ext2-FIPS-PQ-2025-09", _3_2, (*_TLS13_FIPS, *_ECDHE_SHA1_FS, *_RSA_SHA1)),
    ("TLS13-1-2-Ext1-FIPS-2023-04", _3_2, (*_TLS13_FIPS, *_ECDHE, *_RSA)),
    ("TLS13-1-2-Ext1-FIPS-PQ-2025-09", _3_2, (*_TLS13_FIPS, *_ECDHE, *_RSA)),
    ("TLS13-1-2-Ext0-FIPS-2023-04", _3_2, (*_TLS13_FIPS, *_ECDHE_SHA1_FS)),
    ("TLS13-1-2-Ext0-FIPS-PQ-2025-09", _3_2, (*_TLS13_FIPS, *_ECDHE_SHA1_FS)),
    ("TLS13-1-1-FIPS-2023-04", _3_2_1, (*_TLS13_FIPS, *_ECDHE_SHA1_FS, *_RSA_SHA1)),
    ("TLS13-1-0-FIPS-2023-04", _3_2_1_0, (*_TLS13_FIPS, *_ECDHE_SHA1_FS, *_RSA_SHA1)),
    ("TLS13-1-0-FIPS-PQ-2025-09", _3_2_1_0, (*_TLS13_FIPS, *_ECDHE_SHA1_FS, *_RSA_SHA1)),
    ("FS-1-2-Res-2020-10", _2, _GCM),
    ("FS-1-2-Res-2019-08", _2, _ECDHE),
    ("FS-1-2-2019-08", _2, _ECDHE_SHA1_FS),
    ("FS-1-1-2019-08", _2_1, _ECDHE_SHA1_FS),
    ("FS-2018-06", _2_1_0, _ECDHE_SHA1_FS),
    ("2015-05", _2_1_0, (*_ECDHE_SHA1, *_RSA_SHA1)),
    ("TLS-1-0-2015-04", _2_1_0, (*_ECDHE_SHA1, *_RSA_SHA1, _3DES)),
)

POLICIES: dict[str, SecurityPolicy] = {
    policy.name: policy
    for policy in (SecurityPolicy(f"ELBSecurityPolicy-{name}", spoken, ciphers) for name, spoken, ciphers in _TABLE)
}
"""By name, in the order in which AWS's pages list them. The last two are known to the API but no longer documented there."""


def offered(policy: SecurityPolicy) -> Offer:
    """What a node speaks under the policy. Never empty: every policy has TLS 1.2 or 1.3."""
    protocols = tuple(name for name in policy.protocols if name in ("TLSv1.2", "TLSv1.3"))
    ciphers = tuple(name for name in policy.ciphers if not name.startswith("TLS_") and name != _3DES)
    kept = (*protocols, *ciphers, *_TLS13)
    return Offer(protocols, ciphers, tuple(name for name in (*policy.protocols, *policy.ciphers) if name not in kept))


def target_policy(listener_policies: Iterable[str]) -> SecurityPolicy:
    """The policy towards targets follows those of the HTTPS listeners: TLS 1.3 where any of them has it, within FIPS where
    it is a FIPS policy. Names that are no policy's count as none."""
    chosen = [POLICIES[name] for name in listener_policies if name in POLICIES]
    modern = [policy for policy in chosen if "TLSv1.3" in policy.protocols]
    if not modern:
        return POLICIES[API_DEFAULT]
    fips = any(policy.fips for policy in modern)
    return POLICIES["ELBSecurityPolicy-TLS13-1-0-FIPS-2023-04" if fips else "ELBSecurityPolicy-TLS13-1-0-2021-06"]
