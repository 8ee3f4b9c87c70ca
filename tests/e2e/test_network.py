"""On Docker packets go where AWS would let them: the default stack's matrix, through changes, deaths and a restart."""

import json
import subprocess
from typing import Any

import pytest

from tests.e2e.outside import Lab, ask, get, load, output
from tests.eventually import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1.5)
    print("reached")
except TimeoutError:
    print("lost")
"""


@pytest.fixture
def lab(docker_lab: Lab) -> Lab:
    docker_lab.settled()
    return docker_lab


def address(machine: str) -> str:
    form = "{{json .NetworkSettings.Networks}}"
    networks = json.loads(output("docker", "inspect", "--format", form, f"{machine}-eni"))
    return next(str(one["IPAddress"]) for name, one in networks.items() if "-vpc-" in name)


def reaches(source: str, target: str, port: int) -> bool:
    """By a real connection out of the machine's own container."""
    said = output("docker", "exec", source, "python3", "-c", CONNECT, address(target), str(port)).strip()
    assert said in ("reached", "lost"), said
    return said == "reached"


def tiers(lab: Lab) -> tuple[str, list[str], str]:
    """A node, the instances, the database's machine."""
    status = lab.status()
    return status["load_balancers"][0]["nodes"][0]["id"], lab.settled(), status["databases"][0]["machine"]


def check_matrix(lab: Lab) -> None:
    node, (one, other), database = tiers(lab)
    assert reaches(node, one, 8000)
    assert reaches(one, database, 5432)
    assert not reaches(node, database, 5432)
    assert not reaches(one, other, 8000)
    assert not reaches(one, node, 8000)
    with pytest.raises(OSError, match="timed out"):
        get(5432, "/", timeout=1.0, host=address(database))  # from this machine, around every published port
    assert get(lab.ports[0], "/products").status == 200


def test_the_matrix_holds_through_a_replacement_and_a_restart(lab: Lab) -> None:
    check_matrix(lab)
    victim = lab.healthy()[0]
    lab.crash(victim)
    until(lambda: victim not in lab.healthy() and lab.settled(), 90, lambda: lab.group)
    check_matrix(lab)
    lab.crash_control()
    node, (one, _), database = tiers_without_control(lab)
    assert reaches(one, database, 5432)
    assert not reaches(node, database, 5432)
    lab.run("up")
    check_matrix(lab)


def tiers_without_control(lab: Lab) -> tuple[str, list[str], str]:
    """As the containers tell: the control plane is dead."""
    found = output("docker", "ps", "--filter", f"label=lab.owner={lab.owner}", "--format", "{{.Names}}").split()
    machines = sorted(name for name in found if not name.endswith(("-eni", "-router")))

    def named(prefix: str) -> list[str]:
        return [name for name in machines if name.startswith(prefix)]

    return named("lb-")[0], named("i-")[:2], named("db-")[0]


def test_a_rule_that_is_revoked_closes_and_opens_within_a_second(lab: Lab) -> None:
    node, (one, _), _ = tiers(lab)
    groups = json.loads(lab.run("reach", node, f"{one}:8000", "--json"))["paths"][0]["hops"]
    rule = next(
        hop for hop in groups if hop["rule"].startswith("sgr-") and "8000" in hop["says"] and "from" in hop["says"]
    )
    aws(lab, "RevokeSecurityGroupIngress", GroupId=rule["at"], SecurityGroupRuleIds=[rule["rule"]])
    try:
        until(lambda: not reaches(node, one, 8000), 10)
        lab.run("reach", node, f"{one}:8000", code=1)
    finally:
        balancer = aws(lab, "DescribeSecurityGroups", Filters=[{"Name": "description", "Values": [BALANCER_GROUP]}])
        permission = {
            "IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000,
            "UserIdGroupPairs": [{"GroupId": balancer["SecurityGroups"][0]["GroupId"]}],
        }  # fmt: skip
        aws(lab, "AuthorizeSecurityGroupIngress", GroupId=rule["at"], IpPermissions=[permission])
    until(lambda: reaches(node, one, 8000), 10)
    lab.settled()


BALANCER_GROUP = "The internet may reach the load balancer"


def aws(lab: Lab, operation: str, **members: object) -> dict[str, Any]:
    answer = ask("POST", lab.api, f"/lab/aws/ec2/{operation}", dict(members))
    assert answer.status == 200, answer
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_model_and_probe_agree(lab: Lab) -> None:
    node, (one, _), _ = tiers(lab)
    database = lab.status()["databases"][0]["id"]
    for source, code in ((one, 0), (node, 1)):
        said = json.loads(lab.run("reach", source, f"{database}:5432", "--probe", "--json", code=code))
        assert [(path["passes"], path["probe"]) for path in said["paths"]] == [
            (code == 0, "lost" if code else "reached")
        ]
    assert "no inbound rule" in lab.run("reach", node, f"{database}:5432", code=1)
    assert "has no network interface" in lab.run("reach", "i-00000000000000000", f"{database}:5432", code=None)


def test_an_instance_that_is_cut_off_is_replaced_and_traffic_goes_on(lab: Lab) -> None:
    victim = lab.healthy()[0]
    until(lambda: next(row["age"] for row in lab.instances() if row["id"] == victim) > 320, 60)
    lab.run("fail", "network", victim)
    until(lambda: victim not in lab.healthy(), 60, lambda: lab.group)
    with load(lab, "/products", rate=20, seconds=5) as run:
        pass
    assert run.failed == 0, run.result
    until(lambda: victim not in [row["id"] for row in lab.group["instances"]] and lab.settled(), 120, lambda: lab.group)
    end = next(row for row in lab.activities() if row["Description"] == f"Terminating EC2 instance: {victim}")
    assert "in response to an ELB system health check failure." in end["Cause"]


WHO = "import urllib.request as r, sys; print(r.urlopen(f'http://{sys.argv[1]}/', timeout=3).read().decode())"
SHOW = """
import http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(self.client_address[0].encode())
http.server.HTTPServer(("0.0.0.0", 80), H).serve_forever()
"""


def test_instances_go_out_by_their_own_zones_nat_gateway_and_the_database_does_not(lab: Lab) -> None:
    node, instances, database = tiers(lab)
    name = f"{lab.owner}-somebody"
    try:
        output(
            "docker", "run", "--detach", "--init", "--name", name, "--network", f"{lab.owner}-internet",
            "--label", f"lab.owner={lab.owner}", "python:3.13-slim", "python", "-c", SHOW,
        )  # fmt: skip
        form = f'{{{{(index .NetworkSettings.Networks "{lab.owner}-internet").IPAddress}}}}'
        somebody = output("docker", "inspect", "--format", form, name).strip()
        gateways = aws(lab, "DescribeNatGateways")["NatGateways"]
        zones = {row["SubnetId"]: row["AvailabilityZone"] for row in aws(lab, "DescribeSubnets")["Subnets"]}
        public = {zones[row["SubnetId"]]: row["NatGatewayAddresses"][0]["PublicIp"] for row in gateways}
        where = {row["id"]: row["zone"] for row in lab.instances()}
        for instance in instances:
            seen = output("docker", "exec", instance, "python3", "-c", WHO, somebody).strip()
            assert seen == public[where[instance]]
            lab.run("reach", instance, f"{somebody}:80", "--probe")
        lab.run("reach", database, f"{somebody}:80", code=1)
        assert json.loads(lab.run("reach", database, f"{somebody}:80", "--probe", "--json", code=1))["paths"][0][
            "probe"
        ] in ("lost", "unreachable")
        # And in: the load balancer by its public address, an instance by none.
        [held] = aws(lab, "DescribeNetworkInterfaces", Filters=[{"Name": "addresses.private-ip-address",
                     "Values": [address(node)]}])["NetworkInterfaces"]  # fmt: skip
        ask_from = "import urllib.request as r, sys; print(r.urlopen(sys.argv[1], timeout=3).status)"
        url = f"http://{held['Association']['PublicIp']}/products"
        assert output("docker", "exec", name, "python3", "-c", ask_from, url).strip() == "200"
        lab.run("reach", "internet", f"{instances[0]}:8000", code=1)
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)


def test_the_doctor_looks_at_blocks_and_the_kernel(lab: Lab) -> None:
    said = lab.run("doctor")
    assert "the kernel filters and translates packets" in said
    assert said.count(" is free") == 2
    assert "will be refused" not in said


def test_instances_have_no_capability_and_their_interfaces_those_of_their_network(lab: Lab) -> None:
    form = "{{json .HostConfig.CapAdd}} {{json .HostConfig.CapDrop}} {{json .HostConfig.Binds}}"
    for machine in lab.healthy():
        assert output("docker", "inspect", "--format", form, machine).split() == ["null", '["ALL"]', "null"]
        assert output("docker", "inspect", "--format", form, f"{machine}-eni").split() == [
            '["NET_ADMIN","NET_RAW"]',
            '["ALL"]',
            "null",
        ]
        changed = subprocess.run(
            ["docker", "exec", machine, "python3", "-c", "import socket; socket.socket(17, 3)"],
            capture_output=True, check=False,
        )  # fmt: skip
        assert b"PermissionError" in changed.stderr
