"""Boot as an instance does: carry out the user data, read the configuration it left, serve.

Nothing here waits for the database: an instance must be able to say that it is up, and that its database is not.
"""

import logging
import os
from pathlib import Path

import uvicorn

from services.app import user_data
from services.app.settings import APP_ENV, Machine, Settings, parse_env_file, settings_from
from services.app.web import create_app

KEEP_ALIVE = 75
"""Seconds an idle connection stays open: longer than a balancer keeps one in its pool (ALB: 60), so that it is the
balancer that closes it and no request meets a connection that is just being closed."""

GRACE = 10
"""Seconds that requests in flight get after SIGTERM."""


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
    machine = Machine.from_environment(os.environ)
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
