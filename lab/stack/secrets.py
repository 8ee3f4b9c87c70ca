"""Dynamic references: `{{resolve:secretsmanager:ID:SecretString:KEY:STAGE:VERSION}}` inside property strings.

They are resolved at the moment an action is called and nowhere else: rows, events, outputs and GetTemplate keep the
reference. One thing differs from AWS: AWS does not look inside Fn::Base64, so an instance there would read the
reference itself from its user data (and fetch the secret with its instance profile); the lab has no IAM and resolves it.

Source: AWS CloudFormation User Guide, "Using dynamic references".
"""

import json
import re
from collections.abc import Iterator

from lab.core.errors import ValidationError
from lab.stack.context import Call

REFERENCE = re.compile(r"\{\{resolve:([^:{}]+):([^{}]*)\}\}")
MASK = "****"


class Vault:
    """Answers dynamic references for one call of one action, and remembers the secrets so as to keep them out of texts.

    It lives as long as that call and is written nowhere.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._seen: dict[str, str] = {}

    def reveal(self, text: str) -> str:
        """`text` with every reference replaced by its value. Raises LabError when there is no such secret or key."""
        return REFERENCE.sub(lambda match: self._value(match[0], match[1], match[2]), text)

    def mask(self, text: str) -> str:
        """`text` with every secret that was revealed replaced by ****."""
        for secret in sorted(self._seen.values(), key=len, reverse=True):
            text = text.replace(secret, MASK) if secret else text
        return text

    def _value(self, whole: str, service: str, rest: str) -> str:
        if whole not in self._seen:
            objection = service_objection(service)
            if objection is not None:
                raise ValidationError(objection)
            self._seen[whole] = self._fetch(rest)
        return self._seen[whole]

    def _fetch(self, rest: str) -> str:
        secret_id, fields = _split(rest)
        kind, key, stage, version = (*fields, "", "", "", "")[:4]
        if kind not in ("", "SecretString"):
            raise ValidationError(f"Dynamic reference to {secret_id}: only SecretString can be read, not {kind}")
        request = {"SecretId": secret_id}
        request |= {"VersionStage": stage} if stage else {}
        request |= {"VersionId": version} if version else {}
        text = str(self._call("secretsmanager", "GetSecretValue", request)["SecretString"])
        return text if not key else _member(text, key, secret_id)


def objections(text: str) -> Iterator[str]:
    """What is wrong with the dynamic references written in `text`, before any is resolved."""
    for match in REFERENCE.finditer(text):
        objection = service_objection(match[1])
        if objection is not None:
            yield objection


def service_objection(service: str) -> str | None:
    """Why the lab cannot answer references to `service`; None for the one it has."""
    if service == "secretsmanager":
        return None
    return f"the lab does not support {{{{resolve:{service}:…}}}} yet; use secretsmanager"


def _split(rest: str) -> tuple[str, list[str]]:
    """The secret's id (an ARN holds colons of its own) and the fields after it."""
    parts = rest.split(":")
    width = 7 if parts[0] == "arn" else 1
    return ":".join(parts[:width]), parts[width:]


def _member(text: str, key: str, secret_id: str) -> str:
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError):
        raise ValidationError(
            f"Could not find a value associated with JSONKey in SecretString: {key} ({secret_id})"
        ) from None
    return value if isinstance(value, str) else json.dumps(value)
