"""The Docker SDK made async, and its exceptions made ours.

The SDK blocks, and its client is a `requests.Session`, which is not made for several threads: so a small pool, one client
per thread. Everything the SDK can raise leaves this file as `Unavailable` or `Refused`, by one table.
"""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import requests
from docker.api.client import APIClient
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, ImageNotFound
from docker.utils import kwargs_from_env

from lab.core.errors import AdapterError, Refused, Unavailable

T = TypeVar("T")

THREADS = 8
_PORT = re.compile(r"127\.0\.0\.1:(\d+)")
_PORT_TAKEN = ("port is already allocated", "address already in use")
"""Of a port, as Docker 26 and 28 say it. Of a private address they say the latter with a capital letter."""
_UNIX = re.compile(r"(http\+)?unix:/+(?P<path>.*)")
IS_UNIX = hasattr(socket, "AF_UNIX")
_BUSY = ("already in progress", "has active endpoints")
_IMAGE = re.compile(r"[Nn]o such image: (\S+)")


def connect(base_url: str | None) -> APIClient:
    """A client of the engine at `base_url`, or of the one the user's own `docker` command would talk to."""
    options: dict[str, Any] = {"base_url": base_url} if base_url is not None else dict(kwargs_from_env())
    if "base_url" not in options:
        context = ContextAPI.get_current_context()
        if context is not None and context.name != "default":
            options = {"base_url": context.Host, "tls": context.TLSConfig or False}
    unix = _UNIX.match(options.get("base_url") or DEFAULT_UNIX_SOCKET)
    if unix is not None and IS_UNIX:
        # The SDK leaks its socket when nobody listens there, at each attempt; so one of ours goes first.
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect("/" + unix["path"])
    return APIClient(version="auto", **options)


def explained(error: APIError) -> AdapterError:
    """The engine's answer as ours: what is wrong and what to do. 5xx may pass; 4xx will not, apart from a few races."""
    text = str(error.explanation or error)
    if isinstance(error, ImageNotFound):
        name = _IMAGE.search(text)
        return Refused(f"there is no Docker image {name[1] if name else text}: build or pull it, then try again")
    if any(sign in text for sign in _PORT_TAKEN):
        port = _PORT.search(text)
        where = f"port {port[1]} on 127.0.0.1" if port else "a published port"
        return Refused(f"{where} is in use by another program: free it or publish another port ({text})")
    if "Address already in use" in text:
        return Refused(f"the private address is taken by another container on the network: {text}")
    if "Pool overlaps" in text:
        return Refused(f"the CIDR block overlaps another Docker network: remove that or choose another block ({text})")
    status = error.status_code or 500
    if status >= 500 or any(sign in text for sign in _BUSY):
        return Unavailable(f"the Docker engine could not do it now: {text}")
    return Refused(f"the Docker engine refused: {text}")


@contextlib.contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except APIError as error:
        raise explained(error) from error
    except (DockerException, requests.RequestException, OSError) as error:
        raise Unavailable(f"the Docker engine does not answer; is it running? ({error})") from error


def create_container(client: APIClient, name: str, config: dict[str, Any]) -> None:
    """`config` is the API's own body: the SDK's other way would add the caller's proxy settings to the environment."""
    client.create_container_from_config(config, name)  # type: ignore[no-untyped-call]  # the stubs leave it bare


def image_id(client: APIClient, image: str) -> str:
    found: dict[str, Any] = client.inspect_image(image)  # type: ignore[no-untyped-call]  # the stubs leave it bare
    identity: str = found["Id"]
    return identity


class Engine:
    """A pool of threads with a client each. Owns both: `close` ends them. Makes no connection before the first call."""

    def __init__(self, base_url: str | None) -> None:
        self.base_url = base_url
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="docker")
        self._mine = threading.local()
        self._clients: list[APIClient] = []

    async def call(self, work: Callable[[APIClient], T]) -> T:
        """Run `work` in a thread. A cancelled call goes on in its thread; what it did is found by the next look."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, work)

    def call_now(self, work: Callable[[APIClient], T]) -> T:
        """The same for callers without a loop."""
        return self._pool.submit(self._run, work).result()

    def each(self, works: list[Callable[[APIClient], T]]) -> list[T]:
        """All of `works` at the pool's width, for callers without a loop; raises what the first failing one raised."""
        return list(self._pool.map(self._run, works))

    def close(self) -> None:
        """Wait for calls under way, then drop the connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for client in self._clients:
            client.close()
        self._clients.clear()

    def _run(self, work: Callable[[APIClient], T]) -> T:
        with translated():
            client = getattr(self._mine, "client", None)
            if client is None:
                client = self._mine.client = connect(self.base_url)
                self._clients.append(client)
            return work(client)
