"""Key pairs by their API, held against OpenSSH's own tools (ec2:ec2-key-pairs, ec2:verify-keys)."""

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.core.ec2.model import Instance
from tests.actions.aws import Aws

ED = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJnVTDTJvWRI21fnyMFJxy3M8SkSOTqEiq5cTm9BDcHY me@laptop"

needs_ssh_keygen = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen to hold it against"
)


def keygen(*arguments: str) -> str:
    return subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=True).stdout


@needs_ssh_keygen
@pytest.mark.parametrize("key_type", ["rsa", "ed25519"])
def test_a_new_private_key_is_one_for_ssh_and_is_not_kept(aws: Aws, tmp_path: Path, key_type: str) -> None:
    made = aws("ec2", "CreateKeyPair", KeyName="mine", KeyType=key_type)
    private = tmp_path / "key"
    private.write_text(made["KeyMaterial"])
    private.chmod(0o600)
    [described] = aws("ec2", "DescribeKeyPairs", IncludePublicKey=True)["KeyPairs"]
    assert keygen("-y", "-f", str(private)).split()[:2] == described["PublicKey"].split()[:2]
    assert made["KeyFingerprint"] == described["KeyFingerprint"]
    assert "PRIVATE" not in str(aws.rows())
    length = {"rsa": 59, "ed25519": 44}[key_type]  # SHA-1 as pairs of digits, SHA-256 as base64
    assert len(made["KeyFingerprint"]) == length


@needs_ssh_keygen
@pytest.mark.parametrize("form", ["ssh", "PKCS8"])
def test_an_imported_rsa_key_has_the_md5_of_its_der(aws: Aws, tmp_path: Path, form: str) -> None:
    keygen("-t", "rsa", "-b", "2048", "-N", "", "-q", "-f", str(tmp_path / "key"))
    pem = keygen("-e", "-m", "PKCS8", "-f", str(tmp_path / "key.pub"))
    der = base64.b64decode("".join(pem.splitlines()[1:-1]))
    material = (tmp_path / "key.pub").read_bytes() if form == "ssh" else pem.encode()
    made = aws("ec2", "ImportKeyPair", KeyName="mine", PublicKeyMaterial=material)
    assert made["KeyFingerprint"].replace(":", "") == hashlib.md5(der, usedforsecurity=False).hexdigest()


@needs_ssh_keygen
def test_an_imported_ed25519_key_has_opensshs_fingerprint(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_bytes(ED + b"\n")
    made = aws("ec2", "ImportKeyPair", KeyName="mine", PublicKeyMaterial=ED)
    told = keygen("-l", "-f", str(tmp_path / "key.pub")).split()[1]
    assert "SHA256:" + made["KeyFingerprint"].rstrip("=") == told


def test_names_are_had_once_and_go(aws: Aws) -> None:
    aws("ec2", "ImportKeyPair", KeyName="mine", PublicKeyMaterial=ED)
    again = aws.refusal("ec2", "ImportKeyPair", KeyName="mine", PublicKeyMaterial=ED)
    assert again == "InvalidKeyPair.Duplicate"
    assert aws.refusal("ec2", "DescribeKeyPairs", KeyNames=["other"]) == "InvalidKeyPair.NotFound"
    aws("ec2", "DeleteKeyPair", KeyName="mine")
    aws("ec2", "DeleteKeyPair", KeyName="mine")
    assert aws("ec2", "DescribeKeyPairs")["KeyPairs"] == []


@pytest.mark.parametrize("material", [b"", b"ssh-ed25519 AAAA me", b"ssh-dss AAAAB3NzaC1kc3MAAACB", b"-----BEGIN"])
def test_what_is_no_public_key_is_refused(aws: Aws, material: bytes) -> None:
    assert aws.refusal("ec2", "ImportKeyPair", KeyName="mine", PublicKeyMaterial=material) == "InvalidKey.Format"


def test_an_instance_keeps_its_key_when_the_pair_goes(aws: Aws) -> None:
    subnet = aws.subnet(aws.vpc(), 1)
    missing = aws.refusal("ec2", "RunInstances", ImageId="ami-00000000000000a99", InstanceType="t3.micro", MinCount=1,
                          MaxCount=1, SubnetId=subnet, KeyName="mine")  # fmt: skip
    assert missing == "InvalidKeyPair.NotFound"
    aws("ec2", "ImportKeyPair", KeyName="mine", PublicKeyMaterial=ED)
    instance = aws.instance(aws.launch_template(KeyName="mine"), subnet)
    aws("ec2", "DeleteKeyPair", KeyName="mine")
    [row] = aws.store.all(Instance)
    assert (row.key_name, row.public_key.encode()) == ("mine", ED.rsplit(b" ", 1)[0])
    found = aws("ec2", "DescribeInstances", InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert found["KeyName"] == "mine"
