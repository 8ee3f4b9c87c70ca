"""The table of types held against AWS's own resource schemas, as cfn-lint ships them."""

from functools import cache
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from lab.stack.resources import TYPES

# Replacement by the resource reference, conditional or unsaid in the schema: a change of these never happens in place.
ALSO_FIXED = {
    ("AWS::EC2::Instance", "InstanceType"),  # of an instance without an EBS root device
    ("AWS::EC2::Instance", "UserData"),
    ("AWS::EC2::LaunchTemplate", "TagSpecifications"),
    ("AWS::RDS::DBInstance", "AvailabilityZone"),
    ("AWS::RDS::DBInstance", "Engine"),
    ("AWS::RDS::DBInstance", "LicenseModel"),
    ("AWS::RDS::DBInstance", "NetworkType"),
    ("AWS::Route53::RecordSet", "Name"),  # which is its physical id
}


@cache
def schema(kind: str) -> Any:
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema


def top(paths: list[str]) -> set[str]:
    return {path.split("/")[2] for path in paths if path.count("/") == 2}


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_properties_are_awss(kind: str) -> None:
    ours, theirs = TYPES[kind], schema(kind)
    read_only = top(theirs.get("readOnlyProperties", []))
    known = set(theirs["properties"]) - read_only
    assert set(ours.properties) | ours.elsewhere >= known
    assert not set(ours.properties) - set(theirs["properties"])
    assert not set(ours.properties) & ours.elsewhere


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_replacements_are_awss(kind: str) -> None:
    fixed = {name for name, one in TYPES[kind].properties.items() if one.update == "Replacement"}
    theirs = top(schema(kind).get("createOnlyProperties", [])) & set(TYPES[kind].properties)
    assert fixed == theirs | {name for of, name in ALSO_FIXED if of == kind}


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_required_and_attributes(kind: str) -> None:
    ours, theirs = TYPES[kind], schema(kind)
    required = {name for name, one in ours.properties.items() if one.required}
    assert required >= set(theirs.get("required", []))
    members = top(theirs.get("readOnlyProperties", [])) | set(theirs["properties"])
    assert {name.partition(".")[0] for name in ours.attributes} <= members
