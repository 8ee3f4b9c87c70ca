"""AWS::EC2::KeyPair, of a public key that is given.

Source: AWS CloudFormation resource reference, AWS::EC2::KeyPair. On AWS one without PublicKeyMaterial makes a pair and puts the
private key into Parameter Store, which the lab does not have.
"""

from typing import Any

from lab.stack.context import Call
from lab.stack.resources.base import Attribute, ResourceType, Work, deleted_by
from lab.stack.resources.ec2 import tag_specifications
from lab.stack.schema import STRING, TAGS, fixed, need, one_of


def _import(work: Work) -> str:
    request = work.some("KeyName PublicKeyMaterial") | tag_specifications("key-pair", work)
    return str(work.call("ec2", "ImportKeyPair", request)["KeyName"])


def _member(name: str) -> Attribute:
    def read(call: Call, key_name: str, _: dict[str, Any]) -> str:
        return str(call("ec2", "DescribeKeyPairs", {"KeyNames": [key_name]})["KeyPairs"][0][name])

    return read


def _given(properties: dict[str, Any]) -> str | None:
    if "PublicKeyMaterial" not in properties:
        return "needs PublicKeyMaterial here: the lab has no Parameter Store to put a new private key into"
    return None


KEY_PAIR = ResourceType(
    "AWS::EC2::KeyPair",
    {
        "KeyFormat": fixed(one_of("pem ppk", "pem")),
        "KeyName": need(fixed(STRING)),
        "KeyType": fixed(one_of("ed25519 rsa")),
        "PublicKeyMaterial": fixed(STRING),
        "Tags": fixed(TAGS),
    },
    create=_import,
    delete=deleted_by("ec2", "DeleteKeyPair", lambda work: {"KeyName": work.physical_id}),
    attributes={"KeyPairId": _member("KeyPairId"), "KeyFingerprint": _member("KeyFingerprint")},
    check=_given,
)

TYPES = (KEY_PAIR,)
