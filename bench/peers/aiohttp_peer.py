"""The proxy in `aiohttp_proxy.py` as a balancer."""

import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.contender import AIOHTTP, GROUP, Contender, Site
from bench.processes import UnavailableError, accepts, running

_PROGRAM = Path(__file__).with_name("aiohttp_proxy.py")


def contender() -> Contender:
    """Raises UnavailableError."""
    if importlib.util.find_spec("aiohttp") is None:
        raise UnavailableError("not installed: aiohttp (pip install aiohttp)")
    uvloop = importlib.util.find_spec("uvloop") is not None

    @contextmanager
    def start(site: Site) -> Iterator[int]:
        settings = {
            "port": site.port,
            "tls_port": site.tls_port,
            "certificate": str(site.certificate),
            "access_log": str(site.access_log),
            "origins": [f"127.0.0.1:{port}" for port in site.origins],
            "group": GROUP,
        }
        with running(
            "the aiohttp proxy",
            [sys.executable, str(_PROGRAM), json.dumps(settings)],
            core=site.core,
            log=site.directory / "log",
            ready=lambda: accepts(site.port) and accepts(site.tls_port),
        ) as pid:
            yield pid

    version = f"aiohttp {importlib.metadata.version('aiohttp')}"
    if uvloop:
        return Contender(AIOHTTP, f"{version} on uvloop {importlib.metadata.version('uvloop')}", start)
    return Contender(AIOHTTP, version, start, "runs on asyncio's own loop, as uvloop is not installed")
