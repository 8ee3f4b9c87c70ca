"""The text of a metric math expression → a tree (cw:using-metric-math).

A Pratt parser: each operator has a strength, and an operand belongs to the stronger of its two neighbours. AWS does not
publish the strengths; these are the usual ones, from weak to strong (`^` groups to the right, the others to the left):

    || OR   <   && AND   <   == != < <= > >=   <   + -   <   * /   <   unary -   <   ^

A name in capitals before a parenthesis is a function, alone it is a word (`REPEAT`, `DESC`); a name that begins with a small
letter is the id of a metric or of another expression.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

DEEPEST = 50
"""Expressions inside expressions; AWS names no limit but 2 048 characters, which could nest deeper than Python's stack."""


@dataclass(frozen=True, slots=True)
class Number:
    value: float
    at: int


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Word:
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Reference:
    id: str
    at: int


@dataclass(frozen=True, slots=True)
class Array:
    items: "tuple[Node, ...]"
    at: int


@dataclass(frozen=True, slots=True)
class Negation:
    operand: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Node"
    right: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: "tuple[Node, ...]"
    at: int


Node: TypeAlias = Number | Text | Word | Reference | Array | Negation | Binary | Call
"""`at` is where it stands in the text, counted from 0: the operator of a Binary, the name of a Call."""


class ExpressionError(Exception):
    """The expression is not one: a sentence, and where in the text (counted from 0)."""

    def __init__(self, at: int, sentence: str) -> None:
        super().__init__(sentence)
        self.at = at
        self.sentence = sentence


STRENGTH = {
    "||": 1, "&&": 2,
    "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "^": 7,
}  # fmt: skip
NEGATION = 6
WRITTEN_OUT = {"OR": "||", "AND": "&&"}

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z]\w*)
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<mark>\|\||&&|==|!=|<=|>=|[-+*/^<>(),\[\]])""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        return f"'{self.text}'" if self.text else "the end"


def parse(text: str) -> Node:
    """The tree of an expression. Raises ExpressionError."""
    if re.match(r"\s*SELECT\b", text):
        raise ExpressionError(0, "the lab does not have Metrics Insights queries (SELECT)")
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(at, _stranger(text[at]))
        kind, part = str(match.lastgroup), match.group()
        if kind != "space":
            mark = WRITTEN_OUT.get(part) if kind == "name" else None
            found.append(_Token("mark" if mark else kind, mark or part, at))
        at = match.end()
    return [*found, _Token("end", "", len(text))]


def _stranger(character: str) -> str:
    known = {
        "!": "metric math has no operator '!': write m == 0 for 'not m'",
        "=": "'=' is no operator: write == to compare",
        "&": "'&' is no operator: write && or AND",
        "|": "'|' is no operator: write || or OR",
        "%": "metric math has no operator '%'",
        '"': "the string does not end",
        "'": "the string does not end",
    }
    return known.get(character, f"unexpected character '{character}'")


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._expression(0)
        if self._peek.kind != "end":
            raise ExpressionError(self._peek.at, f"expected an operator or the end, not {self._peek}")
        return node

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._peek
        self._next += 1
        return token

    def _expression(self, weakest: int) -> Node:
        """Reads on while operators bind more strongly than `weakest`."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise ExpressionError(self._peek.at, f"more than {DEEPEST} levels of nesting")
        node = self._operand()
        while STRENGTH.get(self._peek.text, 0) > weakest and self._peek.kind == "mark":
            operator = self._take()
            strength = STRENGTH[operator.text]
            right = self._expression(strength - 1 if operator.text == "^" else strength)
            node = Binary(operator.text, node, right, operator.at)
        self._depth -= 1
        return node

    def _operand(self) -> Node:
        token = self._take()
        match token.kind, token.text:
            case "number", text:
                return Number(float(text), token.at)
            case "text", text:
                return Text(text[1:-1], token.at)
            case "name", text:
                return self._name(text, token.at)
            case "mark", "-":
                return Negation(self._expression(NEGATION), token.at)
            case "mark", "(":
                node = self._expression(0)
                self._close(")", token.at)
                return node
            case "mark", "[":
                return Array(self._listed("]", token.at), token.at)
        raise ExpressionError(token.at, f"expected a number, an id, a function or a parenthesis, not {token}")

    def _name(self, name: str, at: int) -> Node:
        if name[0].islower():
            if self._peek.text == "(":
                raise ExpressionError(at, f"'{name}' is no function: functions are written in capitals")
            return Reference(name, at)
        if self._peek.text != "(":
            return Word(name, at)
        self._take()
        return Call(name, self._listed(")", at), at)

    def _listed(self, end: str, at: int) -> tuple[Node, ...]:
        """Expressions with commas between them, up to `end`."""
        if self._peek.text == end:
            self._take()
            return ()
        found = [self._expression(0)]
        while self._peek.text == ",":
            self._take()
            found.append(self._expression(0))
        self._close(end, at)
        return tuple(found)

    def _close(self, end: str, at: int) -> None:
        if self._peek.text != end:
            raise ExpressionError(
                self._peek.at, f"expected '{end}' for what opens at position {at + 1}, not {self._peek}"
            )
        self._take()
