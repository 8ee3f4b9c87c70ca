"""Boot as an instance does: learn who it is, carry out the user data, read the configuration it left, serve.

Nothing here waits for the database: an instance must be able to say that it is up, and that its database is not.
"""

import base64
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import uvicorn

from services.app import user_data
from services.app.settings import APP_ENV, Machine, Settings, parse_env_file, settings_from
from services.app.web import create_app
from services.init.metadata import Metadata, NoMetadata

KEEP_ALIVE = 75
"""Seconds an idle connection stays open: longer than a balancer keeps one in its pool (ALB: 60), so that it is the
balancer that closes it and no request meets a connection that is just being closed."""

GRACE = 10
"""Seconds that requests in flight get after SIGTERM."""


def learn(environment: Mapping[str, str]) -> Machine:
    """From the metadata service that LAB_METADATA names, else from the environment."""
    machine = Machine.from_environment(environment)
    if not environment.get("LAB_METADATA"):
        return machine
    try:
        metadata = Metadata(environment["LAB_METADATA"])
        return replace(
            machine,
            instance_id=metadata.text("meta-data/instance-id"),
            availability_zone=metadata.text("meta-data/placement/availability-zone"),
            private_ip=metadata.text("meta-data/local-ipv4"),
            launch_template_version=metadata.text("meta-data/tags/instance/aws:ec2launchtemplate:version"),
            user_data=base64.b64encode(metadata.get("user-data") or b"").decode(),
        )
    except NoMetadata as error:
        logging.getLogger(__name__).warning("%s: so it does not know who it is, and has no user data", error)
        return machine


def boot(machine: Machine) -> Settings:
    root = Path(machine.root)
    user_data.apply(machine.user_data, root)
    try:
        return settings_from(parse_env_file((root / APP_ENV).read_text("utf-8")))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        return Settings(no_database=f"{APP_ENV} cannot be read: {error}")


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    machine = learn(os.environ)
    uvicorn.run(
        create_app(machine, boot(machine)),
        host=machine.bind,
        port=machine.port,
        http="h11",
        access_log=False,
        log_config=None,
        server_header=False,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )


if __name__ == "__main__":
    main()
