"""Names CloudFormation makes up: stack ids, and physical names `STACK-LOGICAL-XXXXXXXX` cut to the type's limit.

They are digests of the stack's id, so a step that is repeated after a crash arrives at the same name.
"""

import base64
import hashlib
import uuid


def stack_id(region: str, account_id: str, name: str, unique: str) -> str:
    """A stack's ARN; `unique` is any string never used before."""
    return f"arn:aws:cloudformation:{region}:{account_id}:stack/{name}/{uuid.uuid5(uuid.NAMESPACE_OID, unique)}"


def physical_name(stack: str, logical_id: str, of_stack_id: str, limit: int, *, lower: bool = False) -> str:
    """A name for a resource that has none in the template, at most `limit` characters (32 or more) long.

    Where it is too long, the stack's name gives way down to a third of the room, then the logical id.
    """
    digest = hashlib.sha256(f"{of_stack_id}/{logical_id}".encode()).digest()
    suffix = base64.b32encode(digest).decode()[:8]
    room = limit - len(suffix) - 2
    for_stack = max(room - len(logical_id), room // 3)
    head = stack[:for_stack].rstrip("-")
    tail = logical_id[: room - len(head)]
    name = f"{head}-{tail}-{suffix}"
    return name.lower() if lower else name
