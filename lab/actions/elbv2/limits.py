"""The quotas of an account, and telling them (alb:load-balancer-limits)."""

from lab.actions.context import Context, Request, Response, reads

LOAD_BALANCERS = 50
LISTENERS = 50
RULES = 100
TARGET_GROUPS = 3000
TARGET_GROUPS_PER_LOAD_BALANCER = 100
TARGET_GROUPS_PER_ACTION = 5
TARGETS = 1000
CERTIFICATES = 25
TRUST_STORES = 20
AUTHORITIES = 25
REVOCATION_LISTS = 30
REVOCATION_ENTRIES = 500_000
REVOCATION_BYTES = 50 * 1024 * 1024
CONDITION_VALUES = 5
CONDITION_WILDCARDS = 5

_LIMITS = {
    "application-load-balancers": LOAD_BALANCERS,
    "listeners-per-application-load-balancer": LISTENERS,
    "rules-per-application-load-balancer": RULES,
    "certificates-per-application-load-balancer": CERTIFICATES,
    "condition-values-per-alb-rule": CONDITION_VALUES,
    "condition-wildcards-per-alb-rule": CONDITION_WILDCARDS,
    "target-groups": TARGET_GROUPS,
    "target-groups-per-application-load-balancer": TARGET_GROUPS_PER_LOAD_BALANCER,
    "target-groups-per-action-on-application-load-balancer": TARGET_GROUPS_PER_ACTION,
    "targets-per-application-load-balancer": TARGETS,
    "targets-per-target-group": TARGETS,
    "target-id-registrations-per-application-load-balancer": TARGETS,
}


@reads("Marker", "PageSize")
def describe_account_limits(context: Context, request: Request) -> Response:
    """Those of application load balancers: the lab has no other kind."""
    return {"Limits": [{"Name": name, "Max": str(limit)} for name, limit in _LIMITS.items()]}
