"""What the resolvers of VPCs ask the control plane."""

import dns.message
import dns.rcode
import pytest

from lab.core.ec2.model import Instance, Vpc
from tests.api.client import Client
from tests.control.lab import Lab


async def ask(client: Client, vpc_id: str, name: str, query: str = "") -> dns.message.Message:
    wire = dns.message.make_query(name, "A").to_wire()
    answer = await client.post(f"/lab/vpcs/{vpc_id}/dns-query{query}", wire, host="control")
    assert answer.status == 200, answer.body
    return dns.message.from_wire(answer.body)


async def test_a_vpcs_names_and_its_private_zones(client: Client, lab: Lab) -> None:
    [vpc], instance = lab.store.all(Vpc), lab.store.all(Instance)[0]
    name = f"ip-{instance.private_ip_address.replace('.', '-')}.ec2.internal"
    found = await ask(client, vpc.vpc_id, name, "?client=10.0.10.4&udp=1")
    assert [rdata.to_text() for rrset in found.answer for rdata in rrset] == [instance.private_ip_address]
    assert (await ask(client, vpc.vpc_id, "ip-10-0-99-99.ec2.internal")).rcode() is dns.rcode.NXDOMAIN
    zone = {"Name": "corp", "CallerReference": "1", "VPC": {"VPCRegion": "us-east-1", "VPCId": vpc.vpc_id}}
    made = lab.world.call("route53", "CreateHostedZone", zone)["HostedZone"]["Id"]
    record = {"Name": "db.corp", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "10.0.20.4"}]}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    lab.world.call("route53", "ChangeResourceRecordSets", {"HostedZoneId": made, "ChangeBatch": changes})
    assert (await ask(client, vpc.vpc_id, "db.corp")).answer[0].ttl == 5
    other = lab.world.call("ec2", "CreateVpc", {"CidrBlock": "10.9.0.0/16"})["Vpc"]["VpcId"]
    assert (await ask(client, other, "db.corp")).answer == []


@pytest.mark.parametrize(
    ("path", "code"),
    [("vpc-none/dns-query", "InvalidVpcID.NotFound"), ("{vpc}/dns-query?client=nobody", "InvalidParameterValue")],
)
async def test_what_cannot_be_asked(client: Client, lab: Lab, path: str, code: str) -> None:
    vpc = lab.store.all(Vpc)[0].vpc_id
    assert (await client.post("/lab/vpcs/" + path.format(vpc=vpc), b"")).error == code


async def test_what_is_no_query_has_no_reply(client: Client, lab: Lab) -> None:
    vpc = lab.store.all(Vpc)[0].vpc_id
    assert (await client.post(f"/lab/vpcs/{vpc}/dns-query", b"short")).status == 204
