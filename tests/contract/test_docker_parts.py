"""The pure parts of the Docker adapter, and its event thread without an engine."""

import dataclasses
import queue
from ipaddress import IPv4Network
from typing import Any

import pytest
import requests
from docker.api.client import APIClient
from docker.errors import APIError, DockerException, ImageNotFound

from lab.adapters.docker import DockerCompute, DockerSettings
from lab.adapters.docker.cleanup import janitor_config
from lab.adapters.docker.client import explained, translated
from lab.adapters.docker.events import EventThread
from lab.adapters.docker.interface_config import config, wish
from lab.adapters.docker.machines import (
    container_config,
    free_number,
    machine_found,
    machine_stats,
    process_titles,
    traffic,
)
from lab.adapters.docker.networks import host_routes, refuse_overlap
from lab.core.compute import Machine, MachineSpec, MachineState, MachineStats, Port, Role, Traffic
from lab.core.errors import AdapterError, Refused, Unavailable

SETTINGS = DockerSettings("lab", project="shop", images={"app": "lab/app"})
SPEC = MachineSpec(
    id="i-1",
    role=Role.INSTANCE,
    image="app",
    vpc_id="vpc-1",
    zone="us-east-1a",
    address="10.0.1.10",
    vcpus=0.5,
    memory_mib=128,
    environment={"LISTEN": "{bind}:{port:80}"},
    ports=(Port(80, published=8080), Port(81)),
    group="web",
    template_hash="abc",
    hostnames=("one.internal",),
)
DATABASE = dataclasses.replace(
    SPEC, role=Role.DATABASE, image="postgres:17", ports=(Port(6543),), environment={"POSTGRES_USER": "u"}
)


def test_a_container_has_the_least_rights_that_work() -> None:
    config = container_config(SPEC, SETTINGS, 3)
    host = config["HostConfig"]
    assert (config["Image"], config["User"], host["NetworkMode"]) == ("lab/app", "1000:1000", "container:i-1-eni")
    assert "Hostname" not in config
    assert (host["CapDrop"], host["SecurityOpt"], host["ReadonlyRootfs"]) == (["ALL"], ["no-new-privileges:true"], True)
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"], host["Init"]) == (128 * 2**20, 500_000_000, 512, True)
    assert host["Mounts"] == []
    assert set(host["Tmpfs"]) == {"/tmp", "/run"}


def test_only_published_ports_are_bound_and_only_to_the_loopback() -> None:
    bindings = config(wish(SPEC, ""), SETTINGS)["HostConfig"]["PortBindings"]
    assert bindings == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}


def test_an_interface_has_its_address_and_names_on_the_vpc() -> None:
    endpoints = config(wish(SPEC, ""), SETTINGS)["NetworkingConfig"]["EndpointsConfig"]
    names = ["one.internal"]
    assert endpoints == {"lab-vpc-1": {"IPAMConfig": {"IPv4Address": "10.0.1.10"}, "Aliases": names}}


def test_an_interface_may_change_its_own_network_and_nothing_else() -> None:
    made = config(wish(SPEC, "ip-10-0-1-10"), SETTINGS)
    host = made["HostConfig"]
    assert (host["CapDrop"], host["CapAdd"], host["ReadonlyRootfs"]) == (["ALL"], ["NET_ADMIN", "NET_RAW"], True)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (made["Hostname"], made["OpenStdin"], made["StdinOnce"]) == ("ip-10-0-1-10", True, False)
    assert made["Labels"]["com.docker.compose.project"] == ""


def test_compose_sees_the_machines_of_its_project_only() -> None:
    labels = container_config(SPEC, SETTINGS, 3)["Labels"]
    assert {name.rpartition(".")[2]: value for name, value in labels.items() if "compose" in name} == {
        "project": "shop",
        "service": "app",
        "oneoff": "False",
        "container-number": "3",
        "config-hash": "lab",
    }
    alone = container_config(SPEC, DockerSettings("lab"), 3)["Labels"]
    assert all(name.startswith("lab.") for name in alone)


def test_the_environment_is_that_of_a_container() -> None:
    variables = container_config(SPEC, SETTINGS, 1)["Env"]
    assert set(variables) == {"LISTEN=0.0.0.0:80", "LAB_BIND=0.0.0.0", "LAB_DATA=", "LAB_PORT_80=80", "LAB_PORT_81=81"}


def test_a_database_has_a_volume_a_health_check_and_its_own_user() -> None:
    config = container_config(DATABASE, SETTINGS, 1)
    assert config["User"] == "999:999"
    mount = {"Type": "volume", "Source": "i-1-data", "Target": "/var/lib/postgresql/data"}
    assert config["HostConfig"]["Mounts"] == [mount]
    assert set(config["HostConfig"]["Tmpfs"]) == {"/tmp", "/var/run/postgresql"}
    assert config["Healthcheck"]["Test"][-6:] == ["-p", "6543", "-U", "u", "-d", "u"]
    assert "PGPORT=6543" in config["Env"]


@pytest.mark.parametrize(("taken", "number"), [(set(), 1), ({1, 2}, 3), ({2, 3}, 1), ({0, 1, 3}, 2)])
def test_container_numbers_are_used_again(taken: set[int], number: int) -> None:
    assert free_number(taken) == number


@pytest.mark.parametrize(
    ("role", "state", "status", "expected"),
    [
        ("app", "running", "Up 2 seconds", (MachineState.RUNNING, True, None)),
        ("app", "paused", "Up 2 seconds (Paused)", (MachineState.PAUSED, False, None)),
        ("app", "exited", "Exited (137) 3 seconds ago", (MachineState.STOPPED, False, 137)),
        ("app", "exited", "Exited (0) 3 seconds ago", (MachineState.STOPPED, False, 0)),
        ("app", "created", "Created", (MachineState.STOPPED, False, None)),
        ("db", "running", "Up 2 seconds (health: starting)", (MachineState.RUNNING, False, None)),
        ("db", "running", "Up 2 seconds (healthy)", (MachineState.RUNNING, True, None)),
        ("db", "running", "Up 2 seconds (unhealthy)", (MachineState.RUNNING, False, None)),
    ],
)
def test_a_listed_container_is_a_machine(
    role: str, state: str, status: str, expected: tuple[MachineState, bool, int | None]
) -> None:
    labels = {"lab.role": role, "lab.ports": "80,81", "lab.address": "10.0.1.10", "lab.template-hash": "abc"}
    found = machine_found({"Names": ["/i-1"], "Labels": labels, "State": state, "Status": status})
    endpoints = {80: ("10.0.1.10", 80), 81: ("10.0.1.10", 81)}
    assert found == Machine("i-1", Role(role), *expected, template_hash="abc", endpoints=endpoints)


def test_stats_are_of_all_interfaces_and_a_stopped_container_has_none() -> None:
    usage = {"cpu_usage": {"total_usage": 2_500_000_000}}
    one = {"rx_bytes": 10, "rx_packets": 2, "tx_bytes": 30, "tx_packets": 4, "rx_errors": 9}
    answer = {"read": "1970-01-01T00:01:00.250000000Z", "cpu_stats": usage, "networks": {"eth0": one, "eth1": one}}
    assert machine_stats(answer) == MachineStats(2.5, 60.25)
    assert traffic(answer) == Traffic(20, 60, 4, 8)
    assert machine_stats({"read": "0001-01-01T00:00:00Z", "cpu_stats": usage}) is None


def test_process_titles_are_the_last_column() -> None:
    rows = [["999", "1", "postgres: lab web 10.0.2.3(5432) idle"]]
    assert process_titles({"Titles": ["UID", "PID", "CMD"], "Processes": rows}) == [rows[0][2]]
    assert process_titles({"Titles": [], "Processes": None}) == []


ROUTES = """Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
tun0\t0000080A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
br-1\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def test_routes_are_read_without_the_default_one() -> None:
    assert host_routes(ROUTES) == [("tun0", IPv4Network("10.8.0.0/16")), ("br-1", IPv4Network("172.17.0.0/16"))]
    assert host_routes("") == []


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("10.0.0.0/16", None),
        ("172.17.0.0/24", None),  # Docker's own: the engine says it itself
        ("10.8.4.0/24", "tun0"),
        ("10.0.0.0/8", "tun0"),
        ("192.0.2.128/25", "192.0.2.0/24"),
        ("203.0.112.0/22", "203.0.113.0/24"),
    ],
)
def test_a_block_that_would_swallow_other_traffic_is_refused(block: str, reason: str | None) -> None:
    arguments = (IPv4Network(block), SETTINGS.forbidden, host_routes(ROUTES), [IPv4Network("172.17.0.0/16")])
    if reason is None:
        refuse_overlap(*arguments)
    else:
        with pytest.raises(Refused, match=reason):
            refuse_overlap(*arguments)


def api_error(status: int, text: str, kind: type[APIError] = APIError) -> APIError:
    response = requests.Response()
    response.status_code = status
    return kind("said no", response=response, explanation=text)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (api_error(404, "No such image: lab/app:latest", ImageNotFound), Refused, "no Docker image lab/app:latest"),
        (
            api_error(500, "Bind for 127.0.0.1:8080 failed: port is already allocated"),
            Refused,
            "port 8080 on 127.0.0.1",
        ),
        (api_error(500, "listen tcp4 127.0.0.1:81: bind: address already in use"), Refused, "port 81 on 127.0.0.1"),
        (
            api_error(500, "failed to bind host port for 127.0.0.1:82:10.202.1.10:80/tcp: address already in use"),
            Refused,
            "port 82 on 127.0.0.1",
        ),
        (api_error(403, "Address already in use"), Refused, "private address"),
        (api_error(403, "Pool overlaps with other one on this address space"), Refused, "overlaps another"),
        (api_error(409, "removal of container i-1 is already in progress"), Unavailable, "in progress"),
        (api_error(403, "network x has active endpoints"), Unavailable, "active endpoints"),
        (api_error(400, "invalid something"), Refused, "invalid something"),
        (api_error(500, "something broke"), Unavailable, "something broke"),
    ],
)
def test_what_the_engine_says_is_final_or_not(error: APIError, kind: type[AdapterError], words: str) -> None:
    said = explained(error)
    assert isinstance(said, kind)
    assert words in str(said)


@pytest.mark.parametrize("error", [requests.ConnectionError("refused"), DockerException("no"), TimeoutError("slow")])
def test_an_engine_that_does_not_answer_may_later(error: Exception) -> None:
    with pytest.raises(Unavailable, match="does not answer"), translated():
        raise error


async def test_no_engine_is_unavailable() -> None:
    compute = DockerCompute(DockerSettings("lab", base_url="unix:///nonexistent/docker.sock"))
    with pytest.raises(Unavailable, match="is it running"):
        await compute.machines()
    await compute.close()


def test_the_janitor_has_the_socket_and_nothing_else() -> None:
    host = janitor_config(SETTINGS, "lab/control")["HostConfig"]
    assert (host["NetworkMode"], host["Binds"]) == ("none", ["/var/run/docker.sock:/var/run/docker.sock"])
    assert (host["AutoRemove"], host["CapDrop"]) == (True, ["ALL"])


class _Engine(APIClient):
    """An engine whose event stream gives one event and breaks off."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def events(self, *_: Any, **__: Any) -> Any:
        class Stream(list[Any]):
            def close(self) -> None: ...

        return Stream([{"Actor": {"Attributes": {"name": name}}} for name in self._names])

    def close(self) -> None: ...


def test_a_broken_stream_is_opened_again_and_said_so() -> None:
    heard: queue.Queue[str] = queue.Queue()
    answers = iter([_Engine(["i-1"]), None, _Engine(["i-2"])])

    def connect() -> APIClient:
        answer = next(answers, None)
        if answer is None:
            raise DockerException("away")
        return answer

    thread = EventThread(connect, {}, heard.put)
    thread.start()
    assert [heard.get(timeout=20) for _ in range(4)] == ["", "i-1", "", "i-2"]
    thread.stop()
