"""Health checks' endpoints that are not there: up, unless they are said to be down."""

from lab.core.route53.probe import Outcome, Probe


class SimulatedProber:
    """`down` are the endpoints that fail, as "host:port"; `tried` is everything that was asked for."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.tried: list[Probe] = []

    async def probe(self, probe: Probe) -> Outcome:
        self.tried.append(probe)
        if f"{probe.host}:{probe.port}" in self.down:
            return Outcome(
                False, "Failure: The health checker could not establish a connection within the timeout limit"
            )
        return Outcome(True, "Success: HTTP Status Code 200, OK")
