"""AWS::SecretsManager::Secret. A generated secret is made by GetRandomPassword, so the engine itself draws no numbers.

Source: AWS CloudFormation resource reference, AWS::SecretsManager::Secret and its GenerateSecretString.
"""

import json
from typing import Any

from lab.core.errors import ValidationError
from lab.stack.resources.base import ResourceType, Work, deleted_by, retag, the_id, words
from lab.stack.schema import BOOLEAN, INTEGER, STRING, TAGS, fixed, free, map_of

_OWN = ("SecretStringTemplate", "GenerateStringKey")
_GENERATE = map_of(
    {
        "ExcludeCharacters": STRING,
        "ExcludeLowercase": BOOLEAN,
        "ExcludeNumbers": BOOLEAN,
        "ExcludePunctuation": BOOLEAN,
        "ExcludeUppercase": BOOLEAN,
        "GenerateStringKey": STRING,
        "IncludeSpace": BOOLEAN,
        "PasswordLength": INTEGER,
        "RequireEachIncludedType": BOOLEAN,
        "SecretStringTemplate": STRING,
    }
)


def _secret_string(work: Work) -> str:
    """The secret's text: as given, or a password, alone or put into the JSON template under its key."""
    if "SecretString" in work.properties:
        return str(work.properties["SecretString"])
    options = work.properties.get("GenerateSecretString", {})
    request = {name: value for name, value in options.items() if name not in _OWN}
    password = work.call("secretsmanager", "GetRandomPassword", request)["RandomPassword"]
    if "SecretStringTemplate" not in options:
        return str(password)
    try:
        members = json.loads(options["SecretStringTemplate"])
        return json.dumps({**members, options["GenerateStringKey"]: password})
    except (ValueError, TypeError):
        raise ValidationError("SecretStringTemplate must be a JSON object") from None


def _create(work: Work) -> str:
    request = {
        "Name": work.properties.get("Name", work.name),
        **work.some("Description Tags"),
        "SecretString": _secret_string(work),
    }
    return str(work.call("secretsmanager", "CreateSecret", request)["ARN"])


def _update(work: Work) -> None:
    changes: dict[str, Any] = work.changes("Description")
    if work.changed & {"SecretString", "GenerateSecretString"}:
        changes["SecretString"] = _secret_string(work)
    if changes:
        work.call("secretsmanager", "UpdateSecret", {"SecretId": work.physical_id, **changes})

    def put(tags: list[dict[str, Any]]) -> None:
        work.call("secretsmanager", "TagResource", {"SecretId": work.physical_id, "Tags": tags})

    def take(keys: list[str]) -> None:
        work.call("secretsmanager", "UntagResource", {"SecretId": work.physical_id, "TagKeys": keys})

    retag(work, put, take)


def _check(given: dict[str, Any]) -> str | None:
    if {"SecretString", "GenerateSecretString"} <= given.keys():
        return "SecretString and GenerateSecretString exclude each other"
    options = given.get("GenerateSecretString")
    if isinstance(options, dict) and len(options.keys() & set(_OWN)) == 1:
        return "SecretStringTemplate and GenerateStringKey go together"
    return None


def _which(work: Work) -> dict[str, Any]:
    return {"SecretId": work.physical_id, "ForceDeleteWithoutRecovery": True}


SECRET = ResourceType(
    "AWS::SecretsManager::Secret",
    {
        "Description": free(STRING),
        "GenerateSecretString": free(_GENERATE),
        "Name": fixed(STRING),
        "SecretString": free(STRING),
        "Tags": free(TAGS),
    },
    create=_create,
    update=_update,
    delete=deleted_by("secretsmanager", "DeleteSecret", _which),
    attributes={"Id": the_id},
    elsewhere=words("KmsKeyId ReplicaRegions Type"),
    check=_check,
)

TYPES = (SECRET,)
