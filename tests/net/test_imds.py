"""The metadata service as a function (aws-facts §7.7). Who hears it is the affair of tests/contract/test_packets.py."""

from typing import Any

import pytest

from services.net.imds import LONGEST, TOKEN, TOKEN_PATH, TTL, Answer, Tokens, find, respond

TREE = {
    "meta-data/instance-id": "i-1",
    "meta-data/placement/region": "us-east-1",
    "meta-data/placement/availability-zone": "us-east-1a",
    "user-data": "#!/bin/sh",
}
DOCUMENT: dict[str, Any] = {"tree": TREE, "enabled": True, "tokens_required": True, "hop_limit": 1}
ID = "/latest/meta-data/instance-id"


def ask(
    method: str, path: str, tokens: Tokens, now: float = 0.0, document: dict[str, Any] | None = DOCUMENT, **headers: str
) -> Answer:
    return respond(
        method, path, {name.replace("_", "-"): value for name, value in headers.items()}, document, tokens, now
    )


def token(tokens: Tokens, ttl: str = "60", now: float = 0.0) -> str:
    answer = respond("PUT", TOKEN_PATH, {TTL: ttl}, DOCUMENT, tokens, now)
    assert (answer.status, answer.headers[TTL]) == (200, ttl)
    return answer.body


def test_a_token_opens_for_as_long_as_it_was_asked_for() -> None:
    tokens = Tokens()
    key = token(tokens)
    answer = respond("GET", ID, {TOKEN: key}, DOCUMENT, tokens, 59.0)
    assert answer == Answer(200, "i-1", {TTL: "1"})
    assert respond("GET", ID, {TOKEN: key}, DOCUMENT, tokens, 60.0).status == 401
    assert respond("GET", ID, {TOKEN: "another"}, DOCUMENT, tokens, 0.0).status == 401


def test_without_a_token_only_version_1_answers() -> None:
    assert ask("GET", ID, Tokens()).status == 401
    assert ask("GET", ID, Tokens(), document={**DOCUMENT, "tokens_required": False}) == Answer(200, "i-1")


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("PUT", {}, 400),
        ("PUT", {TTL: "0"}, 400),
        ("PUT", {TTL: str(LONGEST + 1)}, 400),
        ("PUT", {TTL: "soon"}, 400),
        ("PUT", {TTL: "60", "x-forwarded-for": "10.0.0.9"}, 403),
        ("GET", {TTL: "60"}, 405),
        ("POST", {TTL: "60"}, 405),
    ],
)
def test_tokens_that_are_not_given(method: str, headers: dict[str, str], status: int) -> None:
    assert respond(method, TOKEN_PATH, headers, DOCUMENT, Tokens(), 0.0).status == status


@pytest.mark.parametrize("document", [None, {**DOCUMENT, "enabled": False}])
def test_where_it_is_switched_off(document: dict[str, Any] | None) -> None:
    assert ask("GET", ID, Tokens(), document=document).status == 403
    assert ask("PUT", TOKEN_PATH, Tokens(), document=document).status == 403


def test_only_reading() -> None:
    assert ask("DELETE", ID, Tokens()).status == 405
    tokens = Tokens()
    assert respond("HEAD", ID, {TOKEN: token(tokens)}, DOCUMENT, tokens, 1.0).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/latest/meta-data", "instance-id\nplacement/"),
        ("/latest/meta-data/", "instance-id\nplacement/"),
        ("/latest/meta-data/placement/", "availability-zone\nregion"),
        ("/2021-07-15/meta-data/instance-id", "i-1"),
        ("/latest/user-data", "#!/bin/sh"),
        ("/latest/", "meta-data/\nuser-data"),
        ("/latest/meta-data/iam/security-credentials/", None),
        ("/latest/meta-data/instance", None),
        ("/1999-01-01/meta-data/instance-id", None),
    ],
)
def test_paths(path: str, body: str | None) -> None:
    assert find(TREE, path) == body
