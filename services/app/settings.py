"""What the application is told: who it is by its instance's metadata, or by its environment where there is none; where it
listens by the latter; which database it has by `etc/shop/app.env`.

Pure: mappings and text in, values out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

DEFAULT_ROOT = "/run/root"
"""A tmpfs in containers, whose own root is read-only."""

APP_ENV = "etc/shop/app.env"
"""Below the root; written by the user data."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The instance. `user_data` is base64, as EC2 hands it out; may be empty."""

    instance_id: str
    availability_zone: str
    private_ip: str
    launch_template_version: str
    bind: str
    port: int
    root: str
    user_data: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Machine":
        """Raises ValueError when LAB_PORT_8000 is no number."""
        return cls(
            instance_id=environment.get("LAB_INSTANCE_ID", "i-local"),
            availability_zone=environment.get("LAB_AVAILABILITY_ZONE", "local"),
            private_ip=environment.get("LAB_PRIVATE_IP", "127.0.0.1"),
            launch_template_version=environment.get("LAB_LAUNCH_TEMPLATE_VERSION", ""),
            bind=environment.get("LAB_BIND") or "0.0.0.0",
            port=int(environment.get("LAB_PORT_8000") or 8000),
            root=environment.get("LAB_ROOT") or DEFAULT_ROOT,
            user_data=environment.get("LAB_USER_DATA", ""),
        )


@dataclass(frozen=True, slots=True)
class Database:
    host: str
    port: int
    name: str
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Settings:
    """`database` is None when there is none to use; `no_database` then says why. `unwell` is a build that does not work: it
    says so from its first health check on (FAULT=fail, for drills of a bad deployment)."""

    app_version: str = "unknown"
    database: Database | None = None
    no_database: str = f"no database is configured: {APP_ENV} has no DATABASE_HOST"
    unwell: bool = False


def parse_env_file(text: str) -> dict[str, str]:
    """KEY=VALUE lines as systemd's EnvironmentFile reads them: comments, blank lines, one pair of quotes around a value."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if not equals or key.startswith(("#", ";")):
            continue
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        values[key.strip()] = value
    return values


def settings_from(values: Mapping[str, str]) -> Settings:
    """A mistake in the values costs the database, not the whole application: it can still say what is wrong."""
    known = Settings(values.get("APP_VERSION") or "unknown", unwell=values.get("FAULT") == "fail")
    if not values.get("DATABASE_HOST"):
        return known
    missing = [key for key in ("DATABASE_NAME", "DATABASE_USER") if not values.get(key)]
    if missing:
        return replace(known, no_database=f"{APP_ENV} has DATABASE_HOST but not {' and '.join(missing)}")
    port = values.get("DATABASE_PORT") or "5432"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        return replace(known, no_database=f"{APP_ENV}: DATABASE_PORT is {port!r}, not a port number")
    database = Database(
        host=values["DATABASE_HOST"],
        port=int(port),
        name=values["DATABASE_NAME"],
        user=values["DATABASE_USER"],
        password=values.get("DATABASE_PASSWORD", ""),
    )
    return replace(known, database=database, no_database="")
