"""What an instance hears of itself (ec2:instancedata-data-categories)."""

import base64
import json
from dataclasses import replace

from lab.core.autoscaling.lifecycle import becomes
from lab.core.ec2.metadata import Surroundings, mac, metadata, tree
from lab.core.ec2.model import Instance, MetadataOptions, SecurityGroup, Subnet, Vpc

INSTANCE = Instance(
    "i-1", "ami-1", "t3.micro", "subnet-1", "vpc-1", "us-east-1a", "10.0.1.4", "eni-1", ("sg-1", "sg-2"), 0.0, "running", 0.0,
    user_data=base64.b64encode(b"#!/bin/sh\necho hello").decode(), tags={"Name": "web"},
)  # fmt: skip
GROUPS = [SecurityGroup("sg-1", "app", "", "vpc-1"), SecurityGroup("sg-2", "ops", "", "vpc-1")]
AROUND = Surroundings(
    Subnet("subnet-1", "vpc-1", "10.0.1.0/24", "us-east-1a"),
    Vpc("vpc-1", "10.0.0.0/16"),
    GROUPS,
    "123456789012",
    "InService",
)


def test_the_tree() -> None:
    found = tree(INSTANCE, AROUND)
    assert found["meta-data/instance-id"] == "i-1"
    assert found["meta-data/local-hostname"] == "ip-10-0-1-4.ec2.internal"
    assert found["meta-data/security-groups"] == "app\nops"
    assert found["meta-data/placement/region"] == "us-east-1"
    assert found["meta-data/autoscaling/target-lifecycle-state"] == "InService"
    assert found["user-data"] == "#!/bin/sh\necho hello"
    interface = f"meta-data/network/interfaces/macs/{mac('10.0.1.4')}"
    assert found[f"{interface}/security-group-ids"] == "sg-1\nsg-2"
    assert found[f"{interface}/vpc-ipv4-cidr-block"] == "10.0.0.0/16"
    assert json.loads(found["dynamic/instance-identity/document"])["privateIp"] == "10.0.1.4"


def test_what_there_is_not_is_not_in_it() -> None:
    bare = tree(replace(INSTANCE, user_data=""), replace(AROUND, lifecycle=""))
    assert "user-data" not in bare
    assert not [path for path in bare if "autoscaling" in path or "iam" in path or "tags" in path]


def test_tags_are_told_when_they_may_be() -> None:
    told = replace(INSTANCE, metadata_options=MetadataOptions(instance_metadata_tags="enabled"))
    assert tree(told, AROUND)["meta-data/tags/instance/Name"] == "web"


def test_the_options() -> None:
    default = metadata(INSTANCE, AROUND)
    assert (default.enabled, default.tokens_required, default.hop_limit) == (True, True, 2)
    old = metadata(replace(INSTANCE, metadata_options=MetadataOptions("optional", "disabled", 5)), AROUND)
    assert (old.enabled, old.tokens_required, old.hop_limit) == (False, False, 5)


def test_the_state_that_a_member_is_on_its_way_to() -> None:
    found = {state: becomes(state) for state in ("Pending:Wait", "InService", "EnteringStandby", "Terminating:Proceed")}
    assert list(found.values()) == ["InService", "InService", "Standby", "Terminated"]
    assert [becomes(state) for state in ("Warmed:Stopped", "Warmed:Terminating")] == [
        "Warmed:Stopped",
        "Warmed:Terminated",
    ]
