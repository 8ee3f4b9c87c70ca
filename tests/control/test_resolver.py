"""The lab's names, asked over a socket: what runs, what is hosted, and how health moves answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import dns.asyncquery
import dns.edns
import dns.message
import dns.rcode

from lab.adapters.dns.server import DnsServer
from lab.control.resolver import resolver
from lab.core.ec2.model import Instance
from lab.core.elbv2.model import LoadBalancer
from lab.core.rds.model import DBInstance
from lab.core.route53.view import parse_places
from lab.stack.model import Stack
from tests.control.lab import Lab

PLACES = parse_places("203.0.113.0/24=EU/DE:eu-central-1 198.51.100.0/24=NA/US/CA:us-west-1")


class Asked:
    """The answer: its code, the values of its last record sorted, and their time to live."""

    def __init__(self, message: dns.message.Message) -> None:
        self.rcode = dns.rcode.to_text(message.rcode())
        self.values = sorted(str(one) for one in message.answer[-1]) if message.answer else []
        self.ttl = message.answer[-1].ttl if message.answer else 0


class Dig:
    def __init__(self, port: int) -> None:
        self._port = port

    async def __call__(self, name: str, kind: str = "A", subnet: str = "") -> Asked:
        options: list[dns.edns.Option] = [dns.edns.ECSOption(subnet, 24)] if subnet else []
        question = dns.message.make_query(name, kind, use_edns=0, options=options)
        return Asked(await dns.asyncquery.udp(question, "127.0.0.1", 5, self._port))


@asynccontextmanager
async def served(lab: Lab, vpc_id: str = "") -> AsyncIterator[Dig]:
    server = DnsServer(resolver(replace(lab.world, places=PLACES), vpc_id))
    await server.start("127.0.0.1", 0)
    yield Dig(server.port)
    await server.close()


def zone(lab: Lab, *sets: dict[str, Any]) -> None:
    made = lab.call("route53", "CreateHostedZone", Name="shop.lab", CallerReference="1")["HostedZone"]["Id"]
    changes = [{"Action": "CREATE", "ResourceRecordSet": one} for one in sets]
    lab.call("route53", "ChangeResourceRecordSets", HostedZoneId=made, ChangeBatch={"Changes": changes})


def record(name: str, value: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "A", "TTL": 30, "ResourceRecords": [{"Value": value}], **more}


async def test_the_names_of_what_runs() -> None:
    lab = Lab()
    lab.create_stack()
    await lab.up()
    [balancer], [database] = lab.store.all(LoadBalancer), lab.store.all(DBInstance)
    instance = lab.store.all(Instance)[0]
    async with served(lab) as dig:
        found = await dig(balancer.dns_name)
        assert (len(found.values), found.ttl) == (len(balancer.nodes), 60)
        assert (await dig(database.dns_name)).values == [database.private_ip_address]
        name = f"ip-{instance.private_ip_address.replace('.', '-')}.ec2.internal"
        assert (await dig(name)).values == [instance.private_ip_address]
        assert (await dig("ip-10-255-255-1.ec2.internal")).rcode == "NXDOMAIN"
        assert (await dig("www.example.org")).rcode == "REFUSED"


async def test_a_node_that_dies_leaves_its_balancers_name() -> None:
    lab = Lab()
    lab.create_stack()
    await lab.up()
    [balancer] = lab.store.all(LoadBalancer)
    async with served(lab) as dig:
        before = (await dig(balancer.dns_name)).values
        lab.silent.add(balancer.nodes[0].node_id)
        await lab.run(30)
        after = (await dig(balancer.dns_name)).values
    assert len(before) - len(after) == 1


async def test_a_failing_endpoint_is_pulled_and_comes_back() -> None:
    lab = Lab()
    primary, other = (
        lab.call("route53", "CreateHealthCheck", CallerReference=address,
                 HealthCheckConfig={"Type": "HTTP", "IPAddress": address, "Port": 80})["HealthCheck"]["Id"]
        for address in ("192.0.2.1", "192.0.2.2")
    )  # fmt: skip
    zone(
        lab,
        record("f.shop.lab", "192.0.2.1", SetIdentifier="a", Failover="PRIMARY", HealthCheckId=primary),
        record("f.shop.lab", "192.0.2.2", SetIdentifier="b", Failover="SECONDARY", HealthCheckId=other),
        record("m.shop.lab", "192.0.2.1", SetIdentifier="a", MultiValueAnswer=True, HealthCheckId=primary),
        record("m.shop.lab", "192.0.2.2", SetIdentifier="b", MultiValueAnswer=True, HealthCheckId=other),
    )

    async def answers(dig: Dig) -> tuple[list[str], list[str]]:
        return (await dig("f.shop.lab")).values, (await dig("m.shop.lab")).values

    both = ["192.0.2.1", "192.0.2.2"]
    async with served(lab) as dig:
        await lab.run(10)
        assert await answers(dig) == (["192.0.2.1"], both)
        lab.prober.down.add("192.0.2.1:80")
        await lab.run(100)  # three tries, thirty seconds apart
        assert await answers(dig) == (["192.0.2.2"], ["192.0.2.2"])
        lab.prober.down.add("192.0.2.2:80")
        await lab.run(100)
        assert await answers(dig) == (["192.0.2.1"], both)  # all unhealthy: all healthy
        lab.prober.down.clear()
        await lab.run(100)
        assert await answers(dig) == (["192.0.2.1"], both)


async def test_answers_go_by_where_the_client_counts_to_be() -> None:
    lab = Lab()
    zone(
        lab,
        record("g.shop.lab", "192.0.2.1", SetIdentifier="eu", GeoLocation={"ContinentCode": "EU"}),
        record("g.shop.lab", "192.0.2.2", SetIdentifier="us", GeoLocation={"CountryCode": "US"}),
        record("l.shop.lab", "192.0.2.3", SetIdentifier="eu", Region="eu-central-1"),
        record("l.shop.lab", "192.0.2.4", SetIdentifier="us", Region="us-west-1"),
        record("l.shop.lab", "192.0.2.5", SetIdentifier="own", Region="us-east-1"),
    )
    async with served(lab) as dig:
        seen = [
            ((await dig("g.shop.lab", subnet=subnet)).values, (await dig("l.shop.lab", subnet=subnet)).values)
            for subnet in ("203.0.113.0", "198.51.100.0", "")
        ]
    assert seen == [(["192.0.2.1"], ["192.0.2.3"]), (["192.0.2.2"], ["192.0.2.4"]), ([], ["192.0.2.5"])]


async def test_a_vpcs_resolver_sees_its_own_private_zone() -> None:
    lab = Lab()
    vpcs = [lab.call("ec2", "CreateVpc", CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in (1, 2)]
    lab.call("ec2", "ModifyVpcAttribute", VpcId=vpcs[0], EnableDnsHostnames={"Value": True})
    lab.call("ec2", "ModifyVpcAttribute", VpcId=vpcs[1], EnableDnsHostnames={"Value": True})
    made = lab.call("route53", "CreateHostedZone", Name="corp", CallerReference="2",
                    VPC={"VPCRegion": "us-east-1", "VPCId": vpcs[0]})["HostedZone"]["Id"]  # fmt: skip
    changes = [{"Action": "CREATE", "ResourceRecordSet": record("db.corp", "10.1.0.9")}]
    lab.call("route53", "ChangeResourceRecordSets", HostedZoneId=made, ChangeBatch={"Changes": changes})
    for vpc_id, values, rcode in (
        (vpcs[0], ["10.1.0.9"], "NOERROR"),
        (vpcs[1], [], "REFUSED"),
        ("", ["10.1.0.9"], "NOERROR"),
    ):
        async with served(lab, vpc_id) as dig:
            found = await dig("db.corp")
            assert (found.values, found.rcode) == (values, rcode)


TEMPLATE = """
Resources:
  Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: shop.lab}}
  Check:
    Type: AWS::Route53::HealthCheck
    Properties: {HealthCheckConfig: {Type: TCP, IPAddress: 192.0.2.1, Port: 80}}
  Www:
    Type: AWS::Route53::RecordSetGroup
    Properties:
      HostedZoneId: !Ref Zone
      RecordSets:
        - {Name: www.shop.lab, Type: A, TTL: 60, ResourceRecords: [192.0.2.1], SetIdentifier: a, Failover: PRIMARY,
           HealthCheckId: !Ref Check}
        - {Name: www.shop.lab, Type: A, TTL: 60, ResourceRecords: [192.0.2.2], SetIdentifier: b, Failover: SECONDARY}
Outputs:
  Servers: {Value: !Join [",", !GetAtt Zone.NameServers]}
"""


async def test_a_stack_brings_names_and_takes_them_away() -> None:
    lab = Lab()
    lab.deploy("dns", TEMPLATE, {})
    await lab.until(lambda: status(lab) == "CREATE_COMPLETE")
    [stack] = lab.call("cloudformation", "DescribeStacks")["Stacks"]
    assert stack["Outputs"][0]["OutputValue"].count("awsdns") == 4
    async with served(lab) as dig:
        assert (await dig("www.shop.lab")).values == ["192.0.2.1"]
        lab.prober.down.add("192.0.2.1:80")
        await lab.run(100)
        assert (await dig("www.shop.lab")).values == ["192.0.2.2"]
        lab.call("cloudformation", "DeleteStack", StackName="dns")
        await lab.until(lambda: status(lab) == "DELETE_COMPLETE")
        assert (await dig("www.shop.lab")).rcode == "REFUSED"
    assert lab.call("route53", "ListHealthChecks")["HealthChecks"] == []


def status(lab: Lab) -> str:
    return lab.store.all(Stack)[-1].status
