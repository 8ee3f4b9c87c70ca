"""Whether a lab serves, read off its status document (lab/api/status.py). Used by who waits for it, inside and outside."""

from typing import Any

SUCCESS = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")


def missing_pieces(document: dict[str, Any]) -> list[str]:
    """What the lab still lacks to serve, in words; empty when it does. What is in a zone that is failed on purpose is not
    waited for: it comes when the zone is recovered."""
    missing = []
    failed = set(document["failed_zones"])
    if document["engine_problem"]:
        missing.append(f"the compute engine ({document['engine_problem']})")
    missing += [f"stack {row['name']} ({row['status']})" for row in document["stacks"] if row["status"] not in SUCCESS]
    missing += [
        f"database {row['id']} ({row['status']})"
        for row in document["databases"]
        if row["status"] != "available" and row["zone"] not in failed
    ]
    for balancer in document["load_balancers"]:
        nodes = [node for node in balancer["nodes"] if node["zone"] not in failed]
        if balancer["state"] != "active" and len(nodes) == len(balancer["nodes"]):
            missing.append(f"load balancer {balancer['name']} ({balancer['state']})")
        missing += [
            f"node {node['id']} to have configuration {balancer['generation']}"
            for node in nodes
            if node["applied"] != balancer["generation"]
        ]
    for group in document["groups"]:
        ready = [row for row in group["instances"] if row["lifecycle"] == "InService" and row["target"] == "healthy"]
        if len(ready) < group["desired"]:
            missing.append(
                f"{group['desired'] - len(ready)} of {group['desired']} instances to be in service and healthy"
            )
    return missing
