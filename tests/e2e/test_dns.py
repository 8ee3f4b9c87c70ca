"""The resolver of a running lab: its names, and an answer that a health check pulls, through boto3 and a DNS client."""

import socket

import dns.message
import dns.query
import dns.rcode
import pytest

from tests.e2e.conftest import new_lab, state_directory
from tests.e2e.outside import Lab
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
