"""The lab every world begins with: stacks/web.yaml, complete and idle."""

import pytest_asyncio

from tests.control.lab import Lab


@pytest_asyncio.fixture
async def lab() -> Lab:
    lab = Lab()
    lab.create_stack()
    return await lab.up()
