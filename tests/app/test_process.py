"""The application as an instance runs it: a process, told by environment and user data, ended by SIGTERM."""

import asyncio
import signal
from contextlib import ExitStack
from pathlib import Path

from services.app.settings import Database
from tests.app.client import Answer, cloud_config, served
from tests.app.postgres import Postgres
from tests.eventually import eventually
from tests.init.imds import INSTANCE, Imds


async def test_four_instances_that_boot_together_apply_each_migration_once(
    database: Database, postgres: Postgres, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        instances = [
            stack.enter_context(served(tmp_path / f"root-{n}", f"i-{n}", cloud_config(database))) for n in range(4)
        ]
        await asyncio.gather(*(instance.up() for instance in instances))
        answers = await asyncio.gather(*(instance.ask("/products") for instance in instances))
        logs = "".join(instance.log.read_text() for instance in instances)
    for number, answer in enumerate(answers):
        assert isinstance(answer, Answer)
        assert (answer.status, answer.headers["x-instance-id"]) == (200, f"i-{number}")
        assert len(answer.json["products"]) == 5
    assert logs.count("applied migration 0001_products") == 1
    assert logs.count("applied migration 0002_first_products") == 1
    rows = await postgres.query(database.name, "SELECT count(*) AS applied FROM schema_migrations")
    assert rows[0]["applied"] == 2


async def test_boot_reads_what_the_user_data_wrote(tmp_path: Path) -> None:
    away = Database("127.0.0.1", 1, "shop", "shop", "s p")
    root = tmp_path / "root"
    with served(root, "i-1", cloud_config(away, version="2.0")) as instance:
        await instance.up()
        home = await instance.ask("/")
        products = await instance.ask("/products")
    assert isinstance(home, Answer)
    assert isinstance(products, Answer)
    assert (home.json["app_version"], home.json["launch_template_version"]) == ("2.0", "4")
    assert products.status == 503
    assert (root / "etc/shop/app.env").stat().st_mode & 0o777 == 0o600


async def test_an_instance_learns_who_it_is_from_its_metadata(tmp_path: Path) -> None:
    imds = Imds()
    imds.tree |= {
        "meta-data/placement/availability-zone": "us-east-1c",
        "meta-data/local-ipv4": "10.0.12.9",
        "meta-data/tags/instance/aws:ec2launchtemplate:version": "7",
        "user-data": cloud_config(Database("127.0.0.1", 1, "shop", "shop", "s p"), version="3.1"),
    }
    try:
        with served(tmp_path / "root", "i-env", metadata=imds.url) as instance:
            await instance.up()
            home = await instance.ask("/")
    finally:
        imds.close()
    assert isinstance(home, Answer)
    told = {"instance_id", "availability_zone", "private_ip", "launch_template_version", "app_version"}
    assert {name: home.json[name] for name in told} == {
        "instance_id": INSTANCE,
        "availability_zone": "us-east-1c",
        "private_ip": "10.0.12.9",
        "launch_template_version": "7",
        "app_version": "3.1",
    }


async def test_one_whose_metadata_is_switched_off_serves_all_the_same(tmp_path: Path) -> None:
    imds = Imds()
    imds.enabled = False
    try:
        with served(tmp_path / "root", "i-env", metadata=imds.url) as instance:
            await instance.up()
            assert "403: so it does not know who it is" in instance.log.read_text()
    finally:
        imds.close()


async def test_sigterm_lets_requests_in_flight_finish(tmp_path: Path) -> None:
    with served(tmp_path / "root", "i-1") as instance:
        await instance.up()
        before = await instance.ask("/")
        assert isinstance(before, Answer)
        asking = asyncio.create_task(asyncio.to_thread(instance.request, "GET", "/sleep?ms=1000"))

        async def arrived() -> int:
            answer = await instance.ask("/")
            assert isinstance(answer, Answer)
            return int(answer.json["requests"])

        # Each look counts itself, so one more than the looks is the sleeping request.
        looks = before.json["requests"]
        while (seen := await arrived()) == looks + 1:
            looks = seen
        instance.process.send_signal(signal.SIGTERM)
        answer = await asking
        code = await asyncio.to_thread(instance.process.wait, 10)
    assert (answer.status, answer.json["slept_ms"]) == (200, 1000)
    assert code in (0, -signal.SIGTERM)
    assert "Traceback" not in instance.log.read_text()


async def test_an_unreadable_configuration_does_not_stop_the_boot(tmp_path: Path) -> None:
    (tmp_path / "root/etc/shop/app.env").mkdir(parents=True)
    with served(tmp_path / "root", "i-1", "#!/bin/sh\necho hello\n") as instance:
        await instance.up()
        answer = await eventually(lambda: instance.ask("/products"), lambda answer: isinstance(answer, Answer))
        assert isinstance(answer, Answer)
    assert answer.status == 503
    assert "cannot be read" in answer.json["error"]
    assert "not run here" in instance.log.read_text()
