"""What a run of the benchmark is asked to do, and where its results are kept."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.contender import NGINX, NGINX_GZIP, TITLES
from bench.scenarios import NAMES

RESULTS = Path(__file__).parent / "results"


def keep(name: str, title: str, found: object, table: str) -> None:
    """What `python -m bench.NAME` found, as NAME-DATE.json and .md among the results."""
    base = RESULTS / f"{name}-{datetime.now(UTC):%Y-%m-%d}"
    base.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    base.with_suffix(".md").write_text(f"# {title}\n\n`python -m bench.{name}`\n\n{table}")


@dataclass(frozen=True, slots=True)
class Options:
    """`rounds` of `seconds` each. `scenarios` and `contenders` are names; nginx is always among the contenders. `keep` is the
    folder that the results go to."""

    scenarios: tuple[str, ...]
    contenders: tuple[str, ...]
    rounds: int
    seconds: int
    connections: int
    python: str
    keep: Path | None


def parse(arguments: Sequence[str] | None) -> Options:
    """Exits with a message when they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.balancer",
        description="Measures the balancer against nginx and others.",
        epilog=f"Scenarios: {', '.join(NAMES)}. Contenders: {', '.join(TITLES)}.",
    )
    parser.add_argument("--scenarios", type=_some_of(NAMES), default=NAMES, metavar="A,B", help="(default: all)")
    parser.add_argument(
        "--contenders",
        type=_some_of(tuple(TITLES)),
        default=tuple(name for name in TITLES if name != NGINX_GZIP),
        metavar="A,B",
        help=f"(default: all but {NGINX_GZIP}; nginx always is one)",
    )
    parser.add_argument("--rounds", type=_positive, default=5, help="turns that each takes per scenario (default: 5)")
    parser.add_argument("--seconds", type=_positive, default=3, help="length of a turn (default: 3)")
    parser.add_argument("--connections", type=_positive, default=32, help="concurrent clients (default: 32)")
    parser.add_argument("--python", default=sys.executable, help="runs our node (default: the one that measures)")
    parser.add_argument(
        "--keep",
        type=Path,
        nargs="?",
        const=RESULTS,
        metavar="FOLDER",
        help=f"keep the results there, as DATE.json and DATE.md (default: {RESULTS.name})",
    )
    found = vars(parser.parse_args(arguments))
    if NGINX not in found["contenders"]:
        found["contenders"] = (*found["contenders"], NGINX)
    return Options(**found)


def _some_of(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def chosen(text: str) -> tuple[str, ...]:
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}, but {', '.join(known)}")
        return tuple(name for name in known if name in names)

    return chosen


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
