"""The network device of an interface: which one it is, and what is wrong with it on purpose."""

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


class NoDelay(Exception):  # noqa: N818 - the name says what is the case
    """The kernel cannot make packets late."""


def delay(device: str, milliseconds: float) -> None:
    """Make what leaves by the device late, or stop doing so. Raises NoDelay."""
    if milliseconds == 0:
        # It fails where there is nothing to remove, which is how it should be.
        _tc("delete", device)
        return
    done = _tc("replace", device, "netem", "delay", f"{milliseconds:g}ms")
    if done.returncode != 0:
        raise NoDelay(
            f"the kernel of the Docker host has no netem, so it cannot make packets late ({done.stderr.strip()})"
        )


def _tc(verb: str, device: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = ["tc", "qdisc", verb, "dev", device, "root", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


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
