"""`last-good.json`: the configuration that was in force last, so that a node serves at boot without the control plane.

Written whole to a temporary file, synced and renamed: after a crash the old document or the new one is there, never a part.
It holds private keys: nobody but its owner may read it, from the moment it is made.
"""

import json
import logging
import os
from pathlib import Path

from lab.core.elbv2.config import LoadBalancerConfig, from_json, to_json

_NAME = "last-good.json"
_log = logging.getLogger("lb")


def load(directory: Path) -> LoadBalancerConfig | None:
    """The document, or None when there is none that can be read; why is logged."""
    path = directory / _NAME
    try:
        return from_json(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _log.warning("%s is of no use (%s); waiting for the control plane", path, error)
        return None


def save(directory: Path, config: LoadBalancerConfig) -> None:
    """Raises OSError when the directory cannot be written."""
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / (_NAME + ".new")
    temporary.unlink(missing_ok=True)  # a crash may have left it, and an existing file keeps its mode
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(json.dumps(to_json(config)).encode())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(directory / _NAME)
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
