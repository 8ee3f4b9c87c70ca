"""Rows → what must run: the specification of every machine the lab wants, and the network of every VPC. Pure.

A specification's `template_hash` is a hash of what cannot change while a machine runs. A node whose hash differs from what
its rows now say is replaced; instances keep the hash they were launched with, as on AWS.
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from lab.core.compute import MachineSpec, Network, Port, Role
from lab.core.ec2.addresses import vpc_gateway
from lab.core.ec2.catalogue import IMAGES, INSTANCE_TYPES
from lab.core.ec2.model import Instance, Vpc
from lab.core.elbv2.model import Listener, LoadBalancer, Node
from lab.core.rds.model import DBInstance

NODE_VCPUS = 1.0
METRICS_PORT = 9901
"""Where a node serves its own metrics; never published. The next free one, should a listener have it."""
METADATA_URL = "http://169.254.169.254/latest/"
NODE_DATA = "/var/lib/lb"
DATABASE_DATA = "/var/lib/postgresql/data"
SLOT_WIDTH = 10


@dataclass(frozen=True, slots=True)
class Site:
    """Facts of the machine the lab runs on. `control_url` is where nodes reach the control plane; `listener_ports` maps
    well-known listener ports to the first port published on 127.0.0.1, one up for each further zone. `nodes_by_name`: from
    the control plane, nodes are found under their ids, at their listeners' own ports."""

    control_url: str
    listener_ports: Mapping[int, int]
    nodes_by_name: bool = False


def network(vpc: Vpc) -> Network:
    return Network(vpc.vpc_id, vpc.cidr_block, vpc_gateway(vpc.cidr_block))


def published_port(balancer: LoadBalancer, node_index: int, listener_port: int, site: Site) -> int:
    """The port of 127.0.0.1 behind which a node's listener is found. Listener port 80 of the first load balancer is at
    8080 in its first zone and 8081 in the next, 443 at 8443 and 8444; each further load balancer is ten up."""
    base = site.listener_ports.get(listener_port)
    if base is None:
        base = listener_port if listener_port >= 1024 else 8000 + listener_port
    return base + balancer.slot * SLOT_WIDTH + node_index


def instance_spec(instance: Instance, group: str, *, metadata: bool) -> MachineSpec:
    """`metadata`: it has a metadata service, where it learns who it is; else its environment tells."""
    image, size = IMAGES[instance.image_id], INSTANCE_TYPES[instance.instance_type]
    return _hashed(
        MachineSpec(
            id=instance.instance_id,
            role=Role.INSTANCE,
            image=image.machine_image,
            vpc_id=instance.vpc_id,
            zone=instance.availability_zone,
            address=instance.private_ip_address,
            vcpus=size.vcpus,
            memory_mib=size.memory_mib,
            environment={"LAB_METADATA": METADATA_URL} if metadata else _identity(instance),
            ports=tuple(Port(number) for number in image.ports),
            group=group,
            disk=image.disk,
        )
    )


def _identity(instance: Instance) -> dict[str, str]:
    return {
        "LAB_INSTANCE_ID": instance.instance_id,
        "LAB_AVAILABILITY_ZONE": instance.availability_zone,
        "LAB_PRIVATE_IP": instance.private_ip_address,
        "LAB_LAUNCH_TEMPLATE_VERSION": str(instance.launch_template_version),
        "LAB_USER_DATA": instance.user_data,
    }


def node_spec(balancer: LoadBalancer, node: Node, listeners: Iterable[Listener], site: Site) -> MachineSpec:
    index = balancer.nodes.index(node)
    # The well-known ports are there from the start, so that a first listener does not cost a new node.
    numbers = dict.fromkeys((*site.listener_ports, *(listener.port for listener in listeners)))
    metrics = next(number for number in itertools.count(METRICS_PORT) if number not in numbers)
    ports = tuple(Port(number, published_port(balancer, index, number, site)) for number in numbers)
    return _hashed(
        MachineSpec(
            id=node.node_id,
            role=Role.NODE,
            image="lb",
            vpc_id=balancer.vpc_id,
            zone=node.availability_zone,
            address=node.private_ip_address,
            vcpus=NODE_VCPUS,
            memory_mib=256,
            environment={
                "LB_NODE_ID": node.node_id,
                "LB_ZONE": node.availability_zone,
                "LB_CONTROL_URL": site.control_url,
                "LB_NODE_TOKEN": node.token,
                "LB_BIND": "{bind}",
                "LB_ADDRESS": node.private_ip_address,
                "LB_PORTS": ",".join(f"{port.number}={{port:{port.number}}}" for port in ports),
                "LB_DATA": "{data}",
                "LB_WORKERS": str(max(1, int(NODE_VCPUS))),
                "LB_METRICS": f"{{port:{metrics}}}",
            },
            ports=(*ports, Port(metrics)),
            group=balancer.name,
            hostnames=(balancer.dns_name,),
            data_path=NODE_DATA,
            control=True,
        )
    )


def database_spec(database: DBInstance) -> MachineSpec:
    return _hashed(
        MachineSpec(
            id=database.machine_id,
            role=Role.DATABASE,
            image="postgres",
            vpc_id=database.vpc_id,
            zone=database.availability_zone,
            address=database.private_ip_address,
            vcpus=1.0,
            memory_mib=512,
            environment={
                "POSTGRES_USER": database.master_username,
                "POSTGRES_PASSWORD": database.master_password,
                "POSTGRES_DB": database.db_name,
            },
            ports=(Port(database.port),),
            group=database.identifier,
            hostnames=(database.dns_name,),
            data_path=DATABASE_DATA,
        )
    )


def _hashed(spec: MachineSpec) -> MachineSpec:
    body = json.dumps(asdict(spec), sort_keys=True, default=str)
    return replace(spec, template_hash=hashlib.sha256(body.encode()).hexdigest()[:16])
