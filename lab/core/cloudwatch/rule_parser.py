"""Reads the rule of a composite alarm; the grammar is in `lab.core.cloudwatch.rule`.

AWS's pages write TRUE and FALSE in any case, so they are read so. Refused: rules nested more than 50 deep, for which AWS
publishes no rule.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from lab.core.cloudwatch.model import STATES
from lab.core.cloudwatch.rule import And, AtLeast, Constant, In, Not, Or, Rule, name_of

DEEPEST = 50
_TOKEN = re.compile(r'\s*(?:(?P<mark>[(),])|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<word>[^\s(),"]+))')


class RuleError(Exception):
    """The text is no rule; the message says where and what would be."""


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
    at, end = 0, len(source.rstrip())
    while at < end:
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
