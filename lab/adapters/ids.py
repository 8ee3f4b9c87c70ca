"""New ids, in AWS's forms (aws-facts §7.1): random for the lab, counted for tests."""

import itertools
import secrets
import uuid
from collections.abc import Callable

NewId = Callable[[str], str]
"""`new_id("i")` gives `i-` and 17 hex digits; "uuid", "hex16", "key" (64 hex digits) and "token" give a bare one of
that kind."""


def random_id(prefix: str) -> str:
    match prefix:
        case "uuid":
            return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
        case "hex16":
            return secrets.token_hex(8)
        case "key":
            return secrets.token_hex(32)
        case "token":
            return secrets.token_urlsafe(32)
    return f"{prefix}-{secrets.token_hex(9)[:17]}"


def counted_ids() -> NewId:
    """Ids that count from 1, the same in every run."""
    count = itertools.count(1)

    def new_id(prefix: str) -> str:
        number = next(count)
        match prefix:
            case "uuid":
                return str(uuid.UUID(int=number))
            case "hex16":
                return f"{number:016x}"
            case "key":
                return f"{number:064x}"
            case "token":
                return f"token-{number}"
        return f"{prefix}-{number:017x}"

    return new_id
