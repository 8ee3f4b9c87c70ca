"""Blocks of addresses for VPCs of the tests' own: beside a lab that runs on 10.0.0.0/16, beside each other, and beside what an
earlier run that was cut off has left."""

import secrets
from ipaddress import IPv4Network

from lab.adapters.docker.networks import ROUTES, host_routes


def free_internet() -> str:
    """A /24 that plays the internet."""
    return _free(24, range(250, 255))


def free_block() -> str:
    """A /16 for a VPC."""
    return _free(16, range(100, 250))


def _free(length: int, seconds: range) -> str:
    """A block of 10.0.0.0/8 that no route of this machine leads to; every bridge of Docker's is such a route."""
    taken = [destination for _, destination in host_routes(ROUTES.read_text())] if ROUTES.exists() else []
    while True:
        second, third = secrets.choice(seconds), 0 if length == 16 else secrets.randbelow(256)
        block = f"10.{second}.{third}.0/{length}"
        if not any(IPv4Network(block).overlaps(other) for other in taken):
            return block
