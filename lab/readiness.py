"""Whether a lab serves, read off its status document (lab/api/status.py). Used by who waits for it, inside and outside."""

from typing import Any

SUCCESS = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")


def missing_pieces(document: dict[str, Any]) -> list[str]:
    """What the lab still lacks to serve, in words; empty when it does."""
    missing = []
    if document["engine_problem"]:
        missing.append(f"the compute engine ({document['engine_problem']})")
    missing += [f"stack {row['name']} ({row['status']})" for row in document["stacks"] if row["status"] not in SUCCESS]
    missing += [
        f"database {row['id']} ({row['status']})" for row in document["databases"] if row["status"] != "available"
    ]
    for balancer in document["load_balancers"]:
        if balancer["state"] != "active":
            missing.append(f"load balancer {balancer['name']} ({balancer['state']})")
        missing += [
            f"node {node['id']} to have configuration {balancer['generation']}"
            for node in balancer["nodes"]
            if node["applied"] != balancer["generation"]
        ]
    for group in document["groups"]:
        ready = [row for row in group["instances"] if row["lifecycle"] == "InService" and row["target"] == "healthy"]
        if len(ready) < group["desired"]:
            missing.append(
                f"{group['desired'] - len(ready)} of {group['desired']} instances to be in service and healthy"
            )
    return missing
