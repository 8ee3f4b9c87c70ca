"""Secrets Manager, as much as a stack needs: generated passwords that no file ever holds."""

import secrets
import string
from dataclasses import replace

from lab.actions.context import Context, Request, Response, reads, tags_of
from lab.core.errors import LabError
from lab.core.secretsmanager import Secret
from lab.core.times import moment

CLASSES = {
    "ExcludeLowercase": string.ascii_lowercase,
    "ExcludeUppercase": string.ascii_uppercase,
    "ExcludeNumbers": string.digits,
    "ExcludePunctuation": string.punctuation,
}
"""Character classes by the parameter that leaves them out (bc:secretsmanager.GetRandomPassword)."""


@reads("PasswordLength", "ExcludeCharacters", "IncludeSpace", "RequireEachIncludedType", *CLASSES)
def get_random_password(_context: Context, request: Request) -> Response:
    length = request.get("PasswordLength", 32)
    excluded = set(request.get("ExcludeCharacters", ""))
    classes = [
        "".join(character for character in characters if character not in excluded)
        for name, characters in CLASSES.items()
        if not request.get(name, False)
    ]
    if request.get("IncludeSpace", False):
        classes.append(" ")
    classes = [characters for characters in classes if characters]
    required = request.get("RequireEachIncludedType", True)
    if not 1 <= length <= 4096 or not classes or (required and length < len(classes)):
        raise LabError(
            "InvalidParameterException",
            "PasswordLength must be 1 to 4096 and leave room for each included type of character",
        )
    first = [secrets.choice(characters) for characters in classes] if required else []
    rest = [secrets.choice("".join(classes)) for _ in range(length - len(first))]
    password = [*first, *rest]
    secrets.SystemRandom().shuffle(password)
    return {"RandomPassword": "".join(password)}


@reads("Name", "Description", "SecretString", "Tags", "ClientRequestToken")
def create_secret(context: Context, request: Request) -> Response:
    name = request["Name"]
    if any(secret.name == name for secret in context.store.all(Secret)):
        raise LabError("ResourceExistsException", f"The operation failed because the secret {name} already exists.")
    secret = Secret(
        arn=context.account.arn("secretsmanager", f"secret:{name}-{context.new_id('hex16')[:6]}"),
        name=name,
        secret_string=request.get("SecretString", ""),
        version_id=context.new_id("uuid"),
        created=context.now,
        description=request.get("Description", ""),
        tags=tags_of(request.get("Tags")),
    )
    context.store.put(secret)
    return {"ARN": secret.arn, "Name": name, "VersionId": secret.version_id}


@reads("SecretId", "Description", "SecretString", "ClientRequestToken")
def update_secret(context: Context, request: Request) -> Response:
    secret = _get(context, request["SecretId"])
    if "SecretString" in request:
        secret = replace(secret, secret_string=request["SecretString"], version_id=context.new_id("uuid"))
    secret = replace(secret, description=request.get("Description", secret.description))
    context.store.put(secret)
    return {"ARN": secret.arn, "Name": secret.name, "VersionId": secret.version_id}


@reads("SecretId", "VersionId", "VersionStage")
def get_secret_value(context: Context, request: Request) -> Response:
    secret = _get(context, request["SecretId"])
    if request.get("VersionStage", "AWSCURRENT") != "AWSCURRENT":
        raise LabError(
            "ResourceNotFoundException",
            f"Secrets Manager can't find the specified secret value for staging label: {request['VersionStage']}",
        )
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": secret.version_id,
        "SecretString": secret.secret_string,
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": moment(secret.created),
    }


@reads("SecretId", "ForceDeleteWithoutRecovery")
def delete_secret(context: Context, request: Request) -> Response:
    """At once: the lab has no recovery window."""
    secret = _get(context, request["SecretId"])
    context.store.delete(Secret, secret.arn)
    return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": moment(context.now)}


@reads("SecretId", "Tags")
def tag_resource(context: Context, request: Request) -> Response:
    secret = _get(context, request["SecretId"])
    context.store.put(replace(secret, tags={**secret.tags, **tags_of(request["Tags"])}))
    return {}


@reads("SecretId", "TagKeys")
def untag_resource(context: Context, request: Request) -> Response:
    secret = _get(context, request["SecretId"])
    kept = {key: value for key, value in secret.tags.items() if key not in request["TagKeys"]}
    context.store.put(replace(secret, tags=kept))
    return {}


def _get(context: Context, identity: str) -> Secret:
    for secret in context.store.all(Secret):
        if identity in (secret.arn, secret.name):
            return secret
    raise LabError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
