"""What a log file is called, as AWS calls it (alb:load-balancer-access-logs):

    [prefix/]AWSLogs/ACCOUNT/elasticloadbalancing/REGION/yyyy/MM/dd/
        [conn_log_|health_check_log_]ACCOUNT_elasticloadbalancing_REGION_app.NAME.ID_yyyyMMddTHHmmZ_NODE-IP_RANDOM.log.gz

The time is the end of the interval, UTC. Files of one interval differ in their random part.
"""

import time
from dataclasses import dataclass

from lab.core.elbv2.config import LoadBalancerConfig, LogTarget

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
INTERVAL = 300.0
"""Lab seconds between two files."""
SHORTEST = 1.0
"""Wall seconds: however fast lab time runs, no more files than this."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where lines go: the bucket, and the key without its random part. `end`, in whole wall seconds, tells intervals apart
    that have the same minute in their name."""

    bucket: str
    stem: str
    end: int = 0


def interval_of(config: LoadBalancerConfig) -> float:
    """Wall seconds between two files."""
    return max(SHORTEST, INTERVAL / config.speed)


def end_of(wall: float, interval: float) -> int:
    """The end, in whole seconds, of the interval that `wall` is in. Intervals are aligned to the clock."""
    return int((wall // interval + 1) * interval)


def place(config: LoadBalancerConfig, target: LogTarget, kind: str, end: int, node: str) -> Place:
    """`kind` is "", "conn_log_" or "health_check_log_"; `node` the node's address."""
    _, _, _, region, account, _ = (*config.arn.split(":", 5), "", "", "", "", "", "")[:6]
    folder = f"AWSLogs/{account}/elasticloadbalancing/{region}/{time.strftime('%Y/%m/%d', time.gmtime(end))}"
    name = config.name.replace("/", ".")
    file = (
        f"{kind}{account}_elasticloadbalancing_{region}_{name}_{time.strftime('%Y%m%dT%H%MZ', time.gmtime(end))}_{node}"
    )
    return Place(target.bucket, "/".join(filter(None, (target.prefix.strip("/"), folder, file))), end)


def key(place: Place, random: bytes) -> str:
    """The whole key; `random` is 8 random bytes."""
    return f"{place.stem}_{''.join(LETTERS[byte % 36] for byte in random)}.log.gz"
