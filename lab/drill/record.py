"""A drill's outcome as JSON, and what two of them have to be compared by."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.drill.run import Outcome
from lab.drill.verdicts import WORDS


def to_json(outcome: Outcome) -> dict[str, Any]:
    """A dictionary that `json.dumps` takes. Times are wall seconds of the drill; `lab` and `figures` are the lab's."""
    return {
        "drill": asdict(outcome.drill),
        "mode": outcome.mode,
        "speed": outcome.speed,
        "started": outcome.started,
        "began": outcome.began,
        "began_at": outcome.began_at,
        "victims": list(outcome.victims),
        "held": outcome.held,
        "verdicts": [asdict(one) for one in outcome.verdicts],
        "figures": asdict(outcome.figures),
        "settings": asdict(outcome.settings),
        "load": outcome.result.to_json(),
        "activities": list(outcome.activities),
        "decisions": [{"until": row["until"], "sentences": row["sentences"]} for row in outcome.decisions],
        "samples": [
            {"at": one.at, "lab": one.lab, "desired": one.desired, "serving": one.serving, "alarms": list(one.alarms)}
            for one in outcome.samples
        ],
    }


def load(path: Path) -> dict[str, Any]:
    """Raises ValueError for a file that is no outcome, OSError for one that cannot be read."""
    document: Any = json.loads(path.read_text())
    if not isinstance(document, dict) or not {"drill", "figures", "load", "verdicts"} <= document.keys():
        raise ValueError(f"{path} is not what a drill wrote")
    return document


def measures(document: dict[str, Any]) -> dict[str, float | None]:
    """What is compared: name → value, in lab seconds, requests or shares."""
    load, figures = document["load"], document["figures"]
    percentiles = load["latency"]["percentiles"]
    return {
        "requests": load["scheduled"],
        "lost": load["failed"] + load["shed"],
        "slow": load["slow"],
        "p50": percentiles.get("50"),
        "p99": percentiles.get("99"),
        **{words: figures[name] for name, words in WORDS.items()},
        "grown to": figures["peak"],
        "new instances": figures["launched"],
    }
