"""AWS/RDS: CPU and connections of databases, once a lab minute (rds:rds-metrics)."""

from collections.abc import Mapping, Sequence

from lab.control.cloudwatch.batch import Batch
from lab.control.cloudwatch.samples import Samples, taken, utilisation
from lab.control.world import World
from lab.core.cloudwatch.emitted import RDS
from lab.core.cloudwatch.spread import MINUTE
from lab.core.compute import MachineStats
from lab.core.rds.model import DBInstance

VCPUS = 1.0


class DatabaseMetrics:
    def __init__(self, world: World, samples: Samples) -> None:
        self._world = world
        self._samples = samples

    def sample(self, stats: Mapping[str, MachineStats], now: float, times: Sequence[float]) -> None:
        """`stats` by machine id; `times` are what is stamped on what holds at one moment."""
        batch = Batch(RDS)
        for database in self._world.store.all(DBInstance):
            machine = stats.get(database.machine_id)
            if database.status != "available" or machine is None:
                continue
            facts = {"DBInstanceIdentifier": database.identifier}
            if machine.connections is not None:
                batch.add("DatabaseConnections", facts, machine.connections, times)
            found = self._samples.next(database.machine_id, taken(machine, now), MINUTE)
            if found is not None:
                batch.add("CPUUtilization", facts, utilisation(found, VCPUS), found.over.times)
        batch.put(self._world.metrics)
