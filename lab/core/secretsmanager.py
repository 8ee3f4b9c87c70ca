"""Rows of Secrets Manager, as much of it as a stack needs: a secret with its current value."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    arn: str
    name: str
    secret_string: str
    version_id: str
    created: float
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.arn
