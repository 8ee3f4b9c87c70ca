"""The network device of an interface: which one it is, and what is wrong with it on purpose."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any


def device_of(address: str) -> str:
    """The name of the device that has the address: Docker names devices by the names of networks, not by our order. Raises
    ValueError when there is none."""
    found = subprocess.run(["ip", "-json", "address"], capture_output=True, text=True, check=True)
    for link in json.loads(found.stdout):
        if any(one.get("local") == address for one in link["addr_info"]):
            return str(link["ifname"])
    raise ValueError(f"no device has the address {address}")


def netem(fault: Mapping[str, Any]) -> list[str]:
    """The words of `tc` after `netem`; empty when nothing is late or lost. `latency` is in milliseconds, `loss` in percent."""
    words = []
    if fault["latency"]:
        words += ["delay", f"{fault['latency']:g}ms"]
    if fault["loss"]:
        words += ["loss", f"{fault['loss']:g}%"]
    return words


def impair(device: str, fault: Mapping[str, Any]) -> None:
    """Delay and lose what leaves by the device, or stop doing so."""
    words = netem(fault)
    if words:
        subprocess.run(
            ["tc", "qdisc", "replace", "dev", device, "root", "netem", *words], capture_output=True, check=True
        )
    else:
        # It fails where there is nothing to remove, which is how it should be.
        subprocess.run(["tc", "qdisc", "delete", "dev", device, "root"], capture_output=True, check=False)
