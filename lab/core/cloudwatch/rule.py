"""The rule of a composite alarm (cw:alarm-combining, bc:cloudwatch.PutCompositeAlarm).

    rule     = and { "OR" and }
    and      = not { "AND" not }
    not      = "NOT" not | "(" rule ")" | "TRUE" | "FALSE" | state | at_least
    state    = STATE "(" alarm ")"                        STATE is ALARM, OK or INSUFFICIENT_DATA
    at_least = "AT_LEAST" "(" M "," ["NOT"] STATE "," "(" alarm { "," alarm } ")" ")"      M is 2, say, or 50%
    alarm    = a name or ARN, bare, or in quotes with \\" for a quote

A bare name has no spaces, round brackets or commas. AWS's pages write TRUE and FALSE in any case. Refused: rules nested more
than 50 deep, for which AWS publishes no rule.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from lab.core.cloudwatch.model import STATES

DEEPEST = 50
_TOKEN = re.compile(r'\s*(?:(?P<mark>[(),])|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<word>[^\s(),"]+))')


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


class RuleError(Exception):
    """The text is no rule; the message says where and what would be."""


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


@lru_cache(maxsize=1024)
def parse(source: str) -> Rule:
    """Raises RuleError."""
    return _Parser(source).whole()


@dataclass(frozen=True, slots=True)
class _Token:
    """`kind` is mark, quoted, word or end."""

    kind: str
    value: str
    at: int


def _tokens(source: str) -> Iterator[_Token]:
    at = 0
    while source[at:].strip():
        found = _TOKEN.match(source, at)
        if found is None:
            raise RuleError(f'position {at + 1}: a quoted name needs a closing "')
        kind = found.lastgroup or ""
        value = found[kind]
        yield _Token(kind, re.sub(r"\\(.)", r"\1", value) if kind == "quoted" else value, found.start(kind))
        at = found.end()
    yield _Token("end", "the end", len(source))


class _Parser:
    """Recursive descent; `_next` is the index of the token to look at."""

    def __init__(self, source: str) -> None:
        self._tokens = list(_tokens(source))
        self._next = 0
        self._depth = 0

    def whole(self) -> Rule:
        rule = self._or()
        self._expect("end", "the end", "AND, OR or the end")
        return rule

    def _or(self) -> Rule:
        operands = [self._and()]
        while self._accept("word", "OR"):
            operands.append(self._and())
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _and(self) -> Rule:
        operands = [self._not()]
        while self._accept("word", "AND"):
            operands.append(self._not())
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _not(self) -> Rule:
        self._depth += 1
        if self._depth > DEEPEST:
            raise RuleError(f"position {self._token.at + 1}: the lab reads rules nested up to {DEEPEST} deep")
        rule = self._operand()
        self._depth -= 1
        return rule

    def _operand(self) -> Rule:
        token = self._token
        if self._accept("word", "NOT"):
            return Not(self._not())
        if self._accept("mark", "("):
            rule = self._or()
            self._expect("mark", ")", "AND, OR or )")
            return rule
        if token.kind == "word" and token.value.upper() in ("TRUE", "FALSE"):
            self._next += 1
            return Constant(token.value.upper() == "TRUE")
        if self._accept("word", "AT_LEAST"):
            return self._at_least()
        state = self._state("ALARM(…), OK(…), INSUFFICIENT_DATA(…), AT_LEAST(…), TRUE, FALSE, NOT or (")
        return In(state, self._in_brackets()[0])

    def _at_least(self) -> Rule:
        self._expect("mark", "(", "(")
        token = self._take("word", "a number or a percentage")
        found = re.fullmatch(r"(\d{1,3})(%?)", token.value)
        if found is None:
            raise RuleError(f"position {token.at + 1}: '{token.value}' is not a number or a percentage")
        self._expect("mark", ",", ",")
        negated = self._accept("word", "NOT")
        state = self._state("ALARM, OK or INSUFFICIENT_DATA")
        self._expect("mark", ",", ",")
        alarms = self._in_brackets(several=True)
        self._expect("mark", ")", ")")
        number, percent = int(found[1]), bool(found[2])
        most = 100 if percent else len(alarms)
        if not 1 <= number <= most:
            raise RuleError(f"position {token.at + 1}: '{token.value}' must be from 1 to {most}{found[2]}")
        return AtLeast(number, percent, state, negated, alarms)

    def _in_brackets(self, *, several: bool = False) -> tuple[str, ...]:
        self._expect("mark", "(", "(")
        alarms = [self._alarm()]
        while several and self._accept("mark", ","):
            alarms.append(self._alarm())
        self._expect("mark", ")", ", or )" if several else ") (a name with spaces, brackets or commas goes in quotes)")
        return tuple(alarms)

    def _alarm(self) -> str:
        token = self._token
        kind = token.kind if token.kind == "quoted" else "word"
        return name_of(self._take(kind, "the name or ARN of an alarm").value)

    def _state(self, wanted: str) -> str:
        token = self._take("word", wanted)
        if token.value not in STATES:
            raise RuleError(f"position {token.at + 1}: found {token.value}; expected {wanted}")
        return token.value

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _accept(self, kind: str, value: str) -> bool:
        found = self._token.kind == kind and self._token.value == value
        self._next += found
        return found

    def _expect(self, kind: str, value: str, wanted: str) -> None:
        if not (self._token.kind == kind and self._token.value == value):
            raise RuleError(f"position {self._token.at + 1}: found {self._token.value}; expected {wanted}")
        self._next += 1

    def _take(self, kind: str, wanted: str) -> _Token:
        token = self._token
        if token.kind != kind:
            raise RuleError(f"position {token.at + 1}: found {token.value}; expected {wanted}")
        self._next += 1
        return token
