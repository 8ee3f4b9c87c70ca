"""Health checks that run: tried when due, in lab time, and what their tries change."""

from typing import Any

from lab.core.cloudwatch.metric import Metric
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.route53.checks import is_healthy
from lab.core.route53.model import HealthCheck
from tests.control.lab import TICK, Lab

ENDPOINT = {"Type": "HTTP", "IPAddress": "192.0.2.1", "Port": 80, "RequestInterval": 10}
PLACE = "192.0.2.1:80"


def check(lab: Lab, **config: Any) -> str:
    made = lab.call("route53", "CreateHealthCheck", CallerReference=str(len(lab.store.all(HealthCheck))),
                    HealthCheckConfig=config or ENDPOINT)  # fmt: skip
    return str(made["HealthCheck"]["Id"])


def row(lab: Lab, identity: str) -> HealthCheck:
    found = lab.store.get(HealthCheck, identity)
    assert found is not None
    return found


async def test_an_endpoint_is_tried_at_once_and_then_in_its_interval() -> None:
    lab = Lab()
    check(lab)
    await lab.tick()
    assert len(lab.prober.tried) == 1
    await lab.run(20 * TICK)
    assert len(lab.prober.tried) == 1 + 10  # every ten seconds, at turns five seconds apart


async def test_it_turns_after_three_failures_in_a_row_and_back_after_three_successes() -> None:
    lab = Lab()
    identity = check(lab)
    await lab.run(TICK)
    assert (row(lab, identity).healthy, row(lab, identity).report) == (True, "Success: HTTP Status Code 200, OK")
    lab.prober.down.add(PLACE)
    tries = len(lab.prober.tried)
    await lab.until(lambda: not is_healthy(lab.store, row(lab, identity)))
    assert len(lab.prober.tried) - tries == 3
    assert "within the timeout limit" in row(lab, identity).report
    lab.prober.down.clear()
    tries = len(lab.prober.tried)
    await lab.until(lambda: is_healthy(lab.store, row(lab, identity)))
    assert len(lab.prober.tried) - tries == 3
    [seen] = lab.call("route53", "GetHealthCheckLastFailureReason", HealthCheckId=identity)["HealthCheckObservations"]
    assert "within the timeout limit" in seen["StatusReport"]["Status"]
    assert seen["StatusReport"]["CheckedTime"].timestamp() < lab.clock.now()


async def test_an_endpoint_that_stays_as_it_is_costs_no_write() -> None:
    lab = Lab()
    check(lab)
    await lab.run(2 * TICK)
    revision = lab.store.revision(HealthCheck)
    await lab.run(40 * TICK)
    assert lab.store.revision(HealthCheck) == revision


async def test_a_restart_forgets_how_many_but_not_the_health() -> None:
    lab = Lab()
    identity = check(lab)
    lab.prober.down.add(PLACE)
    await lab.until(lambda: row(lab, identity).healthy is False)
    await lab.restart()
    tries = len(lab.prober.tried)
    await lab.tick()
    assert len(lab.prober.tried) == tries + 1  # at once
    assert row(lab, identity).healthy is False
    lab.prober.down.clear()
    await lab.until(lambda: row(lab, identity).healthy)


async def test_a_disabled_check_is_not_tried_and_one_that_has_gone_is_forgotten() -> None:
    lab = Lab()
    identity = check(lab, **ENDPOINT, Disabled=True)
    gone = check(lab, **{**ENDPOINT, "IPAddress": "192.0.2.2"})
    lab.call("route53", "DeleteHealthCheck", HealthCheckId=gone)
    await lab.run(10 * TICK)
    assert lab.prober.tried == []
    lab.call("route53", "UpdateHealthCheck", HealthCheckId=identity, Disabled=False)
    await lab.tick()
    assert len(lab.prober.tried) == 1


async def test_a_check_that_goes_while_it_is_tried_leaves_nothing() -> None:
    lab = Lab()
    identity = check(lab)
    await lab.loop.turn()  # which begins the try
    lab.call("route53", "DeleteHealthCheck", HealthCheckId=identity)
    await lab.loop.health_checks.settle()
    assert lab.store.all(HealthCheck) == []


async def test_a_name_is_resolved_at_every_try() -> None:
    lab = Lab()
    identity = check(lab, Type="HTTP", FullyQualifiedDomainName="www.shop.lab", RequestInterval=10)
    await lab.tick()
    assert "DNS response error code REFUSED" in row(lab, identity).report
    zone = lab.call("route53", "CreateHostedZone", Name="shop.lab", CallerReference="1")["HostedZone"]["Id"]
    await lab.run(3 * TICK)
    assert "DNS response error code NXDOMAIN" in row(lab, identity).report
    put(lab, zone, "TXT", '"x"')
    await lab.run(3 * TICK)
    assert "www.shop.lab. has no address" in row(lab, identity).report
    put(lab, zone, "A", "192.0.2.7")
    await lab.until(lambda: row(lab, identity).healthy)
    assert (lab.prober.tried[-1].host, lab.prober.tried[-1].name) == ("192.0.2.7", "www.shop.lab")


async def test_a_check_follows_its_alarm() -> None:
    lab = Lab()
    lab.call("cloudwatch", "PutMetricAlarm", AlarmName="a", Namespace="x", MetricName="y", Statistic="Sum", Period=60,
             EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
             Dimensions=[{"Name": "a", "Value": "b"}])  # fmt: skip
    identity = check(lab, Type="CLOUDWATCH_METRIC", AlarmIdentifier={"Region": "us-east-1", "Name": "a"})
    lab.call("cloudwatch", "PutMetricData", Namespace="x",
             MetricData=[{"MetricName": "y", "Value": 5.0, "Dimensions": [{"Name": "a", "Value": "b"}]}])  # fmt: skip
    await lab.until(lambda: row(lab, identity).healthy is False)
    lab.call("cloudwatch", "DeleteAlarms", AlarmNames=["a"])
    await lab.run(2 * TICK)
    assert row(lab, identity).healthy is False  # as last known


async def test_a_balancers_nodes_are_dialled_where_they_are() -> None:
    lab = Lab()
    lab.create_stack()
    await lab.up()
    [balancer] = lab.call("elbv2", "DescribeLoadBalancers")["LoadBalancers"]
    identity = check(lab, Type="HTTP", FullyQualifiedDomainName=balancer["DNSName"])
    await lab.until(lambda: row(lab, identity).healthy)
    probe = lab.prober.tried[-1]
    assert (probe.host, probe.name) == ("127.0.0.1", balancer["DNSName"])
    assert probe.port in (8080, 8081, 8082)


async def test_a_checks_metrics_make_an_alarm_possible() -> None:
    lab = Lab()
    identity = check(lab)
    inverted = check(lab, **{**ENDPOINT, "IPAddress": "192.0.2.2"}, Inverted=True)
    lab.call("cloudwatch", "PutMetricAlarm", AlarmName="down", Namespace="AWS/Route53", MetricName="HealthCheckStatus",
             Dimensions=[{"Name": "HealthCheckId", "Value": identity}], Statistic="Minimum", Period=60, EvaluationPeriods=1,
             Threshold=1.0, ComparisonOperator="LessThanThreshold")  # fmt: skip
    await lab.until(lambda: alarm_state(lab) == "OK")
    lab.prober.down.add(PLACE)
    await lab.until(lambda: alarm_state(lab) == "ALARM")
    for one, status, share in ((identity, 0.0, 0.0), (inverted, 0.0, 100.0)):
        for name, value in (("HealthCheckStatus", status), ("HealthCheckPercentageHealthy", share)):
            metric = Metric("AWS/Route53", name, (("HealthCheckId", one),))
            found = lab.metrics.statistics(metric, lab.metrics.newest(metric), 60)
            assert found is not None
            assert found.get("Minimum") == value


def alarm_state(lab: Lab) -> str:
    [alarm] = lab.store.all(MetricAlarm)
    return alarm.state


def put(lab: Lab, zone: str, kind: str, value: str) -> None:
    one = {"Name": "www.shop.lab", "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    changes = [{"Action": "UPSERT", "ResourceRecordSet": one}]
    lab.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": changes})
