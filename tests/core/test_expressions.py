"""The text of metric math → a tree, and what is wrong with a text that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.cloudwatch.expressions import (
    DEEPEST,
    Array,
    Binary,
    Call,
    ExpressionError,
    Negation,
    Node,
    Number,
    Reference,
    Text,
    Word,
    parse,
)


def shown(node: Node) -> str:
    """With every pair of parentheses."""
    match node:
        case Number(value, _):
            return f"{value:g}"
        case Text(value, _):
            return repr(value)
        case Word(value, _) | Reference(value, _):
            return value
        case Array(items, _):
            return f"[{', '.join(map(shown, items))}]"
        case Negation(operand, _):
            return f"(-{shown(operand)})"
        case Binary(operator, left, right, _):
            return f"({shown(left)} {operator} {shown(right)})"
        case Call(name, arguments, _):
            return f"{name}({', '.join(map(shown, arguments))})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("m1", "m1"),
        (" 1.5e3 ", "1500"),
        (".5", "0.5"),
        ("a - b - c", "((a - b) - c)"),
        ("a + b * c", "(a + (b * c))"),
        ("(a + b) * c", "((a + b) * c)"),
        ("a / b * c", "((a / b) * c)"),
        ("a ^ b ^ c", "(a ^ (b ^ c))"),
        ("-a ^ 2", "(-(a ^ 2))"),
        ("a ^ -b", "(a ^ (-b))"),
        ("a ^ -b ^ c", "(a ^ (-(b ^ c)))"),
        ("-a * b", "((-a) * b)"),
        ("a * -b + c", "((a * (-b)) + c)"),
        ("--a", "(-(-a))"),
        ("a < b + 1", "(a < (b + 1))"),
        ("a > 1 AND b >= 2 || c != 3", "(((a > 1) && (b >= 2)) || (c != 3))"),
        ("a OR b && c", "(a || (b && c))"),
        ("a == b <= c", "((a == b) <= c)"),
        ("SUM([m1, METRICS('4xx')])", "SUM([m1, METRICS('4xx')])"),
        ('METRICS("errors")', "METRICS('errors')"),
        ("METRICS()", "METRICS()"),
        ("[]", "[]"),
        ("FILL(m1, REPEAT)", "FILL(m1, REPEAT)"),
        ("SORT(METRICS(), AVG, DESC, 10)", "SORT(METRICS(), AVG, DESC, 10)"),
        ("IF(DAY(m1)<6,m1)", "IF((DAY(m1) < 6), m1)"),
        ("and_or + m1_2", "(and_or + m1_2)"),
        ("100*(errors/requests)", "(100 * (errors / requests))"),
    ],
)
def test_operands_belong_to_the_stronger_neighbour(text: str, tree: str) -> None:
    assert shown(parse(text)) == tree


@pytest.mark.parametrize(
    ("text", "at", "sentence"),
    [
        ("", 0, "expected a number, an id, a function or a parenthesis, not the end"),
        ("m1 +", 4, "not the end"),
        ("* m1", 0, "not '*'"),
        ("m1 m2", 3, "expected an operator or the end, not 'm2'"),
        ("(m1", 3, "expected ')' for what opens at position 1, not the end"),
        ("[m1)", 3, "expected ']'"),
        ("SUM(m1", 6, "expected ')' for what opens at position 1"),
        ("SUM(m1,)", 7, "not ')'"),
        ("m1)", 2, "not ')'"),
        ("sum(m1)", 0, "functions are written in capitals"),
        ("!m1", 0, "no operator '!'"),
        ("m1 = 2", 3, "write == to compare"),
        ("m1 & m2", 3, "write && or AND"),
        ("m1 % 2", 3, "no operator '%'"),
        ("METRICS('x)", 8, "the string does not end"),
        ("m1 + $x", 5, "unexpected character '$'"),
        ("m1²", 2, "unexpected character '²'"),
        ("SELECT AVG(CPUUtilization) FROM SCHEMA('AWS/EC2')", 0, "Metrics Insights"),
        ("(" * 60 + "m1" + ")" * 60, DEEPEST, "levels of nesting"),
        ("-" * 60 + "m1", DEEPEST, "levels of nesting"),
        ("1" + "^1" * 60, 2 * DEEPEST, "levels of nesting"),
    ],
)
def test_what_is_no_expression_is_refused_where_it_goes_wrong(text: str, at: int, sentence: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.at == at
    assert sentence in caught.value.sentence


def test_a_chain_may_be_as_long_as_a_text_may_be() -> None:
    assert isinstance(parse("+".join(["1"] * 1024)), Binary)


@given(st.text(alphabet="m12 .eE+-*/^<>=!&|()[],'\"SUMREPAT$é", max_size=40))
def test_any_text_is_a_tree_or_is_refused_inside_it(text: str) -> None:
    at, node = 0, None
    try:
        node = parse(text)
    except ExpressionError as error:
        at = error.at
    assert 0 <= at <= len(text)
    assert node is None or shown(parse(shown(node))) == shown(node)
