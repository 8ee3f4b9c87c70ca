"""The sample application's image by itself, against a PostgreSQL of its own: the image owes the lab nothing."""

import base64
import json
import os
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import require_docker
from tests.e2e.outside import CHECKOUT, ask, get, inspect, output
from tests.eventually import until

# The reaper is an image of its own, which cannot be had everywhere; the containers are removed below.
os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

USER_DATA = """#cloud-config
write_files:
  - path: /etc/shop/app.env
    content: |
      DATABASE_HOST=database
      DATABASE_PORT=5432
      DATABASE_NAME=shop
      DATABASE_USER=shop
      DATABASE_PASSWORD=not-a-secret
      APP_VERSION=test
"""


@pytest.fixture
def address() -> Iterator[str]:
    require_docker()
    output(
        "docker",
        "build",
        "--quiet",
        "--tag",
        "asg-lab/app",
        "--file",
        str(CHECKOUT / "docker/app.Dockerfile"),
        str(CHECKOUT),
    )
    with Network() as network:
        postgres = PostgresContainer(
            "postgres:17", username="shop", password="not-a-secret", dbname="shop", driver=None
        )
        postgres.ports.clear()
        postgres.with_network(network).with_network_aliases("database")
        app = DockerContainer("asg-lab/app").with_network(network)
        app.with_env("LAB_INSTANCE_ID", "i-0123456789abcdef0").with_env("LAB_AVAILABILITY_ZONE", "us-east-1a")
        app.with_env("LAB_USER_DATA", base64.b64encode(USER_DATA.encode()).decode())
        app.with_kwargs(read_only=True, cap_drop=["ALL"])
        # As the lab gives it: owned by the user the image runs as.
        app.tmpfs.update({"/run": "uid=1000,mode=700", "/tmp": "uid=1000,mode=700"})
        with postgres, app:
            # Nothing is published, not even on 127.0.0.1: the host reaches the bridge's addresses itself.
            networks = inspect(str(app.get_wrapped_container().id))["NetworkSettings"]["Networks"]
            yield str(networks[network.name]["IPAddress"])


def test_the_image_serves_products_from_its_database(address: str) -> None:
    until(lambda: get(8000, "/products", host=address).status == 200, 60)
    made = ask("POST", 8000, "/products", {"name": "Lone", "price_cents": 5}, host=address)
    assert made.status == 201
    assert made.headers["x-instance-id"] == "i-0123456789abcdef0"
    names = [row["name"] for row in json.loads(get(8000, "/products", host=address).body)["products"]]
    assert "Lone" in names
    assert get(8000, "/health/deep", host=address).status == 200
