"""Requests of the right shape with any values: an action answers in AWS's shape or refuses with an error of its own.

What an action takes for granted of a value (a number where a string is, an id that is there) ends as a 500 in the API;
none may. Seeds make it the same in every run.
"""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from lab.actions.context import READS
from lab.actions.dispatch import MODULES, find, operation_model, supported
from lab.core.errors import LabError
from tests.actions.conftest import Site

ALL = [(service, operation) for service in MODULES for operation in supported(service)]
WORDS = (
    "",
    "x",
    "²",
    "-1",
    "0",
    "80",
    "a,b",
    "web",
    "10.0.9.0/24",
    "300.0.0.0/8",
    "$Latest",
    "é",
    "tcp",
    "-",
    "x" * 300,
)
NUMBERS = (0, 1, -1, 60, 80, 61, 300, 65536, 10**9)


def value(chance: random.Random, shape: Shape, ids: list[str], reads: frozenset[str] | None = None) -> Any:
    match shape:
        case StructureShape():
            allowed = [name for name in shape.members if reads is None or name in reads]
            return {
                name: value(chance, shape.members[name], ids)
                for name in allowed
                if name in shape.required_members or chance.random() < 0.5
            }
        case ListShape():
            return [value(chance, shape.member, ids) for _ in range(chance.randint(0, 2))]
        case MapShape():
            return {}
        case StringShape() if shape.enum:  # what a launch template holds is shown as it was given
            return chance.choice(shape.enum)
    match shape.type_name:
        case "string":
            return chance.choice(ids if chance.random() < 0.6 else list(WORDS))
        case "boolean":
            return chance.random() < 0.5
        case "timestamp":
            return datetime.fromtimestamp(1_700_000_000 + chance.choice(NUMBERS[:6]), UTC)
        case "blob":
            return b""
        case "integer" | "long":
            return chance.choice(NUMBERS)
    return float(chance.choice(NUMBERS))


@pytest.mark.parametrize(("service", "operation"), ALL, ids=[operation for _, operation in ALL])
def test_any_request_is_answered_or_refused(site: Site, service: str, operation: str) -> None:
    chance = random.Random(f"{service} {operation}")
    ids = [text for text in vars(site).values() if isinstance(text, str)]
    action = find(service, operation)
    shape = operation_model(service, operation).input_shape
    for _ in range(40):
        reads = READS[f"{action.__module__}.{action.__name__}"]
        request = {} if shape is None else value(chance, shape, ids, reads)
        before = site.aws.rows()
        try:
            site.aws(service, operation, **request)
        except LabError:
            assert site.aws.rows() == before, request
