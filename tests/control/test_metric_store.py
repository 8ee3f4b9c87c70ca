"""Metric data as the adapter keeps it: resolutions, units, what age does to it, what a crash leaves, how much there is."""

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.adapters.metric_blocks import Stream
from lab.adapters.metrics import MetricStore
from lab.core.cloudwatch.metric import Metric, Statistics, of_values
from lab.core.cloudwatch.retention import DAY, HOUR, RETENTION
from lab.core.errors import Refused, Unavailable

CPU = Metric("AWS/EC2", "CPUUtilization", (("InstanceId", "i-1"),))
T = 1_700_006_400.0
"""A whole hour, and a whole block of each resolution but the coarsest."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.sqlite"


@pytest.fixture
def store() -> MetricStore:
    return MetricStore()


def read(store: MetricStore, start: float, period: int, statistic: str = "Sum", unit: str = "") -> float | None:
    found = store.statistics(CPU, start, period, unit)
    return None if found is None else found.get(statistic)


# Resolution.


def test_a_minute_has_what_came_in_it(store: MetricStore) -> None:
    for value, after in ((1.0, 0), (2.0, 59.9), (4.0, 60), (8.0, 119)):
        store.put(CPU, value, T + after)
    assert [read(store, T + after, 60) for after in (-60, 0, 60, 120)] == [None, 3, 12, None]
    assert read(store, T, 120) == 15
    assert read(store, T, 60, "p100") == 2


def test_seconds_are_kept_where_they_were_asked_for(store: MetricStore) -> None:
    for second in range(90):
        store.put(CPU, 1.0, T + second + 0.5, resolution=1)
    assert [read(store, T, period) for period in (1, 5, 10, 20, 30, 60, 120)] == [1, 5, 10, 20, 30, 60, 90]
    assert [read(store, T + after, 10) for after in (50, 60, 80, 90)] == [10, 10, 10, None]
    assert read(store, T + 60, 60) == 30


def test_data_of_a_minutes_resolution_is_that_of_its_first_second(store: MetricStore) -> None:
    store.put(CPU, 1.0, T + 37)
    store.put(CPU, 2.0, T + 97, resolution=1)
    assert [read(store, T + after, 30) for after in (0, 30, 60, 90)] == [1, None, None, 2]
    assert [read(store, T + after, 60) for after in (0, 60)] == [1, 2]


def test_periods_may_begin_at_any_minute(store: MetricStore) -> None:
    for minute in range(10):
        store.put(CPU, float(minute), T + 60 * minute)
    assert read(store, T + 180, 300) == 3 + 4 + 5 + 6 + 7
    assert read(store, T - 120, 300) == 0 + 1 + 2


def test_units_are_streams_of_their_own(store: MetricStore) -> None:
    store.put(CPU, 1.0, T)
    store.put(CPU, 2.0, T, unit="Percent")
    store.put(CPU, 4.0, T, unit="Percent")
    assert list(store.units(CPU)) == ["None", "Percent"]
    assert [read(store, T, 60, unit=unit) for unit in ("", "None", "Percent", "Bytes")] == [7, 1, 6, None]
    assert list(store.metrics()) == [CPU]


def test_sets_and_values_come_together(store: MetricStore) -> None:
    some = of_values([(1.0, 3), (9.0, 1)])
    assert some is not None
    store.put_statistics(CPU, some, T)
    store.put(CPU, 5.0, T)
    assert [read(store, T, 60, name) for name in ("SampleCount", "p60", "p80", "p100")] == [5, 1, 5, 9]
    store.put_statistics(CPU, Statistics(2, 4, 1, 3), T)
    assert [read(store, T, 60, name) for name in ("SampleCount", "Sum", "p60")] == [7, 21, None]


def test_the_newest_data_of_a_metric(store: MetricStore) -> None:
    assert store.newest(CPU) == float("-inf")
    store.put(CPU, 1.0, T + 130)
    store.put(CPU, 1.0, T, unit="Percent")
    assert store.newest(CPU) == T + 120
    store.put(CPU, 1.0, T + 131, resolution=1)
    assert store.newest(CPU) == T + 131


# Age.


def test_data_grows_coarser_with_age_and_is_forgotten_at_last(store: MetricStore) -> None:
    for minute in range(30):
        store.put(CPU, 1.0, T + 60 * minute, resolution=1)
    for now, seen in (
        (T + 1800, [(1, 1), (60, 1), (300, 5), (3600, 30)]),
        (T + 1860 + HOUR, [(1, None), (60, 1), (300, 5), (3600, 30)]),
        (T + 3600 + 27 * HOUR, [(1, None), (60, None), (300, 5), (3600, 30)]),
        (T + 5 * HOUR + 3 * DAY, [(1, None), (60, None), (300, None), (3600, 30)]),
        (T + 60 * HOUR + 15 * DAY, [(1, None), (60, None), (300, None), (3600, None)]),
    ):
        store.flush(now)
        assert [(period, read(store, T, period)) for period, _ in seen] == seen
    assert list(store.metrics()) == []


def test_percentiles_outlive_the_roll_up(store: MetricStore) -> None:
    for minute in range(60):
        store.put(CPU, float(minute), T + 60 * minute)
    store.flush(T + 29 * HOUR)
    assert read(store, T, 60) is None
    assert [read(store, T, 300, name) for name in ("p20", "p100")] == [0, 4]
    assert read(store, T, 3600, "p50") == 29
    store.flush(T + 5 * DAY)
    assert read(store, T, 300) is None
    assert read(store, T, 3600, "p50") == 29


def test_what_comes_late_goes_where_its_age_belongs(store: MetricStore) -> None:
    now = T + 10 * DAY
    store.flush(now)
    for age, resolution in ((0.5 * HOUR, 1), (20 * HOUR, 60), (2 * DAY, 300), (10 * DAY, 3600)):
        at = (now - age) // 3600 * 3600
        store.put(CPU, 1.0, at, resolution=1)
        assert [read(store, at, period) is not None for period in (1, 60, 300, 3600)] == [
            period >= resolution for period in (1, 60, 300, 3600)
        ]
    store.put(CPU, 1.0, now - 30 * DAY)
    assert read(store, (now - 30 * DAY) // 3600 * 3600, 3600) is None


# Durability.


def test_what_was_flushed_is_there_after_a_crash(path: Path) -> None:
    store = MetricStore(path)
    for value, at in ((0.0, 600.0), (10.0, 659.0), (4.0, 660.0)):
        store.put(CPU, value, at, unit="Percent", resolution=1)
    store.flush(661.0)
    store.put(CPU, 99.0, 661.0, unit="Percent")
    store.close()
    again = MetricStore(path)
    assert list(again.units(CPU)) == ["Percent"]
    assert [read(again, 600, 60, name) for name in ("SampleCount", "Minimum", "Maximum", "p90")] == [2, 0, 10, 10]
    assert [read(again, 660, 60), read(again, 600, 120), read(again, 659, 1), read(again, 720, 60)] == [4, 14, 10, None]
    assert again.newest(CPU) == 660
    again.close()


@pytest.mark.parametrize("seed", range(8))
def test_no_crash_loses_or_doubles_what_was_flushed(seed: int, path: Path) -> None:
    """Over days of data of every age, with restarts at random: roll-ups and forgetting happen once or not at all."""
    chance = random.Random(seed)
    store, total, now = MetricStore(path), 0.0, T
    for _ in range(150):
        now += chance.choice((30.0, 600.0, 2 * HOUR, 9 * HOUR))
        for _ in range(chance.randint(1, 4)):
            value = float(chance.randint(1, 9))
            total += value
            store.put(
                CPU, value, now - chance.choice((0.0, 100.0, 5000.0, 20 * HOUR)), resolution=chance.choice((1, 60))
            )
        store.flush(now)
        if chance.random() < 0.3:
            store.put(CPU, 1000.0, now)
            store.close()
            store = MetricStore(path)
        if now - T > 13 * DAY:
            break
    end = now // 3600 * 3600 + 3600
    days = int(DAY) * 16
    assert read(store, end - days, days) == total
    store.close()


def test_marks_and_data_survive_together_or_not_at_all(path: Path) -> None:
    store = MetricStore(path)
    store.mark("node/a", lambda: "3")
    store.mark("node/b", lambda: "7")
    store.put(CPU, 3.0, T)
    store.flush(T + 1)
    store.mark("node/b", None)
    store.flush(T + 2)
    store.put(CPU, 2.0, T + 3)
    store.mark("node/a", lambda: "5")
    assert (store.marked("node/a"), store.marked("node/b")) == ("5", None)
    store.close()
    again = MetricStore(path)
    assert (read(again, T, 60), again.marked("node/a"), again.marked("node/b")) == (3.0, "3", None)
    assert again.sources() == ("node/a",)
    again.close()


def test_a_disk_that_does_not_take_it_loses_nothing(path: Path) -> None:
    store = MetricStore(path)
    store.put(CPU, 1.0, T)
    store.flush(T)
    store.put(CPU, 2.0, T + 2 * HOUR)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="metric data could not be written: database is locked"):
        store.flush(T + 30 * HOUR)
    other.execute("ROLLBACK")
    other.close()
    store.put(CPU, 4.0, T + 30 * HOUR)
    store.flush(T + 30 * HOUR)
    store.close()
    again = MetricStore(path)
    assert [read(again, T + hour * HOUR, 3600) for hour in (0, 2, 30)] == [1, 2, 4]
    assert read(again, T - T % DAY, 2 * int(DAY)) == 7
    again.close()


def test_a_metric_that_was_forgotten_may_come_back(path: Path) -> None:
    store = MetricStore(path)
    store.put(CPU, 1.0, T)
    store.flush(T)
    store.flush(T + 20 * DAY)
    assert list(store.metrics()) == []
    store.put(CPU, 2.0, T + 20 * DAY)
    store.flush(T + 20 * DAY)
    store.close()
    again = MetricStore(path)
    assert read(again, T - T % DAY, 30 * int(DAY)) == 2
    again.close()


def test_the_data_of_an_older_lab_gives_way(path: Path) -> None:
    old = sqlite3.connect(path)
    old.execute("CREATE TABLE statistics (metric TEXT, minute INTEGER, PRIMARY KEY (metric, minute))")
    old.close()
    store = MetricStore(path)
    assert list(store.metrics()) == []
    store.close()


def test_a_file_that_holds_no_metric_data_is_refused(path: Path) -> None:
    path.write_bytes(b"this is no database, however long it may be" * 99)
    with pytest.raises(Refused, match=r"metrics\.sqlite cannot be read"):
        MetricStore(path)


# Size.


def kept(store: MetricStore) -> Iterator[tuple[int, int]]:
    """Of each stream: how many periods its blocks have room for, and bytes of distributions."""
    for stream in streams(store):
        blocks = [block for of_resolution in stream.blocks.values() for block in of_resolution.values()]
        parts = [one.parts for block in blocks for one in block.distributions.values()]
        assert all(len(some) == 1 for some in parts), "a distribution is not packed"
        yield 60 * len(blocks), sum(len(some[0]) for some in parts)


def streams(store: MetricStore) -> list[Stream]:
    return [stream for metric in store.metrics() for stream in store.streams(metric)]


def test_a_series_takes_bounded_room_however_long_it_runs(store: MetricStore) -> None:
    """A value a minute and another for three weeks, sixty different metrics coming and going among them."""
    most, now = 0, T
    for hour in range(21 * 24):
        for minute in range(0, 60, 12):
            store.put(CPU, float(minute), now + 60 * minute)
            store.put(CPU, float(minute + hour % 7), now + 60 * minute)
        store.put(Metric("N", f"m{hour % 60}", (("run", str(hour // 60)),)), 1.0, now)
        now += HOUR
        store.flush(now)
        most = max(most, *(room for room, _ in kept(store)))
    bound = sum(seconds / resolution + 120 for resolution, seconds in RETENTION.items() if resolution >= 60)
    assert most <= bound
    assert len(store.metrics()) <= 1 + 15 * 24 + 60 + 2


def test_many_samples_in_a_minute_take_little_room(store: MetricStore) -> None:
    chance = random.Random(1)
    for _ in range(5000):
        store.put(CPU, chance.lognormvariate(-3, 1), T)
    store.flush(T)
    [(room, size)] = kept(store)
    assert room == 60
    assert size < 3000
    assert read(store, T, 60, "SampleCount") == 5000


def test_seconds_are_kept_for_an_hour_only(store: MetricStore) -> None:
    for second in range(0, 3 * 3600, 10):
        store.put(CPU, 1.0, T + second, resolution=1)
        if second % 600 == 0:
            store.flush(T + second)
    [stream] = streams(store)
    assert len(stream.blocks[1]) <= 60 + 12
