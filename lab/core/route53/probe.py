"""One try of a health check: what is tried where, and what it came to (r53:dns-failover-determining-health-of-endpoints)."""

from dataclasses import dataclass

from lab.core.ec2.model import Instance
from lab.core.ec2.public import public_addresses
from lab.core.elbv2.model import LoadBalancer
from lab.core.machines import Site, published_port
from lab.core.rds.model import DBInstance
from lab.core.route53.checks import MATCHING
from lab.core.route53.model import HealthCheck
from lab.core.store import Store


@dataclass(frozen=True, slots=True)
class Probe:
    """`protocol` is HTTP, HTTPS or TCP. `host`:`port` is dialled; the rest is for the former two. `name` stands in the Host
    field; `server_name` is the one of TLS, empty for none; `search` must be in the body, empty for anything."""

    check_id: str
    protocol: str
    host: str
    port: int
    name: str = ""
    path: str = "/"
    server_name: str = ""
    search: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`report` is what GetHealthCheckStatus shows of it."""

    passed: bool
    report: str


def probe_of(check: HealthCheck, address: str, door: tuple[str, int]) -> Probe:
    """The try of a check whose endpoint is at an address, dialled at `door`. The Host field has the port unless it is the
    protocol's own (bc:route53.HealthCheckConfig)."""
    config, kind = check.config, check.type.removesuffix("_STR_MATCH")
    domain = config.get("FullyQualifiedDomainName", "")
    port = config["Port"]
    suffix = "" if port == {"HTTP": 80, "HTTPS": 443}.get(kind) else f":{port}"
    path = config.get("ResourcePath", "/")
    return Probe(
        check_id=check.health_check_id,
        protocol=kind,
        host=door[0],
        port=door[1],
        name=f"{domain or address}{suffix}",
        path=path if path.startswith("/") else f"/{path}",
        server_name=domain if config["EnableSNI"] else "",
        search=config["SearchString"] if check.type in MATCHING else "",
    )


def door(store: Store, site: Site, address: str, port: int) -> tuple[str, int]:
    """Where an address of the lab is dialled from the control plane: nodes, instances and databases are not always where
    AWS's names say. Any other address is itself."""
    public = public_addresses(store)
    for balancer in store.all(LoadBalancer):
        for index, node in enumerate(balancer.nodes):
            if address in (node.private_ip_address, public.get(node.network_interface_id)):
                by_port = ("127.0.0.1", published_port(balancer, index, port, site))
                return (node.node_id, port) if site.nodes_by_name else by_port
    for instance in store.all(Instance):
        if address in (instance.private_ip_address, public.get(instance.network_interface_id)):
            host, _, number = instance.endpoints.get(str(port), f"{address}:{port}").rpartition(":")
            return (host, int(number))
    for database in store.where(DBInstance, "private_ip_address", address):
        if database.endpoint_address and port == database.port:
            return (database.endpoint_address, database.endpoint_port)
    return (address, port)
