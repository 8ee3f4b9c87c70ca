"""Route 53 through boto3 as it is: rest-xml, paginators, waiters, errors."""

import asyncio
from typing import Any

from botocore.exceptions import ClientError

from tests.api.served import boto_client, serving
from tests.control.lab import Lab


def ask(route53: Any) -> dict[str, Any]:
    made = route53.create_hosted_zone(Name="shop.lab", CallerReference="1", HostedZoneConfig={"Comment": "é <&>"})
    zone = made["HostedZone"]["Id"]
    sets = [
        {
            "Name": f"w{number}.shop.lab",
            "Type": "A",
            "TTL": 60,
            "ResourceRecords": [{"Value": f"10.0.{number // 256}.{number % 256}"}],
        }
        for number in range(350)
    ]
    changes = [{"Action": "UPSERT", "ResourceRecordSet": one} for one in sets]
    change = route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Comment": "all", "Changes": changes})
    route53.get_waiter("resource_record_sets_changed").wait(Id=change["ChangeInfo"]["Id"])
    check = route53.create_health_check(
        CallerReference="1", HealthCheckConfig={"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 80}
    )
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, AddTags=[{"Key": "a", "Value": "<1>"}])
    error = {}
    try:
        route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": sets[0]}]}
        )
    except ClientError as caught:
        error = caught.response
    return {
        "zone": route53.get_hosted_zone(Id=zone),
        "location": made["Location"],
        "zones": route53.list_hosted_zones_by_name()["HostedZones"],
        "names": [
            one["Name"]
            for page in route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
            for one in page["ResourceRecordSets"]
        ],
        "check": route53.get_health_check(HealthCheckId=check["HealthCheck"]["Id"])["HealthCheck"],
        "tags": route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone.rpartition("/")[2]),
        "error": error,
    }


async def test_boto3_works_with_hosted_zones_and_health_checks() -> None:
    lab = Lab()
    async with serving(lab) as port:
        route53 = await asyncio.to_thread(boto_client, port, "route53")
        found = await asyncio.to_thread(ask, route53)
        route53.close()
    zone = found["zone"]["HostedZone"]
    assert (zone["Name"], zone["Config"]["Comment"], zone["ResourceRecordSetCount"]) == ("shop.lab.", "é <&>", 352)
    assert found["location"].endswith(zone["Id"])
    assert [one["Id"] for one in found["zones"]] == [zone["Id"]]
    assert len(found["names"]) == 352
    assert set(found["names"]) == {"shop.lab.", *(f"w{number}.shop.lab." for number in range(350))}
    assert (found["check"]["HealthCheckConfig"]["Port"], found["check"]["HealthCheckVersion"]) == (80, 1)
    assert found["tags"]["ResourceTagSet"]["Tags"] == [{"Key": "a", "Value": "<1>"}]
    assert found["error"]["Error"]["Code"] == "InvalidChangeBatch"
    assert "[name='w0.shop.lab.', type='A'] but it already exists]" in found["error"]["Error"]["Message"]
    assert found["error"]["ResponseMetadata"]["HTTPStatusCode"] == 400
