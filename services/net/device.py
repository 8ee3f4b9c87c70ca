"""The network device of an interface: which one it is, and what is wrong with it on purpose."""

import json
import subprocess


def device_of(address: str) -> str:
    """The name of the device that has the address: Docker names devices by the names of networks, not by our order. Raises
    ValueError when there is none."""
    found = subprocess.run(["ip", "-json", "address"], capture_output=True, text=True, check=True)
    for link in json.loads(found.stdout):
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
