"""Configurations and reports as JSON and back: nothing lost, nothing else accepted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.elbv2 import config, report
from lab.core.elbv2.config import FixedResponse, Forward, HealthCheck, Listener, LoadBalancerConfig, Target, TargetGroup
from lab.core.elbv2.report import NodeReport, TargetReport

WORD = st.text("abcdefghij-/:é€", max_size=8)
PORT = st.integers(1, 65535)
SECONDS = st.floats(0.5, 4000, allow_nan=False)
CHECKS = st.builds(
    HealthCheck,
    port=st.none() | PORT,
    path=WORD,
    interval=SECONDS,
    timeout=SECONDS,
    healthy_threshold=st.integers(2, 10),
)
TARGETS = st.builds(Target, id=WORD, port=PORT, zone=WORD, host=WORD, dial_port=PORT, draining=st.booleans())
ACTIONS = st.builds(
    Forward, target_groups=st.lists(st.tuples(WORD, st.integers(0, 999)), max_size=2).map(tuple)
) | st.builds(FixedResponse, status_code=st.integers(200, 599), body=WORD)
CONFIGS = st.builds(
    LoadBalancerConfig,
    generation=st.integers(0, 10**6),
    name=WORD,
    arn=WORD,
    dns_name=WORD,
    speed=SECONDS,
    idle_timeout=SECONDS,
    client_keep_alive=SECONDS,
    listeners=st.lists(st.builds(Listener, arn=WORD, protocol=WORD, port=PORT, default_action=ACTIONS), max_size=2).map(tuple),
    target_groups=st.lists(
        st.builds(
            TargetGroup,
            arn=WORD,
            name=WORD,
            protocol=WORD,
            health_check=CHECKS,
            targets=st.lists(TARGETS, max_size=2).map(tuple),
            cross_zone=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
)  # fmt: skip
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
            requests=COUNT, errors=COUNT,
        ),
        max_size=3,
    ).map(tuple),
    counters=st.dictionaries(WORD, COUNT, max_size=3),
    response_times=st.lists(COUNT, max_size=4).map(tuple),
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
    LoadBalancerConfig(1, "n", "a", "d", 1.0, 60.0, 60.0, (Listener("l", "HTTP", 80, FixedResponse(200)),), ())
)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**GOOD, "surprise": 1},
        {key: value for key, value in GOOD.items() if key != "speed"},
        {**GOOD, "listeners": None},
        {**GOOD, "listeners": [{"arn": "l", "protocol": "HTTP", "port": 80, "default_action": {"type": "redirect"}}]},
        {**GOOD, "listeners": [{"arn": "l", "protocol": "HTTP", "port": 80, "default_action": {}}]},
        {**GOOD, "target_groups": [{}]},
        {**GOOD, "target_groups": ["x"]},
    ],
)
def test_what_is_no_configuration_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not a load balancer configuration|unknown action"):
        config.from_json(body)


@pytest.mark.parametrize(
    "body", [{}, {"targets": []}, {"targets": [{}]}, {"targets": None, "node_id": "x"}, {"targets": 5}]
)
def test_what_is_no_report_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a node report"):
        report.from_json(body)
