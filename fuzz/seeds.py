"""What fuzzers start from: the corpus, cut to what each invariant takes, and the words that its grammar has."""

from tests.lb.hostile.corpus import REQUESTS
from tests.lb.hostile.responses import ANSWERS

_LONGEST = 2000


def seeds() -> dict[str, list[bytes]]:
    """By the name of the invariant. Long rows are left out: they are about limits, and slow."""
    requests = [row.data for row in REQUESTS if len(row.data) <= _LONGEST]
    bodies = [data.partition(b"\r\n\r\n")[2] for data in requests if b"hunked" in data]
    return {
        "request": requests,
        "prefix": requests,
        "response": [start + said.data for said in ANSWERS if len(said.data) <= _LONGEST for start in (b"\0", b"\xff")],
        "chunked": [b"\0" + bytes((size,)) + body for body in bodies for size in (0, 2, 255)],
        "values": [
            b"/a/%2e%2E/./b?a=b&c&=d#e",
            b"Root=1-67891233-abcdef012345678912345678;Self=1-0-0;a=b",
            b"AWSALB=a; AWSALBCORS=b;AWSALBTG=c; AWSALBAPP-0=d",
            b"[::1]:80",
        ],
    }


_LINES = {line for row in REQUESTS if len(row.data) <= _LONGEST for line in row.data.split(b"\r\n")}
WORDS = sorted(
    {line + b"\r\n" for line in _LINES if 0 < len(line) <= 60}
    | {
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b":",
        b",",
        b";",
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"0\r\n\r\n",
        b"0x",
        b"+",
        b"_",
    }
)
"""Lines and bytes to build messages of."""
