"""A request's entry on its way: a node's list, its spool, the control plane, a bucket, and an SDK that reads it there."""

import asyncio
import gzip
import random
import time
from dataclasses import replace
from pathlib import Path

from lab.core.elbv2.model import LoadBalancer
from services.lb.logs.delivery import Delivery
from services.lb.logs.logs import Logs
from services.lb.logs.spool import Spool
from services.lb.node.control import ControlPlane
from tests.api.served import boto_client, serving
from tests.control.lab import Lab
from tests.lb.log_lines import ATHENA, PLAIN
from tests.lb.log_site import config


async def test_from_a_request_to_an_object(tmp_path: Path) -> None:
    lab = Lab()
    lab.create_stack()
    await lab.up()
    [balancer] = lab.store.all(LoadBalancer)
    attributes = {**balancer.attributes, "access_logs.s3.bucket": "logs"}
    lab.store.put(replace(balancer, attributes=attributes))
    lab.world.context(0.0).prepare_log_bucket("logs", "")
    node = balancer.nodes[0]

    spool = Spool(tmp_path)
    logs = Logs(
        spool,
        node.private_ip_address,
        clock=time.monotonic,
        wall_clock=time.time,
        random_bytes=lambda size: bytes(range(size)),
    )
    logs.configure(replace(config(), name=balancer.short_name, arn=balancer.arn))
    logs.start()
    for _ in range(500):
        assert logs.access is not None
        logs.add(logs.access.line(PLAIN._replace(created=time.monotonic(), ended=time.monotonic())))
        logs.flush()
    await logs.stop()
    assert logs.dropped == 0

    async with serving(lab) as port:
        delivery = Delivery(spool, ControlPlane("127.0.0.1", port, node.token), node.node_id, random.Random(1))
        await delivery.deliver()
        assert (delivery.delivered, delivery.refused, spool.ready()) == (1, 0, [])
        await delivery.finish(1.0)
        body = await asyncio.to_thread(read, port, node.private_ip_address)
    lines = gzip.decompress(body).decode().splitlines()
    assert len(lines) == 500
    assert all(ATHENA.fullmatch(line) for line in lines)


def read(port: int, address: str) -> bytes:
    """The one log file, found as people do: by the folders."""
    s3 = boto_client(port)
    prefix = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/"
    for _ in range(3):
        [folder] = s3.list_objects_v2(Bucket="logs", Prefix=prefix, Delimiter="/")["CommonPrefixes"]
        prefix = folder["Prefix"]
    [row] = s3.list_objects_v2(Bucket="logs", Prefix=prefix)["Contents"]
    assert row["Key"].endswith(f"Z_{address}_abcdefgh.log.gz")
    body: bytes = s3.get_object(Bucket="logs", Key=row["Key"])["Body"].read()
    s3.close()
    return body
