"""The corpus of requests, whole. Every crash or difference that a fuzzer finds becomes a row of one of the two tables."""

from tests.lb.hostile.case import Case
from tests.lb.hostile.requests_framing import FRAMING
from tests.lb.hostile.requests_heads import HEADS

REQUESTS: tuple[Case, ...] = (*FRAMING, *HEADS)

assert len({one.name for one in REQUESTS}) == len(REQUESTS), "two rows have one name"
