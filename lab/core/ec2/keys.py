"""Key pairs: what is known of a public key, and the row. The private half is given once and kept nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`key_type` is AWS's word (rsa, ed25519), `line` the key in OpenSSH's format without a comment, `fingerprint` as EC2 shows
    it (ec2:verify-keys)."""

    key_type: str
    line: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class KeyPair:
    key_pair_id: str
    key_name: str
    public_key: PublicKey
    created: float
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.key_pair_id
