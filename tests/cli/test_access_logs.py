"""`lab access-logs`: which lines, in which order, and how they look; once against the real application."""

import asyncio
import gzip
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import uvicorn
from click.testing import CliRunner

from lab.adapters.own_process import own_use
from lab.api.app import create_app
from lab.cli.access_logs import access_row, connection_row, newest
from lab.cli.main import lab as command
from lab.core.elbv2.model import LoadBalancer
from lab.main import vpc_reply
from services.lb.logs.access import AccessLines
from services.lb.logs.connection import ConnectionLines
from tests.control.lab import Lab
from tests.eventually import until
from tests.lb.log_lines import CONNECTION, PLAIN

LINES = AccessLines(b"app/web/1", b"web.elb", b"10.0.0.5", 0.0)


def line(second: float) -> str:
    return LINES.line(PLAIN._replace(created=second, ended=second)).decode().rstrip()


@pytest.mark.parametrize(("count", "seconds"), [(1, [7]), (3, [5, 6, 7]), (4, [1, 5, 6, 7]), (99, [0, 1, 5, 6, 7])])
def test_the_newest_of_several_nodes(count: int, seconds: list[int]) -> None:
    files = [("T0010Z", [line(5), line(7)]), ("T0010Z", [line(6)]), ("T0005Z", [line(0), line(1)])]
    assert newest(files, count, 1) == [line(second) for second in seconds]


def test_no_more_files_are_read_than_are_needed() -> None:
    def files() -> Iterator[tuple[str, list[str]]]:
        yield "T0010Z", [line(6)]
        yield "T0005Z", [line(1), line(2)]
        yield "T0000Z", []
        raise AssertionError

    assert newest(files(), 2, 1) == [line(2), line(6)]


def test_rows() -> None:
    assert access_row(line(61.5)) == (
        "00:01:01.500  \x1b[32m200\x1b[0m 200    0.001 s  GET    http://www.example.com:80/  10.0.0.9:2817 → 10.0.1.1:80"
    )
    bad = PLAIN._replace(
        request=b"", target=b"", request_seconds=-1.0, target_seconds=-1.0, response_seconds=-1.0, elb_status=400,
        target_status=0, classification=b"Severe", classification_reason=b"BadUri",
    )  # fmt: skip
    assert access_row(LINES.line(bad).decode()).endswith(
        "\x1b[33m400\x1b[0m   -          –  -      http://www.example.com:80-  10.0.0.9:2817 → -  Severe BadUri"
    )
    lines = ConnectionLines(b"app/web/1", b"10.0.0.5", 0.0)
    assert connection_row(lines.line(CONNECTION._replace(subject=b"CN=a b")).decode()) == (
        "00:01:40.250  10.0.0.9:64326 → :443  TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 in 0.337 s  CN=a b  Success"
    )


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A lab with the default stack, and its application on a port."""

    async def made() -> Lab:
        lab = Lab()
        lab.create_stack()
        return await lab.up()

    lab = asyncio.run(made())
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(lab.world, lab.loop, lab.stacks.call, "simulated", own_use, vpc_reply(lab.world)),
            port=0,
            log_level="error",
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, 20)
    monkeypatch.setenv("LAB_API_PORT", str(server.servers[0].sockets[0].getsockname()[1]))
    yield lab
    server.should_exit = True
    thread.join()


def test_it_says_how_to_switch_logs_on(served: Lab) -> None:
    done = CliRunner().invoke(command, ["access-logs"])
    assert done.exit_code == 1
    assert "modify-load-balancer-attributes" in done.output
    assert "connection_logs.s3.enabled" in CliRunner().invoke(command, ["access-logs", "--connection"]).output


def test_it_finds_what_nodes_delivered(served: Lab) -> None:
    [balancer] = served.store.all(LoadBalancer)
    logs = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs", "access_logs.s3.prefix": "shop"}
    served.store.put(replace(balancer, attributes={**balancer.attributes, **logs}))
    served.buckets.create("logs")
    runner = CliRunner()
    empty = runner.invoke(command, ["access-logs"])
    assert (empty.exit_code, "nothing has been delivered yet" in empty.output) == (0, True)
    day = datetime.now(UTC)
    short = balancer.short_name.replace("/", ".")
    folder = f"shop/AWSLogs/123456789012/elasticloadbalancing/us-east-1/{day:%Y/%m/%d}"
    stem = f"{folder}/123456789012_elasticloadbalancing_us-east-1_{short}_{day:%Y%m%d}"
    for name, seconds in (("T0005Z_10.0.0.5_a", [0, 2]), ("T0010Z_10.0.0.5_b", [4, 6]), ("T0010Z_10.0.1.5_c", [5])):
        body = gzip.compress("".join(f"{line(second)}\n" for second in seconds).encode())
        served.buckets.put("logs", f"{stem}{name}.log.gz", body)
    served.buckets.put("logs", f"{folder}/conn_log_123456789012_x_T0010Z_10.0.0.5_d.log.gz", b"not ours")
    served.buckets.put("logs", "shop/AWSLogs/123456789012/ELBAccessLogTestFile", b"nor this")
    done = runner.invoke(command, ["access-logs", "--raw", "--last", "4"])
    assert (done.exit_code, done.output.splitlines()) == (0, [line(second) for second in (2, 4, 5, 6)])
    assert len(runner.invoke(command, ["access-logs"]).output.splitlines()) == 5
