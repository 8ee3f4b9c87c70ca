"""Who cleans up when the control plane is gone for good: the janitor.

`docker compose down` removes what compose made, and the machines were made by the control plane. So the control plane has
a small container of its own image run this module: outside compose, without a network, with the engine's socket. It waits
for the control container to be destroyed and, if no other has taken its place a second later (`up --force-recreate`,
`restart` and `stop` are no reason to lose a fleet), removes all that bears the owner's label.

    python -m lab.adapters.docker.janitor        with LAB_OWNER, LAB_PROJECT and LAB_CONTROL_SERVICE in its environment
"""

import contextlib
import os
import queue
import time
from functools import partial

from lab.adapters.docker import settings as label
from lab.adapters.docker.cleanup import containers, sweep
from lab.adapters.docker.client import Engine, connect
from lab.adapters.docker.events import EventThread
from lab.core.errors import Unavailable

SUCCESSION = 1.0  # seconds in which a new control container may take the place of a destroyed one


def watch(owner: str, project: str, service: str) -> None:
    """Return when the control container is gone for good. Nothing is gone that was never seen."""
    labels = [
        f"{label.COMPOSE_PROJECT}={project}",
        f"{label.COMPOSE_SERVICE}={service}",
        f"{label.COMPOSE_ONEOFF}=False",
    ]
    news: queue.SimpleQueue[str] = queue.SimpleQueue()
    thread = EventThread(
        partial(connect, None), {"type": ["container"], "label": labels, "event": ["create", "destroy"]}, news.put
    )
    engine = Engine(None)
    thread.start()
    seen = False
    print(f"janitor of {owner}: waiting for {project}/{service} to be removed", flush=True)
    try:
        while True:
            news.get()  # one was created or destroyed, or the stream was opened and anything may have been missed
            with contextlib.suppress(Unavailable):  # an engine that went away announces itself by a reopened stream
                if _exists(engine, labels):
                    seen = True
                elif seen:
                    time.sleep(SUCCESSION)
                    if not _exists(engine, labels):
                        return
    finally:
        thread.stop()
        engine.close()


def _exists(engine: Engine, labels: list[str]) -> bool:
    return bool(engine.call_now(partial(containers, filters=labels)))


def main() -> None:
    owner, project = os.environ["LAB_OWNER"], os.environ["LAB_PROJECT"]
    watch(owner, project, os.environ["LAB_CONTROL_SERVICE"])
    print(f"janitor of {owner}: the control plane was removed; removing its machines, networks and volumes", flush=True)
    sweep(owner, project, janitor=False)


if __name__ == "__main__":
    main()
