"""Samples of a lab with two instances, as a drill sees them."""

from lab.drill.samples import Sample, Seen

WELL = Seen("us-east-1a", "InService", "healthy")


def seen(lifecycle: str = "InService", target: str = "healthy", zone: str = "us-east-1a") -> Seen:
    return Seen(zone, lifecycle, target)


def at(lab: float, desired: int = 2, database: str = "available", refresh: str = "", **instances: Seen) -> Sample:
    """`lab` seconds; without instances, two that serve."""
    found = instances or {"i_1": WELL, "i_2": WELL}
    return Sample(lab / 20, lab, desired, found, database, (), refresh, ())
