"""`python -m services.net.check`: whether this kernel has what interfaces and routers need. Prints what is missing and exits 1.

Rules are made as a lab makes them, in a network namespace of the container's own, and go with it."""

import sys
import time

from services.net.late import Delay, NoDelay
from services.net.nft import Nft, Rejected

TABLE = """
table inet check {
  set members { type ipv4_addr; elements = { 10.0.0.4 }; }
  map private { type ipv4_addr : ipv4_addr; elements = { 10.0.0.5 : 10.0.0.6 }; }
  chain input { type filter hook input priority filter; policy drop;
    ct state established,related accept
    ip saddr @members tcp dport 80-90 counter accept comment "check"
    numgen random mod 10000 < 1 drop
  }
  chain to_private { type nat hook prerouting priority dstnat;
    dnat ip to ip daddr map @private
  }
  chain forward { type filter hook forward priority filter; policy drop;
    meta mark 1 ct mark set 1 ct direction original ct status dnat accept
    reject with icmp net-unreachable
  }
  chain to_public { type nat hook postrouting priority srcnat;
    meta mark 1 snat ip to 10.0.0.7
  }
}
"""


def main() -> int:
    try:
        Nft().run(TABLE)
    except (OSError, Rejected) as error:
        print(f"nftables: {error}")
        return 1
    try:
        Delay(time.monotonic).set("lo", 1.0)
    except NoDelay as error:
        print(f"`lab fail network --latency` will be refused: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
