"""Configurations and reports as JSON and back: nothing lost, nothing else accepted."""

import dataclasses
import json
import typing
from types import NoneType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.elbv2 import config, report
from lab.core.elbv2.config import Listener, LoadBalancerConfig
from lab.core.elbv2.report import GroupReport, NodeReport, TargetReport
from lab.core.elbv2.rules import FixedResponse, default_rule

WORD = st.text("abcdefghij-/:é€", max_size=8)
SECONDS = st.floats(0.5, 4000, allow_nan=False)
PARTS: dict[Any, st.SearchStrategy[Any]] = {str: WORD, float: SECONDS, int: st.integers(0, 10**6), bool: st.booleans()}


def documents(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of the type, made from its annotations: a field that is added later is tried, too."""
    if kind not in PARTS:
        PARTS[kind] = _documents(kind)
    return PARTS[kind]


def _documents(kind: Any) -> st.SearchStrategy[Any]:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{field.name: documents(hints[field.name]) for field in dataclasses.fields(kind)})
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(documents(inner[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(documents, inner))
    if kind is NoneType:
        return st.none()
    return st.one_of(*map(documents, inner))


CONFIGS = documents(LoadBalancerConfig)
PORT = st.integers(1, 65535)
COUNT = st.integers(0, 2**40)
REPORTS = st.builds(
    NodeReport,
    node_id=WORD,
    boot_id=WORD,
    zone=WORD,
    applied=COUNT,
    targets=st.lists(
        st.builds(
            TargetReport,
            target_group_arn=WORD, id=WORD, port=PORT, state=WORD, reason=WORD, description=WORD, in_flight=COUNT,
            requests=COUNT, errors=COUNT, bytes_in=COUNT, bytes_out=COUNT, anomalous=st.booleans(), mitigated=st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    counters=st.dictionaries(WORD, COUNT, max_size=3),
    groups=st.lists(
        st.builds(
            GroupReport,
            target_group_arn=WORD, counters=st.dictionaries(WORD, COUNT, max_size=3),
            response_times=st.lists(st.tuples(COUNT, COUNT), max_size=4).map(tuple), response_microseconds=COUNT,
        ),
        max_size=2,
    ).map(tuple),
    active_connections=COUNT,
    metrics_at=WORD,
    rejected=COUNT,
    rejected_why=WORD,
)  # fmt: skip


@given(CONFIGS)
def test_a_configuration_survives_json(document: LoadBalancerConfig) -> None:
    back = config.from_json(json.loads(json.dumps(config.to_json(document))))
    assert back == document
    assert back.content_hash == document.content_hash


@given(REPORTS)
def test_a_report_survives_json(heard: NodeReport) -> None:
    assert report.from_json(json.loads(json.dumps(report.to_json(heard)))) == heard


GOOD: dict[str, Any] = config.to_json(
    LoadBalancerConfig(1, "n", "a", "d", 1.0, (Listener("l", "HTTP", 80, (default_rule(FixedResponse(200)),)),), ())
)


def with_rule(**changes: Any) -> dict[str, Any]:
    [listener] = GOOD["listeners"]
    [rule] = listener["rules"]
    return {**GOOD, "listeners": [{**listener, "rules": [{**rule, **changes}]}]}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "lacks generation, name"),
        ({**GOOD, "surprise": 1}, "has no surprise"),
        ({key: value for key, value in GOOD.items() if key != "speed"}, "lacks speed"),
        ({**GOOD, "listeners": None}, "listeners must be a list"),
        ({**GOOD, "generation": "1"}, "generation must be of type int, not '1'"),
        ({**GOOD, "generation": True}, "generation must be of type int, not True"),
        (with_rule(action={"type": "teapot"}), "unknown type 'teapot'"),
        (with_rule(action={}), "unknown type None"),
        (with_rule(action=5), "unknown type None"),
        (with_rule(conditions=[{"type": "forward", "target_groups": []}]), "unknown type 'forward'"),
        ({**GOOD, "target_groups": [{}]}, r"target_groups\[0\] lacks arn"),
        ({**GOOD, "target_groups": ["x"]}, "must be an object"),
    ],
)
def test_what_is_no_configuration_is_refused(body: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        config.from_json(body)


@pytest.mark.parametrize(
    "body", [{}, {"targets": []}, {"targets": [{}]}, {"targets": None, "node_id": "x"}, {"targets": 5}]
)
def test_what_is_no_report_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a node report"):
        report.from_json(body)
