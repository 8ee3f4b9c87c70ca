"""The resolver of a running lab: its names, and an answer that a health check pulls, through boto3 and a DNS client."""

import base64
import socket
from ipaddress import IPv4Network

import dns.message
import dns.query
import dns.rcode
import pytest

from tests.e2e.conftest import new_lab, state_directory
from tests.e2e.outside import Lab, inspect, output
from tests.e2e.test_sdk import client
from tests.eventually import until

pytestmark = pytest.mark.timeout(200)


def dig(lab: Lab, name: str, *, tcp: bool = False) -> tuple[str, list[str]]:
    """The answer's code and the values of its last record, sorted."""
    ask = dns.query.tcp if tcp else dns.query.udp
    found = ask(dns.message.make_query(name, "A"), "127.0.0.1", 5, int(lab.environment["LAB_DNS_PORT"]))
    return dns.rcode.to_text(found.rcode()), sorted(str(one) for one in found.answer[-1]) if found.answer else []


def test_the_labs_names_are_answered(lab: Lab) -> None:
    [balancer] = client(lab, "elbv2").describe_load_balancers()["LoadBalancers"]
    for tcp in (False, True):
        code, addresses = dig(lab, balancer["DNSName"], tcp=tcp)
        assert (code, len(addresses)) == ("NOERROR", len(balancer["AvailabilityZones"]))
    [instance, *_] = lab.settled()
    [reservation] = client(lab, "ec2").describe_instances(InstanceIds=[instance])["Reservations"]
    row = reservation["Instances"][0]
    assert dig(lab, row["PrivateDnsName"]) == ("NOERROR", [row["PrivateIpAddress"]])
    assert dig(lab, "ip-10-255-255-254.ec2.internal") == ("NXDOMAIN", [])
    assert dig(lab, "www.example.org") == ("REFUSED", [])


def test_a_failing_endpoint_is_pulled(lab: Lab) -> None:
    """The primary is the load balancer itself, on a path that is there and then on one that is not."""
    route53 = client(lab, "route53")
    [balancer] = client(lab, "elbv2").describe_load_balancers()["LoadBalancers"]
    check = route53.create_health_check(
        CallerReference="e2e",
        HealthCheckConfig={"Type": "HTTP", "FullyQualifiedDomainName": balancer["DNSName"], "ResourcePath": "/health",
                           "RequestInterval": 10, "FailureThreshold": 1},
    )["HealthCheck"]["Id"]  # fmt: skip
    zone = route53.create_hosted_zone(Name="e2e.lab", CallerReference="e2e")["HostedZone"]["Id"]
    common = {"Name": "www.e2e.lab", "Type": "A", "TTL": 10}
    sets = [
        {**common, "SetIdentifier": "a", "Failover": "PRIMARY", "HealthCheckId": check,
         "ResourceRecords": [{"Value": "192.0.2.1"}]},
        {**common, "SetIdentifier": "b", "Failover": "SECONDARY", "ResourceRecords": [{"Value": "192.0.2.2"}]},
        {"Name": "e2e.lab", "Type": "A", "AliasTarget": {"HostedZoneId": balancer["CanonicalHostedZoneId"],
         "DNSName": balancer["DNSName"], "EvaluateTargetHealth": True}},
    ]  # fmt: skip

    def change(action: str) -> None:
        changes = [{"Action": action, "ResourceRecordSet": one} for one in sets]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def report() -> str:
        seen = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
        return seen[0]["StatusReport"]["Status"] if seen else ""

    change("CREATE")
    try:
        assert dig(lab, "e2e.lab") == dig(lab, balancer["DNSName"])
        until(lambda: report().startswith("Success: HTTP Status Code 200"), 20, report)
        assert dig(lab, "www.e2e.lab") == ("NOERROR", ["192.0.2.1"])
        route53.update_health_check(HealthCheckId=check, ResourcePath="/no/such/page")
        until(lambda: dig(lab, "www.e2e.lab") == ("NOERROR", ["192.0.2.2"]), 20, report)
        assert "404" in report()
    finally:
        change("DELETE")
        route53.delete_hosted_zone(Id=zone)
        route53.delete_health_check(HealthCheckId=check)


@pytest.mark.parametrize("mode", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_lab_whose_dns_port_is_taken_comes_up_and_says_so(mode: str) -> None:
    lab = new_lab(mode, state_directory(), LAB_STACK="")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", int(lab.environment["LAB_DNS_PORT"])))
        try:
            said = lab.run("up")
            assert "DNS is not served" in said
            assert lab.environment["LAB_DNS_PORT"] in lab.status()["resolver_problem"]
        finally:
            lab.run("down", code=None)
    assert not lab.left_over()


QUERY = """
import base64, socket, sys
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(4)
asking.sendto(base64.b64decode(sys.argv[2]), (sys.argv[1], 53))
print(base64.b64encode(asking.recv(4096)).decode())
"""


@pytest.mark.docker
def test_a_vpcs_resolver_answers_inside_of_it_also_without_the_control_plane(docker_lab: Lab) -> None:
    lab, ec2, route53 = docker_lab, client(docker_lab, "ec2"), client(docker_lab, "route53")
    one, other = lab.settled()
    rows = {
        row["InstanceId"]: row
        for reservation in ec2.describe_instances(InstanceIds=[one, other])["Reservations"]
        for row in reservation["Instances"]
    }
    vpc = ec2.describe_vpcs(VpcIds=[rows[one]["VpcId"]])["Vpcs"][0]
    address = str(IPv4Network(vpc["CidrBlock"])[2])

    def inside(name: str, server: str = address) -> tuple[str, list[str]]:
        wire = base64.b64encode(dns.message.make_query(name, "A").to_wire()).decode()
        said = output("docker", "exec", one, "python3", "-c", QUERY, server, wire)
        found = dns.message.from_wire(base64.b64decode(said))
        return dns.rcode.to_text(found.rcode()), [str(value) for rrset in found.answer for value in rrset]

    zone = route53.create_hosted_zone(
        Name="inside.lab", CallerReference="inside", VPC={"VPCRegion": "us-east-1", "VPCId": vpc["VpcId"]}
    )["HostedZone"]["Id"]
    record = {"Name": "db.inside.lab", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "10.1.2.3"}]}

    def change(action: str) -> None:
        changes = [{"Action": action, "ResourceRecordSet": record}]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    change("CREATE")
    try:
        names = (rows[other]["PrivateDnsName"], "db.inside.lab")
        answers = [("NOERROR", [rows[other]["PrivateIpAddress"]]), ("NOERROR", ["10.1.2.3"])]
        for server in (address, "169.254.169.253"):
            assert [inside(name, server) for name in names] == answers
            assert inside("nobody.inside.lab", server) == ("NXDOMAIN", [])
        # By the system's own way of asking, as programs do.
        ask = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"
        assert output("docker", "exec", one, "python3", "-c", ask, "db.inside.lab").strip() == "10.1.2.3"
        lab.crash_control()
        assert [inside(name) for name in names] == answers
        assert inside("never-asked.inside.lab")[0] == "SERVFAIL"
        lab.run("up")
        until(lambda: inside("never-asked.inside.lab")[0] == "NXDOMAIN", 20)
        container = f"{lab.owner}-{vpc['VpcId']}-resolver"
        host = inspect(container)["HostConfig"]
        assert (host["CapAdd"], host["CapDrop"], host["Sysctls"]) == (None, ["ALL"], {"net.ipv4.ip_forward": "0"})
        output("docker", "kill", container)
        until(lambda: output("docker", "ps", "--quiet", "--filter", f"name={container}"), 30)
        until(lambda: inside("db.inside.lab") == answers[1], 20)
    finally:
        lab.run("up")
        change("DELETE")
        route53.delete_hosted_zone(Id=zone)
