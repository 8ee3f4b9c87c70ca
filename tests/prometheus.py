"""A strict reader of Prometheus's text format 0.0.4: whatever a scraper could stumble over is an error.

Stricter than the format in what it leaves open: HELP and TYPE for every family, in that order, once; no blank lines, comments
or timestamps; series that do not repeat; names and suffixes as the naming practices have them.
"""

import math
import re
from collections import defaultdict
from dataclasses import dataclass, field

Labels = frozenset[tuple[str, str]]

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_HELP = re.compile(rf"# HELP ({_NAME}) ((?:[^\\\n]|\\[\\n])+)")
_TYPE = re.compile(rf"# TYPE ({_NAME}) (counter|gauge|histogram)")
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (\S+)")
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_NUMBER = re.compile(r"[+-]?Inf|NaN|-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?")
_SUFFIXES = ("_bucket", "_sum", "_count")


@dataclass
class Family:
    kind: str
    help: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)


class Malformed(ValueError):  # noqa: N818 - it says what the text is
    pass


def read(text: str) -> dict[str, Family]:
    """By name. Raises Malformed."""
    families: dict[str, Family] = {}
    if not text.endswith("\n"):
        raise Malformed("the last line has no end")
    said, current = None, ""
    for line in text[:-1].split("\n"):
        if match := _HELP.fullmatch(line):
            if match[1] in families or said is not None:
                raise Malformed(f"HELP of {match[1]} comes where it may not")
            said = (match[1], match[2])
        elif match := _TYPE.fullmatch(line):
            if said is None or said[0] != match[1]:
                raise Malformed(f"TYPE of {match[1]} does not follow its HELP")
            families[match[1]] = Family(match[2], said[1])
            said, current = None, match[1]
        elif (match := _SAMPLE.fullmatch(line)) and said is None and current:
            _take(families[current], current, match)
        else:
            raise Malformed(f"no such line: {line!r}")
    for name, family in families.items():
        _check(name, family)
    return families


def _take(family: Family, name: str, match: re.Match[str]) -> None:
    if _NUMBER.fullmatch(match[3]) is None:
        raise Malformed(f"not a number: {match[3]!r}")
    pairs = [(key, _unescaped(value)) for key, value in _PAIR.findall(match[2] or "")]
    labels = frozenset(pairs)
    if len({key for key, _ in pairs}) != len(pairs) or any(key.startswith("__") for key, _ in pairs):
        raise Malformed(f"labels of {match[1]}: {pairs}")
    allowed = [name + suffix for suffix in _SUFFIXES] if family.kind == "histogram" else [name]
    if match[1] not in allowed or (match[1], labels) in family.samples:
        raise Malformed(f"{match[0]!r} does not belong to {name}, or is there twice")
    family.samples[match[1], labels] = float(match[3].replace("Inf", "inf"))


def _check(name: str, family: Family) -> None:
    if not family.samples:
        raise Malformed(f"{name} has no samples")
    if (family.kind == "counter") != name.endswith("_total"):
        raise Malformed(f"{name} is a {family.kind}")
    if family.kind == "counter" and any(value < 0 for value in family.samples.values()):
        raise Malformed(f"{name} is below 0")
    if family.kind == "histogram":
        _check_histogram(name, family)


def _check_histogram(name: str, family: Family) -> None:
    buckets = defaultdict[Labels, list[tuple[float, float]]](list)
    for (sample, labels), value in family.samples.items():
        if sample == f"{name}_bucket":
            bounds = [text for key, text in labels if key == "le"]
            if len(bounds) != 1:
                raise Malformed(f"a bucket of {name} without le")
            rest = frozenset(pair for pair in labels if pair[0] != "le")
            buckets[rest].append((float(bounds[0].replace("Inf", "inf")), value))
    for sample in ("_sum", "_count"):
        if {labels for found, labels in family.samples if found == name + sample} != set(buckets):
            raise Malformed(f"{name}{sample} is not there for every histogram")
    for labels, found in buckets.items():
        edges, counts = [edge for edge, _ in found], [count for _, count in found]
        if edges != sorted(set(edges)) or edges[-1] != math.inf or counts != sorted(counts):
            raise Malformed(f"buckets of {name} do not rise: {found}")
        if counts[-1] != family.samples[f"{name}_count", labels]:
            raise Malformed(f"{name} counts {counts[-1]} in all buckets")


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)


def value(families: dict[str, Family], name: str, **labels: str) -> float:
    """The one sample of a family with these labels, whatever others it has."""
    wanted = frozenset(labels.items())
    base = name
    for suffix in _SUFFIXES:
        if name not in families:
            base = name.removesuffix(suffix) if name.endswith(suffix) else base
    [found] = [value for (sample, own), value in families[base].samples.items() if sample == name and wanted <= own]
    return found
