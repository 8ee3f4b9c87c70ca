"""How many clients a PostgreSQL server has, by what its processes call themselves.

Each client has a backend process, whose title is `postgres: USER DATABASE HOST(PORT) ACTIVITY`, with `[local]` for one on a
Unix socket (src/backend/tcop/backend_startup.c); the server's own processes have no host. So nobody has to log in to
count, and the counting is not counted. `update_process_title`, which is on by default, matters to ACTIVITY only.
"""

import re
from collections.abc import Iterable

_BACKEND = re.compile(r"postgres: .+ (?:\[local\]|\S+\(\d+\))(?: |$)")
_NO_CLIENT = re.compile(r"postgres: (?:.+: )?wal(?:sender|receiver) ")


def clients(titles: Iterable[str]) -> int:
    """`titles` are those of the server's processes; any others do not matter."""
    return sum(1 for title in titles if _BACKEND.match(title) and not _NO_CLIENT.match(title))
