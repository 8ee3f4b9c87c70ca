"""Blocks of addresses for VPCs of the tests' own: beside a lab that runs on 10.0.0.0/16, beside each other, and beside what an
earlier run that was cut off has left."""

import secrets
from ipaddress import IPv4Network

from lab.adapters.docker.networks import ROUTES, host_routes


def free_block() -> str:
    """A /16 that no route of this machine leads to; every bridge of Docker's is such a route."""
    taken = [destination for _, destination in host_routes(ROUTES.read_text())] if ROUTES.exists() else []
    while True:
        block = f"10.{100 + secrets.randbelow(150)}.0.0/16"
        if not any(IPv4Network(block).overlaps(other) for other in taken):
            return block
