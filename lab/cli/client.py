"""Talks to the control plane's API. Standard library only: it is imported by every verb."""

import json
import os
import time
import urllib.error
import urllib.request
from typing import Any

import click

DEFAULT_PORT = "4566"
NO_LAB = 3


class NoLab(click.ClickException):
    """Nothing answers at the API's address."""

    exit_code = NO_LAB

    def __init__(self, url: str, why: object) -> None:
        super().__init__(f"no lab answers at {url} ({why}); start one with `make up` or `lab up`")


class LabRefused(click.ClickException):
    """The API said no; `code` is AWS's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.text = message


def base_url() -> str:
    """LAB_API_PORT decides where the lab is looked for."""
    return f"http://127.0.0.1:{os.environ.get('LAB_API_PORT') or DEFAULT_PORT}"


def request(method: str, path: str, body: dict[str, Any] | None = None, timeout: float = 15.0) -> str:
    """The text of the answer. Raises NoLab or LabRefused."""
    return fetch(path, method, body, timeout).decode()


def fetch(path: str, method: str = "GET", body: dict[str, Any] | None = None, timeout: float = 15.0) -> bytes:
    """The answer as it came. Raises NoLab or LabRefused."""
    url = base_url()
    data = None if body is None else json.dumps(body).encode()
    question = urllib.request.Request(url + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(question, timeout=timeout) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error) from error
    except OSError as error:
        raise NoLab(url, getattr(error, "reason", error)) from error


def get(path: str) -> Any:
    return json.loads(request("GET", path))


def post(path: str, body: dict[str, Any] | None = None) -> Any:
    return json.loads(request("POST", path, body or {}))


def put(path: str, body: dict[str, Any]) -> Any:
    return json.loads(request("PUT", path, body))


def aws(service: str, operation: str, **members: Any) -> Any:
    """An AWS action: `aws("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=…)`."""
    return post(f"/lab/aws/{service}/{operation}", members)


def status() -> dict[str, Any]:
    document: dict[str, Any] = get("/lab/status")
    return document


def answers() -> bool:
    """Whether a lab is there."""
    try:
        request("GET", "/lab/health", timeout=2.0)
    except click.ClickException:
        return False
    return True


def wait_until_there(seconds: float) -> None:
    """Raises NoLab."""
    deadline = time.monotonic() + seconds
    while not answers():
        if time.monotonic() > deadline:
            raise NoLab(base_url(), f"for {seconds:g} s")
        time.sleep(0.1)


def wait_until_gone(seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while answers():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _refused(error: urllib.error.HTTPError) -> click.ClickException:
    try:
        body = json.loads(error.read())["error"]
        return LabRefused(body["code"], body["message"])
    except (ValueError, KeyError):
        return LabRefused(str(error.code), str(error.reason))
