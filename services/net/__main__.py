"""`python -m services.net`: the agent of one network interface, or of one VPC's router.

One JSON document a line comes in, {"id": 7, "interface": {…}} (`lab.core.vpc.documents`) or
{"id": 7, "router": {…}} (`lab.core.vpc.routers`), and one line goes out when it is in
force, {"id": 7, "applied": true}, or when it is not, {"id": 7, "error": "…"}: then what was in force still is. A line may also
ask for a probe, {"id": 8, "probe": {"address": …, "port": …}}. The container's log is so the history of its rules. The
control plane attaches to the input when it has something to say; between two documents, and without a control plane, the
kernel enforces the last one.
"""

import json
import subprocess
import sys
import threading
import time
from typing import Any

from services.net.device import device_of, forget_default_route, hold, own
from services.net.imds import ADDRESS, Service
from services.net.late import Delay, NoDelay
from services.net.nft import Nft, Rejected
from services.net.probe import probe
from services.net.router import router_ruleset
from services.net.ruleset import ruleset

FAILURES = (NoDelay, Rejected, OSError, subprocess.SubprocessError, KeyError, TypeError, ValueError)
SAYING = threading.Lock()


def applied(interface: dict[str, Any], nft: Nft, delay: Delay, imds: Service) -> dict[str, Any]:
    try:
        device = device_of(interface["address"])
        delay.set(device, interface["fault"]["latency"])  # first: not every kernel can, and then nothing has changed
        nft.run(ruleset(interface, device))
        imds.metadata = interface["metadata"]
        if imds.metadata is not None:
            own(ADDRESS)
            imds.start()
    except FAILURES as error:
        return {"error": str(error) or type(error).__name__}
    return {"applied": True}


def routed(router: dict[str, Any], nft: Nft) -> dict[str, Any]:
    """`host` is this machine's address on the internet's bridge, `own_public` the router's."""
    try:
        vpc, internet = device_of(router["address"]), device_of(router["own_public"])
        forget_default_route()
        nft.run(router_ruleset(router, vpc_device=vpc, inet_device=internet, host=router["host"]))
        hold(vpc, router["address"], {router["gateway"]})
        hold(
            internet, router["own_public"], {*router["public"].values(), *(nat["public_ip"] for nat in router["nats"])}
        )
    except FAILURES as error:
        return {"error": str(error) or type(error).__name__}
    return {"applied": True}


def say(number: int, answer: dict[str, Any]) -> None:
    with SAYING:
        print(json.dumps({"id": number, **answer}), flush=True)


def probing(number: int, address: str, port: int) -> None:
    say(number, {"probe": probe(address, port)})


def main() -> None:
    nft, delay, imds = Nft(), Delay(time.monotonic), Service(time.monotonic)
    for line in sys.stdin:
        request = json.loads(line)
        if "probe" in request:
            # In a thread: rules do not wait for who does not answer.
            asked = request["probe"]
            threading.Thread(target=probing, args=(request["id"], asked["address"], asked["port"]), daemon=True).start()
        elif "router" in request:
            say(request["id"], routed(request["router"], nft))
        else:
            say(request["id"], applied(request["interface"], nft, delay, imds))


if __name__ == "__main__":
    main()
