"""The rule of a composite alarm (cw:alarm-combining, bc:cloudwatch.PutCompositeAlarm).

    rule     = and { "OR" and }
    and      = not { "AND" not }
    not      = "NOT" not | "(" rule ")" | "TRUE" | "FALSE" | state | at_least
    state    = STATE "(" alarm ")"                        STATE is ALARM, OK or INSUFFICIENT_DATA
    at_least = "AT_LEAST" "(" M "," ["NOT"] STATE "," "(" alarm { "," alarm } ")" ")"      M is 2, say, or 50%
    alarm    = a name or ARN, bare, or in quotes with \\" for a quote

A bare name has no spaces, round brackets or commas. `lab.core.cloudwatch.rule_parser` reads a rule; here is what it says.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Constant:
    value: bool


@dataclass(frozen=True, slots=True)
class In:
    """The alarm, by its name, is in the state."""

    state: str
    alarm: str


@dataclass(frozen=True, slots=True)
class AtLeast:
    """At least so many of the alarms (or so many percent of them) are in the state, or out of it when `negated`."""

    number: int
    percent: bool
    state: str
    negated: bool
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Rule"


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple["Rule", ...]


Rule: TypeAlias = Constant | In | AtLeast | Not | And | Or


def holds(rule: Rule, states: Mapping[str, str]) -> bool:
    """Whether the rule is true. An alarm that is not there is in no state."""
    match rule:
        case Constant(value):
            return value
        case In(state, alarm):
            return states.get(alarm) == state
        case AtLeast(number, percent, state, negated, alarms):
            there = [states[alarm] for alarm in alarms if alarm in states]
            needed = math.ceil(len(alarms) * number / 100) if percent else number
            return sum((one == state) != negated for one in there) >= needed
        case Not(operand):
            return not holds(operand, states)
        case And(operands):
            return all(holds(operand, states) for operand in operands)
        case Or(operands):
            return any(holds(operand, states) for operand in operands)


def children(rule: Rule) -> tuple[str, ...]:
    """The names of the alarms the rule refers to, each once, in the order of the text."""
    return tuple(dict.fromkeys(_references(rule)))


def _references(rule: Rule) -> Iterator[str]:
    match rule:
        case In(_, alarm):
            yield alarm
        case AtLeast(alarms=alarms):
            yield from alarms
        case Not(operand):
            yield from _references(operand)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from _references(operand)


def name_of(reference: str) -> str:
    """The alarm's name, from its name or ARN."""
    return reference.partition(":alarm:")[2] if reference.startswith("arn:") else reference


def text(rule: Rule) -> str:
    """A text that parses to the rule."""
    match rule:
        case Constant(value):
            return "TRUE" if value else "FALSE"
        case In(state, alarm):
            return f"{state}({_quoted(alarm)})"
        case AtLeast(number, percent, state, negated, alarms):
            listed = ", ".join(map(_quoted, alarms))
            return f"AT_LEAST({number}{'%' * percent}, {'NOT ' * negated}{state}, ({listed}))"
        case Not(operand):
            return f"NOT {_inner(operand)}"
        case And(operands):
            return " AND ".join(map(_inner, operands))
        case Or(operands):
            return " OR ".join(map(_inner, operands))


def _inner(rule: Rule) -> str:
    return f"({text(rule)})" if isinstance(rule, And | Or) else text(rule)


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
