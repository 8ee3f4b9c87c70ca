"""Key pairs (ec2:ec2-key-pairs)."""

from typing import Any

from lab.actions.context import Context, Request, Response, reads, tag_list
from lab.actions.ec2.common import member, select, specified_tags
from lab.core.ec2.keys import KeyPair, PublicKey
from lab.core.errors import LabError
from lab.core.times import moment

LONGEST_NAME = 255


@reads("KeyName", "KeyType", "KeyFormat", "TagSpecifications")
def create_key_pair(context: Context, request: Request) -> Response:
    """The private key is in this answer and nowhere else."""
    if request.get("KeyFormat", "pem") != "pem":
        raise LabError("UnsupportedOperation", "the lab gives private keys in pem only")
    key_type = request.get("KeyType", "rsa")
    if key_type not in ("rsa", "ed25519"):
        raise LabError("InvalidParameterValue", f"Value ({key_type}) for parameter keyType is invalid.")
    public, private = context.keys.create(key_type)
    pair = _put(context, request, public)
    return {**_brief(pair), "KeyMaterial": private}


@reads("KeyName", "PublicKeyMaterial", "TagSpecifications")
def import_key_pair(context: Context, request: Request) -> Response:
    material = request["PublicKeyMaterial"]
    try:
        public = context.keys.read(material if isinstance(material, bytes) else material.encode())
    except ValueError as error:
        raise LabError("InvalidKey.Format", str(error)) from error
    return _brief(_put(context, request, public))


@reads("KeyNames", "KeyPairIds", "Filters", "IncludePublicKey")
def describe_key_pairs(context: Context, request: Request) -> Response:
    public = request.get("IncludePublicKey", False)
    described = [_pair(pair, public=public) for pair in context.store.all(KeyPair)]
    filters = {
        "key-name": member("KeyName"),
        "key-pair-id": member("KeyPairId"),
        "fingerprint": member("KeyFingerprint"),
    }
    code = "InvalidKeyPair.NotFound"
    found = select(described, request.get("KeyNames", ()), "KeyName", code, request.get("Filters", ()), filters)
    return {"KeyPairs": select(found, request.get("KeyPairIds", ()), "KeyPairId", code, (), {})}


@reads("KeyName", "KeyPairId")
def delete_key_pair(context: Context, request: Request) -> Response:
    """Instances that have it keep it. One that is not there is no error, as on AWS."""
    for pair in context.store.all(KeyPair):
        if request.get("KeyName") == pair.key_name or request.get("KeyPairId") == pair.key_pair_id:
            context.store.delete(KeyPair, pair.key)
            return {"Return": True, "KeyPairId": pair.key_pair_id}
    return {"Return": True}


def find_key_pair(context: Context, name: str) -> KeyPair:
    """By its name. Raises InvalidKeyPair.NotFound."""
    found = next((pair for pair in context.store.all(KeyPair) if pair.key_name == name), None)
    if found is None:
        raise LabError("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")
    return found


def _put(context: Context, request: Request, public: PublicKey) -> KeyPair:
    name = request["KeyName"]
    if not 1 <= len(name) <= LONGEST_NAME or not name.isascii() or name != name.strip():
        raise LabError(
            "InvalidParameterValue", f"a key name has 1 to {LONGEST_NAME} ASCII characters, no blanks at its ends"
        )
    if any(pair.key_name == name for pair in context.store.all(KeyPair)):
        raise LabError("InvalidKeyPair.Duplicate", f"The keypair already exists: {name}")
    tags = specified_tags(request, "key-pair")
    pair = KeyPair(context.new_id("key"), name, public, context.now, tags)
    context.store.put(pair)
    return pair


def _brief(pair: KeyPair) -> dict[str, Any]:
    return {
        "KeyPairId": pair.key_pair_id,
        "KeyName": pair.key_name,
        "KeyFingerprint": pair.public_key.fingerprint,
        "Tags": tag_list(pair.tags),
    }


def _pair(pair: KeyPair, *, public: bool) -> dict[str, Any]:
    return {
        **_brief(pair),
        "KeyType": pair.public_key.key_type,
        "CreateTime": moment(pair.created),
        **({"PublicKey": f"{pair.public_key.line} {pair.key_name}"} if public else {}),
    }
