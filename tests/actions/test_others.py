"""CloudWatch's metrics, RDS, Secrets Manager."""

import string
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.core.rds.model import DBInstance
from tests.actions.aws import Aws
from tests.actions.conftest import Site


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_names_of_databases_are_in_lower_case(site: Site) -> None:
    [found] = site.aws("rds", "DescribeDBInstances", DBInstanceIdentifier="SHOP-DB")["DBInstances"]
    assert (found["DBInstanceIdentifier"], found["DBInstanceStatus"]) == ("shop-db", "creating")
    assert "Endpoint" not in found, "there is none until it runs"
    assert found["DBSubnetGroup"]["DBSubnetGroupName"] == "shop"


def test_a_password_is_never_described(site: Site) -> None:
    assert "secret123" not in repr(site.aws("rds", "DescribeDBInstances"))


def test_a_database_is_deleted_once(site: Site) -> None:
    delete = {"DBInstanceIdentifier": "shop-db", "SkipFinalSnapshot": True}
    site.aws("rds", "DeleteDBInstance", **delete)
    assert [row.status for row in site.aws.store.all(DBInstance)] == ["deleting"]
    assert site.aws.refusal("rds", "DeleteDBInstance", **delete) == "InvalidDBInstanceState"


def test_a_protected_database_stays(site: Site) -> None:
    site.aws("rds", "ModifyDBInstance", DBInstanceIdentifier="shop-db", DeletionProtection=True)
    code = site.aws.refusal("rds", "DeleteDBInstance", DBInstanceIdentifier="shop-db", SkipFinalSnapshot=True)
    assert code == "InvalidParameterCombination"


def test_settings_without_effect_are_described_as_given(site: Site) -> None:
    site.aws("rds", "ModifyDBInstance", DBInstanceIdentifier="shop-db", BackupRetentionPeriod=7)
    assert site.aws("rds", "DescribeDBInstances")["DBInstances"][0]["BackupRetentionPeriod"] == 7


def test_rds_tags(site: Site) -> None:
    for arn in ("arn:aws:rds:us-east-1:123456789012:db:shop-db", "arn:aws:rds:us-east-1:123456789012:subgrp:shop"):
        site.aws("rds", "AddTagsToResource", ResourceName=arn, Tags=[{"Key": "a", "Value": "1"}])
        assert site.aws("rds", "ListTagsForResource", ResourceName=arn)["TagList"] == [{"Key": "a", "Value": "1"}]
        site.aws("rds", "RemoveTagsFromResource", ResourceName=arn, TagKeys=["a"])
        assert site.aws("rds", "ListTagsForResource", ResourceName=arn)["TagList"] == []


@pytest.mark.parametrize("by_name", [False, True])
def test_secrets(site: Site, by_name: bool) -> None:
    name = "shop" if by_name else site.secret
    before = site.aws("secretsmanager", "GetSecretValue", SecretId=name)
    site.aws("secretsmanager", "UpdateSecret", SecretId=name, SecretString="louder")
    after = site.aws("secretsmanager", "GetSecretValue", SecretId=name)
    assert (before["SecretString"], after["SecretString"]) == ("hush", "louder")
    assert before["VersionId"] != after["VersionId"]
    site.aws("secretsmanager", "DeleteSecret", SecretId=name)
    assert site.aws.refusal("secretsmanager", "GetSecretValue", SecretId=name) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("members", "allowed"),
    [
        ({}, string.ascii_letters + string.digits + string.punctuation),
        ({"ExcludePunctuation": True}, string.ascii_letters + string.digits),
        ({"ExcludePunctuation": True, "ExcludeLowercase": True, "ExcludeUppercase": True}, string.digits),
        (
            {"ExcludeCharacters": string.ascii_letters, "ExcludePunctuation": True, "IncludeSpace": True},
            string.digits + " ",
        ),
    ],
)
def test_random_passwords(aws: Aws, members: dict[str, Any], allowed: str) -> None:
    password = aws("secretsmanager", "GetRandomPassword", PasswordLength=64, **members)["RandomPassword"]
    assert len(password) == 64
    assert set(password) <= set(allowed)
