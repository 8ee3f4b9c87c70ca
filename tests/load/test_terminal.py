import asyncio
import io
import signal
import sys

import pytest
from rich.console import Console

from lab.load import Plan
from lab.load.terminal import allow_open_files, drive
from tests.load.origin import always, response, serving

DRIVER = """
import sys
from lab.load import Plan
from lab.load.terminal import drive
print(drive(Plan((sys.argv[1],), rate=50, duration=600)).scheduled < 30_000)
"""


@pytest.mark.parametrize("terminal", [True, False])
async def test_a_run_is_shown_and_summed_up(terminal: bool) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=terminal)
    async with serving(always(response(X_Instance_Id="i-1"))) as origin:
        result = await asyncio.to_thread(drive, Plan((origin.url(),), rate=50, duration=1.1), console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert result.ok == 55
    assert "55 ok" in text
    assert ("\x1b[" in text) is terminal
    assert ("in flight" in text) is True


async def test_ctrl_c_ends_the_run_with_its_summary() -> None:
    async with serving(always(response())) as origin:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", DRIVER, origin.url(), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(20):
                first = await process.stdout.readline()
                process.send_signal(signal.SIGINT)
                rest = await process.stdout.read()
                code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert b"in flight" in first
    assert b"0 failed" in rest
    assert rest.endswith(b"True\n")
    assert code == 0


def test_the_limit_of_open_files_is_never_lowered() -> None:
    resource = pytest.importorskip("resource", reason="only Unix has such limits")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_open_files(3)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
