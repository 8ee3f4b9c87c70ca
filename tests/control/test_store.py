"""The store that worlds stand on: all of a transaction or nothing, the order of rows, one writer, what survives."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.adapters.store import MemoryStore, SqliteStore
from lab.core.ec2.model import InternetGateway, Vpc
from lab.core.errors import Refused
from lab.core.store import Store
from lab.rows import ROWS

A, B, C = (Vpc(f"vpc-{letter}", "10.0.0.0/16") for letter in "abc")


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    made = SqliteStore(tmp_path / "lab.sqlite", ROWS)
    yield made
    made.close()


def test_rows_are_kept_by_class_and_key(store: MemoryStore) -> None:
    store.put(A)
    store.put(InternetGateway("vpc-a"))
    assert store.get(Vpc, "vpc-a") == A
    assert store.get(InternetGateway, "vpc-a") == InternetGateway("vpc-a")
    assert store.get(Vpc, "vpc-b") is None


def test_rows_come_in_the_order_of_their_first_put(store: MemoryStore) -> None:
    for row in (B, A, C, Vpc("vpc-b", "10.9.0.0/16")):
        store.put(row)
    assert [row.vpc_id for row in store.all(Vpc)] == ["vpc-b", "vpc-a", "vpc-c"]


def test_deleting_what_is_not_there_is_no_error(store: MemoryStore) -> None:
    store.delete(Vpc, "vpc-a")
    assert store.all(Vpc) == []


def fail_amid_changes(store: MemoryStore) -> None:
    with store.transaction():
        store.delete(Vpc, "vpc-a")
        store.put(Vpc("vpc-b", "10.9.0.0/16"))
        with store.transaction():
            store.put(C)
            store.delete(Vpc, "vpc-b")
        store.put(A)
        raise LookupError


def test_a_transaction_that_fails_leaves_everything_as_it_was(store: MemoryStore) -> None:
    store.put(A)
    store.put(B)
    with pytest.raises(LookupError):
        fail_amid_changes(store)
    assert store.all(Vpc) == [A, B]
    assert store.get(Vpc, "vpc-c") is None


def test_a_store_goes_on_after_a_failed_transaction(store: MemoryStore) -> None:
    with pytest.raises(LookupError):
        fail_amid_changes(store)
    store.put(C)
    assert store.all(Vpc) == [C]


def test_what_was_committed_is_there_after_a_reopening(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "lab.sqlite", ROWS)
    for row in (B, A, C):
        store.put(row)
    store.delete(Vpc, "vpc-a")
    with pytest.raises(LookupError):
        fail_amid_changes(store)
    store.close()
    again = SqliteStore(tmp_path / "lab.sqlite", ROWS)
    assert again.all(Vpc) == [B, C]
    again.close()


def test_the_file_is_for_its_owner_and_for_one_control_plane(tmp_path: Path) -> None:
    path = tmp_path / "lab.sqlite"
    store = SqliteStore(path, ROWS)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Refused, match="another control plane uses it"):
        SqliteStore(path, ROWS)
    store.close()


@pytest.mark.parametrize("content", [b"this is no database, however long it may be" * 99])
def test_a_file_that_is_no_store_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lab.sqlite"
    path.write_bytes(content)
    with pytest.raises(Refused, match=r"lab\.sqlite"):
        SqliteStore(path, ROWS)


def test_rows_are_found_by_a_field_in_the_order_of_all(store: MemoryStore) -> None:
    for row in (B, A, C):
        store.put(row)
    assert store.where(Vpc, "cidr_block", "10.0.0.0/16") == [B, A, C]
    store.put(Vpc("vpc-b", "10.9.0.0/16"))
    store.delete(Vpc, "vpc-a")
    assert store.where(Vpc, "cidr_block", "10.0.0.0/16") == [C]
    assert store.where(Vpc, "cidr_block", "10.9.0.0/16") == [Vpc("vpc-b", "10.9.0.0/16")]
    store.put(B)
    assert store.where(Vpc, "cidr_block", "10.0.0.0/16") == [B, C]
    assert store.where(Vpc, "cidr_block", "10.9.0.0/16") == []


def test_a_field_that_the_class_does_not_have_is_named(store: MemoryStore) -> None:
    with pytest.raises(AttributeError, match="Vpc has no field 'cidr'"):
        store.where(Vpc, "cidr", "10.0.0.0/16")


@pytest.mark.parametrize("seed", range(30))
def test_an_index_says_what_a_look_at_every_row_says(seed: int, tmp_path: Path) -> None:
    """Over random puts and deletions, transactions that fail among them, and a reopening."""
    chance = random.Random(seed)
    store = SqliteStore(tmp_path / "lab.sqlite", ROWS)

    def change() -> None:
        for _ in range(chance.randint(1, 6)):
            key = f"vpc-{chance.randint(0, 9)}"
            if chance.random() < 0.35:
                store.delete(Vpc, key)
            else:
                store.put(Vpc(key, f"10.{chance.randint(0, 3)}.0.0/16", deleting=chance.random() < 0.5))

    for _ in range(60):
        before = store.all(Vpc)
        try:
            with store.transaction():
                change()
                if chance.random() < 0.4:
                    raise LookupError
        except LookupError:
            assert store.all(Vpc) == before
        for field, values in (("cidr_block", [f"10.{n}.0.0/16" for n in range(4)]), ("deleting", [True, False])):
            for value in values:
                assert store.where(Vpc, field, value) == [row for row in store.all(Vpc) if getattr(row, field) == value]
    order = store.all(Vpc)
    store.close()
    store = SqliteStore(tmp_path / "lab.sqlite", ROWS)
    assert store.all(Vpc) == order
    store.close()


def count_rows(store: Store) -> list[str]:
    MADE.append(len(store.all(Vpc)))
    return [row.vpc_id for row in store.all(Vpc)]


MADE: list[int] = []


def delete_and_fail(store: MemoryStore) -> None:
    with store.transaction():
        store.delete(Vpc, "vpc-a")
        assert store.derived(count_rows, Vpc) == ["vpc-b"]
        raise LookupError


def test_what_is_derived_from_rows_is_made_again_when_one_has_changed(store: MemoryStore) -> None:
    MADE.clear()
    store.put(A)
    for _ in range(3):
        assert store.derived(count_rows, Vpc) == ["vpc-a"]
    store.put(InternetGateway("vpc-a"))
    assert store.derived(count_rows, Vpc) == ["vpc-a"]
    assert MADE == [1]
    store.put(B)
    assert store.derived(count_rows, Vpc) == ["vpc-a", "vpc-b"]
    with pytest.raises(LookupError):
        delete_and_fail(store)
    assert store.derived(count_rows, Vpc) == ["vpc-a", "vpc-b"]


def test_the_revision_grows_with_changes_of_its_classes_only(store: MemoryStore) -> None:
    before, both = store.revision(Vpc), store.revision(Vpc, InternetGateway)
    store.put(InternetGateway("vpc-a"))
    assert store.revision(Vpc) == before
    assert store.revision(Vpc, InternetGateway) > both
    store.put(A)
    grown = store.revision(Vpc)
    assert grown > before
    store.delete(Vpc, "vpc-b")
    assert store.revision(Vpc) == grown, "nothing was there to delete"
