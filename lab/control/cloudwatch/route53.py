"""AWS/Route53: health checks, once a lab minute (r53:monitoring-health-checks)."""

from collections.abc import Sequence

from lab.control.cloudwatch.batch import Batch
from lab.control.world import World
from lab.core.cloudwatch.emitted import ROUTE53
from lab.core.route53.checks import ENDPOINT, is_healthy
from lab.core.route53.model import HealthCheck


class HealthCheckMetrics:
    def __init__(self, world: World) -> None:
        self._world = world

    def sample(self, times: Sequence[float]) -> None:
        """There is one checker, so all of them or none find an endpoint healthy; Inverted has no part in that."""
        batch = Batch(ROUTE53)
        for check in self._world.store.all(HealthCheck):
            facts = {"HealthCheckId": check.health_check_id}
            batch.add("HealthCheckStatus", facts, float(is_healthy(self._world.store, check)), times)
            if check.type in ENDPOINT and check.report:
                batch.add("HealthCheckPercentageHealthy", facts, 0.0 if check.healthy is False else 100.0, times)
        batch.put(self._world.metrics)
