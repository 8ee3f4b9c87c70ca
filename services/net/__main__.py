"""`python -m services.net`: the agent of one network interface.

One JSON document a line comes in, {"id": 7, "interface": {…}} (`lab.core.vpc.documents`), and one line goes out when it is in
force, {"id": 7, "applied": true}, or when it is not, {"id": 7, "error": "…"}: then what was in force still is. The container's
log is so the history of its rules. The control plane attaches to the input when it has something to say; between two
documents, and without a control plane, the kernel enforces the last one.
"""

import json
import subprocess
import sys
from typing import Any

from services.net.device import NoDelay, delay, device_of
from services.net.nft import Nft, Rejected
from services.net.ruleset import ruleset


def answer(request: dict[str, Any], nft: Nft) -> dict[str, Any]:
    try:
        interface = request["interface"]
        device = device_of(interface["address"])
        nft.run(ruleset(interface, device))
        delay(device, interface["fault"]["latency"])
    except (NoDelay, Rejected, OSError, subprocess.SubprocessError, KeyError, TypeError, ValueError) as error:
        return {"id": request.get("id"), "error": str(error) or type(error).__name__}
    return {"id": request.get("id"), "applied": True}


def main() -> None:
    nft = Nft()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), nft)), flush=True)


if __name__ == "__main__":
    main()
