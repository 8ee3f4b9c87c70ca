"""The network devices of an interface: which one is whose, and the addresses on them."""

import json
import subprocess
from typing import Any


def device_of(address: str) -> str:
    """The name of the device that has the address: Docker names devices by the names of networks, not by our order. Raises
    ValueError when there is none."""
    for link in _links():
        if any(one.get("local") == address for one in link["addr_info"]):
            return str(link["ifname"])
    raise ValueError(f"no device has the address {address}")


def own(address: str) -> None:
    """Have an address of this network's own, on its loopback."""
    # It fails where it is there already.
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], capture_output=True, check=False)


def hold(device: str, first: str, addresses: set[str]) -> None:
    """Have these addresses on the device beside its `first`, and no others."""
    [link] = [one for one in _links() if one["ifname"] == device]
    held = {one["local"] for one in link["addr_info"] if one["family"] == "inet"} - {first}
    for address in held - addresses:
        subprocess.run(["ip", "address", "delete", f"{address}/32", "dev", device], capture_output=True, check=True)
    for address in addresses - held:
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", device], capture_output=True, check=True)


def forget_default_route() -> None:
    """What is not on a bridge of the lab's is nowhere. It fails where there is none."""
    subprocess.run(["ip", "route", "delete", "default"], capture_output=True, check=False)


def _links() -> list[dict[str, Any]]:
    found = subprocess.run(["ip", "-json", "address"], capture_output=True, text=True, check=True)
    links: list[dict[str, Any]] = json.loads(found.stdout)
    return links
