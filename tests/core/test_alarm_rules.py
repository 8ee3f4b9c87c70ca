"""The rule of a composite alarm: its grammar, what it comes to, and what is no rule."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA, OK, STATES
from lab.core.cloudwatch.rule import And, AtLeast, Constant, In, Not, Or, Rule, children, holds, text
from lab.core.cloudwatch.rule_parser import RuleError, parse

ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:cpu"


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        # cw:alarm-combining, bc:cloudwatch.PutCompositeAlarm
        ("ALARM(cpu) AND ALARM(disk)", And((In(ALARM, "cpu"), In(ALARM, "disk")))),
        ("ALARM(cpu) AND NOT ALARM(deploy)", And((In(ALARM, "cpu"), Not(In(ALARM, "deploy"))))),
        (
            '(ALARM("cpu") OR\n   ALARM("disk")) AND\n   OK("net")',
            And((Or((In(ALARM, "cpu"), In(ALARM, "disk"))), In(OK, "net"))),
        ),
        ("AT_LEAST(2, ALARM, (a, b, c))", AtLeast(2, False, ALARM, False, ("a", "b", "c"))),
        ("AT_LEAST(50%, NOT OK, (a, b))", AtLeast(50, True, OK, True, ("a", "b"))),
        # precedence
        (
            "ALARM(a) OR ALARM(b) AND NOT OK(c)",
            Or((In(ALARM, "a"), And((In(ALARM, "b"), Not(In(OK, "c")))))),
        ),
        ("NOT (ALARM(a) OR TRUE)", Not(Or((In(ALARM, "a"), Constant(True))))),
        # names
        (f"INSUFFICIENT_DATA({ARN})", In(INSUFFICIENT_DATA, "cpu")),
        (f'OK("{ARN}")', In(OK, "cpu")),
        ('ALARM("a b, (c) \\" d")', In(ALARM, 'a b, (c) " d')),
        ("ALARM ( cpu-high/1 )", In(ALARM, "cpu-high/1")),
        ("ALARM(AND)", In(ALARM, "AND")),
        # AWS's pages say TRUE, False and false
        ("False", Constant(False)),
    ],
)
def test_rules(source: str, rule: Rule) -> None:
    assert parse(source) == rule


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("ALARM(a) ALARM(b)", "position 10: found ALARM; expected AND, OR or the end"),
        ("ALARM(a", "position 8: found the end; expected )"),
        ("ALARM(my alarm)", "position 10: found alarm; expected ) (a name with spaces"),
        ("ALARM()", "position 7: found ); expected the name or ARN of an alarm"),
        ("BROKEN(a)", "position 1: found BROKEN; expected ALARM(…)"),
        ('ALARM("a)', 'position 7: a quoted name needs a closing "'),
        ("NOT", "position 4: found the end; expected ALARM(…)"),
        ("(TRUE", "position 6: found the end; expected AND, OR or )"),
        ("AT_LEAST(3, ALARM, (a, b))", "position 10: '3' must be from 1 to 2"),
        ("AT_LEAST(101%, ALARM, (a))", "position 10: '101%' must be from 1 to 100%"),
        ("AT_LEAST(x, ALARM, (a))", "position 10: 'x' is not a number or a percentage"),
        ("AT_LEAST(1, TRUE, (a))", "position 13: found TRUE; expected ALARM, OK or INSUFFICIENT_DATA"),
        ("(" * 60 + "TRUE" + ")" * 60, "the lab reads rules nested up to 50 deep"),
        ("NOT " * 2000 + "TRUE", "the lab reads rules nested up to 50 deep"),
        ("", "position 1: found the end"),
    ],
)
def test_what_is_no_rule_says_where_and_what_would_be(source: str, said: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(source)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("source", "true"),
    [
        ("ALARM(a)", True),
        ("OK(a)", False),
        ("OK(b)", True),
        ("INSUFFICIENT_DATA(c)", True),
        ("ALARM(a) AND ALARM(b)", False),
        ("ALARM(a) OR ALARM(b)", True),
        ("NOT ALARM(b)", True),
        ("TRUE", True),
        ("FALSE", False),
        ("ALARM(gone) OR OK(gone) OR INSUFFICIENT_DATA(gone)", False),
        ("AT_LEAST(1, ALARM, (a, b, c))", True),
        ("AT_LEAST(2, ALARM, (a, b, c))", False),
        ("AT_LEAST(2, NOT ALARM, (a, b, c))", True),
        ("AT_LEAST(33%, OK, (a, b, c))", True),
        ("AT_LEAST(34%, OK, (a, b, c))", False),
    ],
)
def test_what_rules_come_to(source: str, true: bool) -> None:
    assert holds(parse(source), {"a": ALARM, "b": OK, "c": INSUFFICIENT_DATA}) is true


def test_children_are_named_once_in_the_order_of_the_text() -> None:
    assert children(parse("OK(b) AND (ALARM(a) OR NOT OK(b)) OR AT_LEAST(1, OK, (c, a))")) == ("b", "a", "c")


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12).filter(
    lambda name: not name.startswith("arn:")
)
LEAVES = (
    st.builds(Constant, st.booleans())
    | st.builds(In, st.sampled_from(STATES), NAMES)
    | st.lists(NAMES, min_size=1, max_size=4).flatmap(
        lambda names: st.builds(
            AtLeast,
            st.integers(1, len(names)),
            st.just(False),
            st.sampled_from(STATES),
            st.booleans(),
            st.just(tuple(names)),
        )
    )
)


def _several(kind: type[And] | type[Or], inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    """An And in an And is written with its brackets and comes back the same."""
    return st.lists(inner, min_size=2, max_size=3).map(lambda operands: kind(tuple(operands)))


RULES = st.recursive(
    LEAVES, lambda inner: st.builds(Not, inner) | _several(And, inner) | _several(Or, inner), max_leaves=12
)


@given(RULES)
def test_a_rule_comes_back_from_its_text(rule: Rule) -> None:
    assert parse(text(rule)) == rule


@given(RULES, st.dictionaries(NAMES, st.sampled_from(STATES)))
def test_a_rule_and_its_denial_are_never_both_true(rule: Rule, states: dict[str, str]) -> None:
    assert holds(rule, states) is not holds(Not(rule), states)


@given(st.text('ALRMOKNDTU()", _%2', max_size=40))
def test_any_text_is_a_rule_or_no_rule(source: str) -> None:
    with contextlib.suppress(RuleError):
        assert isinstance(children(parse(source)), tuple)
