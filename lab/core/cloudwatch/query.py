"""Queries of metric data: statistics of metrics, and expressions over them (cw: GetMetricData, PutMetricAlarm; metric math).

All of one evaluation has one period and one row of starts. What a query refers to may stand before or after it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from lab.core.cloudwatch.expressions import (
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
from lab.core.cloudwatch.functions import call
from lab.core.cloudwatch.metric import Metric, MetricDataQuery, Statistics
from lab.core.cloudwatch.series import Series, TypeMismatch, Value, combine, negate, type_name
from lab.core.errors import ValidationError

Read: TypeAlias = Callable[[Metric, float, int, str], Statistics | None]
"""All data of a metric in [start, start + period) in a unit ("": in any), None when there is none."""


def evaluate(
    queries: Sequence[MetricDataQuery], read: Read, starts: Sequence[float], period: int
) -> Mapping[str, Series]:
    """By id, the series of every query that returns data. Raises ValidationError, also where one is an array of series."""
    found = {}
    for name, several in results(queries, read, starts, period).items():
        if not isinstance(several, Series):
            raise ValidationError(
                f"Error in expression '{name}': the result is TS[]; it must be a single time series (TS)"
            )
        found[name] = several
    return found


def results(
    queries: Sequence[MetricDataQuery], read: Read, starts: Sequence[float], period: int
) -> Mapping[str, Series | tuple[Series, ...]]:
    """By id, what every query that returns data gives. Raises ValidationError."""
    evaluation = _Evaluation(queries, read, tuple(starts), period)
    return {query.id: evaluation.result(query) for query in queries if query.return_data}


def check(queries: Sequence[MetricDataQuery]) -> None:
    """Whether the queries can be evaluated, whatever the data. Raises ValidationError."""
    evaluation = _Evaluation(queries, lambda *_: None, (), 60)
    for query in queries:
        evaluation.result(query)


def periods(queries: Sequence[MetricDataQuery]) -> Mapping[str, int]:
    """By id: of a metric its own; of an expression what it asks for, else the longest of all it rests on (AWS publishes no
    rule for metrics of different periods), else a minute. Raises ValidationError."""
    found: dict[str, int] = {}
    by_id = {query.id: query for query in queries}
    named = _references(queries)
    for name in _order(named):
        query = by_id[name]
        if query.metric_stat is not None:
            found[name] = query.metric_stat.period
        else:
            longest = max((found[other] for other in named[name]), default=60)
            found[name] = longest if query.period is None else query.period
    return found


def _references(queries: Sequence[MetricDataQuery]) -> dict[str, tuple[str, ...]]:
    """By id, the ids an expression names, METRICS taken as the ids it stands for. Raises ValidationError."""
    known = {query.id for query in queries}
    return {query.id: () if query.metric_stat is not None else _named(query, queries, known) for query in queries}


def _named(query: MetricDataQuery, queries: Sequence[MetricDataQuery], known: set[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for node in _walk(_tree(query)):
        match node:
            case Reference(name, at):
                if name not in known:
                    raise _error(query, ExpressionError(at, f"there is no metric or expression with the id '{name}'"))
                found[name] = None
            case Call("METRICS", arguments, _):
                found.update(dict.fromkeys(other.id for other in _metrics(queries, arguments)))
    return tuple(found)


_parse = lru_cache(maxsize=4096)(parse)


def _tree(query: MetricDataQuery) -> Node:
    try:
        return _parse(query.expression)
    except ExpressionError as error:
        raise _error(query, error) from None


def _error(query: MetricDataQuery, error: ExpressionError) -> ValidationError:
    return ValidationError(f"Error in expression '{query.id}': {error.sentence} (position {error.at + 1})")


def _walk(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        match one:
            case Array(items, _):
                waiting += reversed(items)
            case Call(_, arguments, _):
                waiting += reversed(arguments)
            case Negation(operand, _):
                waiting.append(operand)
            case Binary(_, left, right, _):
                waiting += (right, left)


def _metrics(queries: Sequence[MetricDataQuery], arguments: tuple[Node, ...]) -> list[MetricDataQuery]:
    """The metrics of the request, those with the text in their id when there is one."""
    part = arguments[0].value if arguments and isinstance(arguments[0], Text) else ""
    return [query for query in queries if query.metric_stat is not None and part in query.id]


def _order(references: Mapping[str, Iterable[str]]) -> list[str]:
    """Ids so that each comes after those it refers to."""
    try:
        return list(TopologicalSorter(references).static_order())
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise ValidationError(f"Error in expression '{error.args[1][0]}': it refers to itself: {circle}") from None


class _Evaluation:
    """Values by id, each made once and when it is asked for."""

    def __init__(self, queries: Sequence[MetricDataQuery], read: Read, starts: tuple[float, ...], period: int) -> None:
        self._queries = queries
        self._by_id = {query.id: query for query in queries}
        self._read = read
        self._starts = starts
        self._period = period
        self._values: dict[str, Series | tuple[Series, ...]] = {}
        self._references = _references(queries)
        self._order = _order(self._references)

    def result(self, query: MetricDataQuery) -> Series | tuple[Series, ...]:
        for name in self._needed(query):
            if name not in self._values:
                self._values[name] = self._evaluated(self._by_id[name])
        return self._values[query.id]

    def _needed(self, query: MetricDataQuery) -> list[str]:
        """The query and all it rests on, in an order in which each can be evaluated."""
        needed, waiting = {query.id}, [query.id]
        while waiting:
            for name in self._references[waiting.pop()]:
                if name not in needed:
                    needed.add(name)
                    waiting.append(name)
        return [name for name in self._order if name in needed]

    def _evaluated(self, query: MetricDataQuery) -> Series | tuple[Series, ...]:
        if query.metric_stat is not None:
            return self._measured(query)
        try:
            value = self._value(_tree(query))
            match value:
                case Series():
                    return replace(value, label=query.label or query.id)
                case tuple():
                    return tuple(replace(one, label=f"{query.label} {one.label}".strip()) for one in value)
        except ExpressionError as error:
            raise _error(query, error) from None
        raise ValidationError(
            f"Error in expression '{query.id}': the result is {type_name(value)}; it must be a time series (TS) or an array"
            " of them (TS[])"
        )

    def _measured(self, query: MetricDataQuery) -> Series:
        stat = query.metric_stat
        assert stat is not None
        found = (self._read(stat.metric, start, self._period, stat.unit) for start in self._starts)
        values = tuple(None if one is None else one.get(stat.statistic) for one in found)
        return Series(self._starts, values, query.label or stat.metric.name)

    def _value(self, node: Node) -> Value:
        """A chain of operators is as long as it likes: it is walked, not descended into."""
        chain = []
        while isinstance(node, Binary):
            chain.append(node)
            node = node.left
        value = self._operand(node)
        for link in reversed(chain):
            right = self._value(link.right)
            try:
                value = combine(link.operator, value, right)
            except TypeMismatch as error:
                raise ExpressionError(link.at, str(error)) from None
        return value

    def _operand(self, node: Node) -> Value:
        match node:
            case Number(value, _) | Text(value, _) | Word(value, _):
                return value
            case Reference(name, _):
                return self._values[name]
            case Array(items, _):
                return self._array(items)
            case Call("METRICS", arguments, at):
                if len(arguments) > 1 or not all(isinstance(argument, Text) for argument in arguments):
                    raise ExpressionError(at, "METRICS takes () or a string in quotes")
                return self._array([Reference(query.id, at) for query in _metrics(self._queries, arguments)])
            case Call("PERIOD", arguments, at):
                return self._metric_period(arguments, at)
        try:
            match node:
                case Negation(operand, _):
                    return negate(self._value(operand))
                case Call(name, arguments, _):
                    return call(name, [self._value(argument) for argument in arguments], self._starts)
        except TypeMismatch as error:
            raise ExpressionError(node.at, str(error)) from None
        raise AssertionError(node)

    def _array(self, items: Sequence[Node]) -> tuple[Series, ...]:
        found: list[Series] = []
        for item in items:
            value = self._value(item)
            match value:
                case Series():
                    found.append(value)
                case tuple():
                    found.extend(value)
                case _:
                    raise ExpressionError(item.at, f"an array holds TS or TS[], not {type_name(value)}")
        return tuple(found)

    def _metric_period(self, arguments: tuple[Node, ...], at: int) -> float:
        match arguments:
            case (Reference(name, _),) if self._by_id[name].metric_stat is not None:
                return float(self._period)
        raise ExpressionError(at, "PERIOD takes the id of a metric")
