"""NAT gateways: what becomes of one (vpc:vpc-nat-gateway).

pending → available → deleting → deleted
   └────→ failed ─────────┘
"""

from dataclasses import replace

from lab.core.ec2.model import NatGateway

OVER = ("deleted", "failed")
DELETED_SHOWN = 3600.0
"""Lab seconds for which a deleted or failed one stays listed."""


def seen(nat: NatGateway, *, attached: bool, now: float) -> NatGateway:
    """What becomes of a NAT gateway that was made or deleted: the lab needs no time for either. `attached`: its VPC has an
    internet gateway, without which a public one fails (vpc:nat-gateway-troubleshooting)."""
    match nat.state:
        case "pending" if nat.connectivity_type == "public" and not attached:
            message = f"Network {nat.vpc_id} has no Internet gateway attached"
            return replace(nat, state="failed", since=now, failure_code="Gateway.NotAttached", failure_message=message)
        case "pending":
            return replace(nat, state="available", since=now)
        case "deleting":
            return replace(nat, state="deleted", since=now)
    return nat
