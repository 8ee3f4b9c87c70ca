"""A lab under virtual time with the default stack, and a client of its API in this process."""

import pytest
import pytest_asyncio

from lab.adapters.own_process import own_use
from lab.api.app import create_app
from lab.main import vpc_reply
from tests.api.client import Client
from tests.control.lab import Lab


@pytest_asyncio.fixture
async def lab() -> Lab:
    lab = Lab()
    lab.create_stack()
    return await lab.up()


@pytest.fixture
def client(lab: Lab) -> Client:
    return Client(create_app(lab.world, lab.loop, lab.stacks.call, "simulated", own_use, vpc_reply(lab.world)))
