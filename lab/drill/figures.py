"""What the samples of a drill come to: when what was hit was noticed, left alone, replaced, and when all was well. Pure.

Times are lab seconds from the first act; None is: not seen. What was hit are instances (a crash, a fault, a zone), the
database, or nothing that can be seen from outside (the control plane, a capacity that was set).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.drill.samples import Sample

DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Figures:
    """`out`: no node sends anything to what was hit. `detected`: the group has given it up, or the database says that it is not
    available. `replaced`: as many others serve. `recovered`: steady, and as many as are desired. `peak` is the highest desired
    capacity, `launched` how many instances came new, `refresh` the last state of an instance refresh."""

    detected: float | None = None
    out: float | None = None
    replaced: float | None = None
    recovered: float | None = None
    peak: int = 0
    launched: int = 0
    refresh: str = ""


def figures(samples: Sequence[Sample], began: float, victims: Sequence[str]) -> Figures:
    """`began` is the lab's time of the first act; `victims` are what was hit."""
    after = [one for one in samples if one.lab >= began]
    before = [one for one in samples if one.lab <= began]
    first = before[-1] if before else None
    known = set(first.instances) if first is not None else set()
    hit = [name for name in victims if name != DATABASE]

    def when(seen: Callable[[Sample], bool]) -> float | None:
        return next((one.lab - began for one in after if seen(one)), None)

    detected = out = replaced = None
    if hit:
        out = when(lambda one: not any(name in one.instances and one.instances[name].serves for name in hit))
        detected = when(lambda one: not any(_in_service(one, name) for name in hit))
        replaced = when(lambda one: _newcomers(one, known) >= len(hit))
    elif DATABASE in victims:
        detected = when(lambda one: one.database != "available")
    calm = _calm_end(after)
    recovered = None
    if calm:
        recovered = 0.0 if len(calm) == len(after) else calm[0].lab - began
    everybody = {name for one in after for name in one.instances}
    return Figures(
        detected=detected,
        out=out,
        replaced=replaced,
        recovered=recovered,
        peak=max((one.desired for one in after), default=0),
        launched=len(everybody - known),
        refresh=next((one.refresh for one in reversed(after) if one.refresh), ""),
    )


def _calm_end(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The steady samples after the last one that was not."""
    start = next((index + 1 for index in range(len(samples) - 1, -1, -1) if samples[index].unrest()), 0)
    return samples[start:]


def _in_service(one: Sample, name: str) -> bool:
    return name in one.instances and one.instances[name].lifecycle == "InService"


def _newcomers(one: Sample, known: set[str]) -> int:
    return sum(seen.serves for name, seen in one.instances.items() if name not in known)
