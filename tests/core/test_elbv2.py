"""Load balancers: rows compiled into a document, a target's health from what nodes say, when a target has drained."""

from dataclasses import replace

import pytest

from lab.core.elbv2.check import problems
from lab.core.elbv2.compile import compile_config
from lab.core.elbv2.config import LoadBalancerConfig, Target
from lab.core.elbv2.model import LoadBalancer, Registration
from lab.core.elbv2.report import NodeReport, TargetReport
from lab.core.elbv2.rules import FixedResponse, Forward, default_rule
from lab.core.elbv2.target_health import Health, invalid, is_drained, target_health
from tests.core.rows import NOW, TG, A, balancer, instance, listener, registration, target_group

ONE = registration("1")
DRAINS = registration("1", deregistered_at=NOW)


def compiled(
    owner: LoadBalancer | None = None, *registrations: Registration, state: str = "running", **endpoints: str
) -> LoadBalancerConfig:
    found = instance("1", state=state, endpoints=endpoints.get("endpoints", {}))
    return compile_config(
        owner or balancer(), [listener()], [], [target_group()], registrations, {"i-1": found}, 20.0, 7
    )


def test_the_document_holds_everything() -> None:
    document = compiled(None, ONE)
    assert problems(document) == []
    assert (document.generation, document.name, document.arn, document.speed) == (7, "app/web/1", "arn:lb", 20.0)
    assert (document.attributes.idle_timeout, document.attributes.client_keep_alive) == (60.0, 3600.0)
    [heard], [group] = document.listeners, document.target_groups
    assert heard.default_action == Forward(((TG, 1),))
    assert (group.health_check.path, group.health_check.port, group.health_check.interval) == ("/health", None, 10.0)
    assert group.targets == (Target("i-1", 8000, A, "10.0.10.4", 8000, draining=False),)


def test_a_target_is_dialled_at_its_endpoint() -> None:
    found = instance("1", endpoints={"8000": "127.0.0.1:40001"})
    document = compile_config(balancer(), [listener()], [], [target_group()], [ONE], {"i-1": found}, 1.0, 1)
    [target] = document.target_groups[0].targets
    assert (target.port, target.host, target.dial_port) == (8000, "127.0.0.1", 40001)


@pytest.mark.parametrize("state", ["pending", "stopped", "shutting-down", "terminated"])
def test_targets_that_do_not_run_are_left_out(state: str) -> None:
    assert compiled(None, ONE, state=state).target_groups[0].targets == ()


def test_targets_without_an_instance_are_left_out() -> None:
    assert compiled(None, registration("9")).target_groups[0].targets == ()


def test_a_deregistered_target_drains() -> None:
    assert compiled(None, DRAINS).target_groups[0].targets[0].draining


def test_a_fixed_response_and_a_health_check_port() -> None:
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "no"}}
    group = target_group(health_check={**target_group().health_check, "HealthCheckPort": "9000"})
    document = compile_config(balancer(), [listener(81, **fixed)], [], [group], [], {}, 1.0, 1)
    assert document.listeners[0].default_action == FixedResponse(404, "text/plain", "no")
    assert document.target_groups[0].health_check.port == 9000


def test_the_same_rows_give_the_same_hash_whatever_the_generation() -> None:
    assert compiled(None, ONE).content_hash == replace(compiled(None, ONE), generation=8).content_hash
    assert compiled(None, ONE).content_hash != compiled(None, DRAINS).content_hash


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda d: replace(d, target_groups=()), "does not hold"),
        (lambda d: replace(d, target_groups=d.target_groups * 2), "same ARN"),
        (lambda d: replace(d, listeners=d.listeners * 2), "same port"),
        (lambda d: replace(d, speed=0.0), "speed"),
        (lambda d: replace(d, listeners=(replace(d.listeners[0], port=0),)), "ports are 1 to 65535"),
        (lambda d: replace(d, listeners=(replace(d.listeners[0], rules=(default_rule(Forward(())),)),)), "no target group"),
        (
            lambda d: replace(
                d, target_groups=(replace(d.target_groups[0], targets=d.target_groups[0].targets * 2),)
            ),
            "lists a target twice",
        ),
    ],
)  # fmt: skip
def test_a_document_that_is_not_sound_says_why(change: object, word: str) -> None:
    assert callable(change)
    [problem] = problems(change(compiled(None, ONE)))
    assert word in problem


# Health (aws-facts §2.2).


def report(state: str = "", node: int = 0, applied: int = 7, in_flight: int = 0, target: str = "i-1") -> NodeReport:
    rows = (TargetReport(TG, target, 8000, state, "R" if state != "healthy" else "", "", in_flight),) if state else ()
    return NodeReport(f"lb-{node}", "boot", A, applied, rows, {})


@pytest.mark.parametrize(
    ("votes", "state"),
    [
        (["healthy"], "healthy"),
        (["initial"], "initial"),
        (["unhealthy"], "unhealthy"),
        (["healthy", "unhealthy"], "healthy"),  # a tie goes to the better
        (["initial", "unhealthy"], "initial"),
        (["healthy", "initial"], "healthy"),
        (["unhealthy", "unhealthy", "healthy"], "unhealthy"),
        (["healthy", ""], "healthy"),
        (["draining", "unhealthy"], "unhealthy"),  # a node that is behind has no vote
    ],
)
def test_most_nodes_decide(votes: list[str], state: str) -> None:
    assert target_health(ONE, None, [row for vote in votes for row in report(vote).targets]).state == state


def test_one_node_is_enough_for_an_anomaly() -> None:
    [row] = report("healthy").targets
    assert target_health(ONE, None, [row, replace(row, anomalous=True, mitigated=True)])[3:] == (True, True)
    assert target_health(ONE, None, [row, row])[3:] == (False, False)


@pytest.mark.parametrize(
    ("one", "unusable", "reports", "zone", "wanted"),
    [
        (DRAINS, None, [report("healthy")], True,
         Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")),
        (ONE, invalid("stopped"), [report("healthy")], True,
         Health("unused", "Target.InvalidState", "Target is in the stopped state")),
        (ONE, invalid(""), [], True, Health("unused", "Target.InvalidState", "Target is in the terminated state")),
        (ONE, None, None, True,
         Health("unused", "Target.NotInUse",
                "Target group is not configured to receive traffic from the load balancer")),
        (ONE, None, [report("healthy")], False,
         Health("unused", "Target.NotInUse",
                "Target is in an Availability Zone that is not enabled for the load balancer")),
        (ONE, None, [], True,
         Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")),
        (ONE, None, [report("unhealthy")], True, Health("unhealthy", "R", "")),
        (ONE, None, [report("healthy")], True, Health("healthy")),
    ],
)  # fmt: skip
def test_health_in_awss_words(
    one: Registration, unusable: Health | None, reports: list[NodeReport] | None, zone: bool, wanted: Health
) -> None:
    said = None if reports is None else [row for report in reports for row in report.targets]
    assert target_health(one, unusable, said, zone_enabled=zone) == wanted


@pytest.mark.parametrize(
    ("one", "age", "reports", "drained"),
    [
        (ONE, 0, [report("draining")], False),  # it was not deregistered
        (DRAINS, 0, [report("draining")], True),
        (DRAINS, 0, [report("draining", in_flight=1)], False),
        (DRAINS, 59, [report("draining", in_flight=1)], False),
        (DRAINS, 60, [report("draining", in_flight=1)], True),  # the delay has passed
        (DRAINS, 0, [report("draining", applied=6)], False),  # a node does not know yet
        (DRAINS, 0, [report("draining"), report("draining", 1, in_flight=1)], False),
        (DRAINS, 0, [report("draining"), report("draining", 1)], True),
        (DRAINS, 0, [report("draining", in_flight=1, target="i-2")], True),  # another's request
        (DRAINS, 0, [], True),  # every node is dead
        (DRAINS, 0, None, False),  # nobody knows
        (DRAINS, 60, None, True),
    ],
)
def test_drained(one: Registration, age: int, reports: list[NodeReport] | None, drained: bool) -> None:
    assert is_drained(one, 60.0, reports, 7, NOW + age) is drained
