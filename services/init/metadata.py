"""The instance's own metadata, by IMDSv2 (ec2:instancedata-data-retrieval)."""

import contextlib
import time
import urllib.error
import urllib.request

BASE = "http://169.254.169.254/latest/"
TIMEOUT = 2.0
PATIENCE = 20.0
"""Seconds the service may take to be there."""
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy


class NoMetadata(Exception):  # noqa: N818 - the name says what is the case
    """The service does not answer, or is switched off for this instance."""


class Metadata:
    """Asks with one token, fetched when it is made. Raises NoMetadata."""

    def __init__(self, base: str = BASE, patience: float = PATIENCE) -> None:
        self._base = base
        deadline = time.monotonic() + patience
        while True:
            try:
                self._token = self._send("PUT", "api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "21600"})
                return
            except urllib.error.HTTPError as error:  # it is there and says no: it is switched off
                raise NoMetadata(f"the metadata service answers {error.code}") from error
            except OSError as error:
                if time.monotonic() > deadline:
                    raise NoMetadata(f"the metadata service does not answer: {error}") from error
            time.sleep(0.1)

    def get(self, path: str) -> bytes | None:
        """What is at a path below /latest/, None when there is nothing. Raises NoMetadata."""
        try:
            return self._send("GET", path, {"X-aws-ec2-metadata-token": self._token.decode()})
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise NoMetadata(f"the metadata service answers {error.code} to {path}") from error
        except OSError as error:
            raise NoMetadata(f"the metadata service does not answer to {path}: {error}") from error

    def text(self, path: str) -> str:
        """The same as text, empty when there is nothing."""
        return (self.get(path) or b"").decode(errors="replace").strip()

    def _send(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(self._base + path, headers=headers, method=method)
        with contextlib.closing(_OPENER.open(request, timeout=TIMEOUT)) as answer:
            body: bytes = answer.read()
            return body


def public_keys(metadata: Metadata) -> list[str]:
    """The lines of the instance's key pairs; `public-keys/` lists them as 0=name."""
    numbers = [line.partition("=")[0] for line in metadata.text("meta-data/public-keys").splitlines()]
    found = [metadata.text(f"meta-data/public-keys/{number}/openssh-key") for number in numbers]
    return [line for line in found if line]
