import pytest

from bench.contender import AIOHTTP, COMPILED, HAPROXY, NGINX, OURS
from bench.goals import CPU, IDLE, P99, PEER, RATE
from bench.load import Load
from bench.memory import Growth
from bench.summary import Line, Run, Spread, lines, unsaturated


def run(
    contender: str,
    cpu_us: float,
    *,
    number: int = 1,
    scenario: str = "small",
    requests: int = 1000,
    p99_us: int = 2000,
    errors: int = 0,
    after_us: float = 0.0,
    elapsed: float = 1.0,
) -> Run:
    load = Load(requests=requests, seconds=1.0, errors=errors, p50_us=500, p99_us=p99_us)
    cpu_ns, after_ns = round(cpu_us * 1000 * requests), round(after_us * 1000 * requests)
    return Run(scenario, number, 0, contender, cpu_ns, after_ns, elapsed, load)


def line(runs: list[Run], measure: str, scenario: str = "small", growths: tuple[Growth, ...] = ()) -> Line:
    [found] = [one for one in lines(runs, growths) if (one.measure, one.scenario) == (measure, scenario)]
    return found


def test_what_is_put_off_is_paid_for_too() -> None:
    one = run(OURS, 25.0, requests=20_000, after_us=2.5, elapsed=2.0)
    assert (one.cpu_us, one.rate, one.busy) == (27.5, 20_000.0, 0.25)
    assert one.to_json()["cpu_us_per_request"] == 27.5


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        ([1.5], Spread(1.5, 1.5, 1.5)),
        ([1.0, 2.0], Spread(1.5, 1.25, 1.75)),
        ([5.0, 1.0, 3.0, 2.0, 4.0], Spread(3.0, 2.0, 4.0)),
    ],
)
def test_median_and_quartiles(values: list[float], spread: Spread) -> None:
    assert Spread.of(values) == spread


def test_ratios_are_taken_within_a_round() -> None:
    """The second round ran while the machine was twice as slow: the ratio does not notice."""
    runs = [
        run(OURS, 24.0, number=1), run(NGINX, 20.0, number=1),
        run(NGINX, 40.0, number=2), run(OURS, 52.0, number=2),
        run(OURS, 28.0, number=3), run(NGINX, 20.0, number=3),
    ]  # fmt: skip
    cells = line(runs, CPU).cells
    assert cells[OURS].spread.median == pytest.approx(1.3)
    assert cells[OURS].spread.low == pytest.approx(1.25)
    assert cells[OURS].spread.high == pytest.approx(1.35)
    assert cells[NGINX].spread.median == 20.0  # in microseconds


def test_a_round_without_nginx_gives_no_ratio() -> None:
    assert list(lines([run(OURS, 24.0)], ())) == []


def test_throughput_and_latency_are_ratios_too() -> None:
    runs = [run(OURS, 1.0, requests=700, p99_us=3000), run(NGINX, 1.0, requests=1000, p99_us=2000)]
    assert line(runs, RATE).cells[OURS].spread.median == 0.7
    assert line(runs, P99).cells[OURS].spread.median == 1.5
    assert line(runs, P99).cells[NGINX].spread.median == 2.0  # in milliseconds


@pytest.mark.parametrize(
    ("contender", "cpu_us", "met"),
    [(OURS, 1.3, True), (OURS, 1.31, False), (COMPILED, 1.15, True), (COMPILED, 1.2, False), (HAPROXY, 0.9, None)],
)
def test_a_goal_is_met_up_to_its_limit(contender: str, cpu_us: float, met: bool | None) -> None:
    assert line([run(contender, cpu_us), run(NGINX, 1.0)], CPU).cells[contender].met is met


def test_errors_meet_no_goal() -> None:
    runs = [run(name, 1.0, number=number, errors=number - 1) for name in (OURS, NGINX) for number in (1, 2)]
    cell = line(runs, CPU).cells[OURS]
    assert (cell.errors, cell.met) == (1, False)


def test_peers_are_held_against_ours() -> None:
    runs = [run(OURS, 30.0), run(COMPILED, 25.0), run(NGINX, 20.0), run(AIOHTTP, 125.0)]
    cells = line(runs, PEER, AIOHTTP).cells
    assert (cells[COMPILED].spread.median, cells[COMPILED].met) == (5.0, True)
    assert cells[OURS].met is False
    assert set(cells) == {OURS, COMPILED}


def test_memory_is_in_kilobytes_for_all() -> None:
    growths = [Growth("idle", number, name, 9_000_000, size) for name, sizes in
               ((OURS, (1024, 2048, 4096)), (NGINX, (512, 512, 512))) for number, size in enumerate(sizes, 1)]  # fmt: skip
    cells = line([], IDLE, "idle", tuple(growths)).cells
    assert (cells[OURS].spread, cells[OURS].met) == (Spread(2.0, 1.5, 3.0), True)
    assert cells[NGINX].spread.median == 0.5


def test_a_core_that_was_not_saturated_is_named() -> None:
    runs = [run(OURS, 960.0), run(NGINX, 900.0)]
    assert unsaturated(lines(runs, ())) == ["requests per second: small head, 100 B body: nginx 90 %"]
    assert line(runs, RATE).cells[OURS].met is None
    assert line(runs, CPU).cells[OURS].met is True
    runs = [run(OURS, 960.0), run(NGINX, 950.0)]
    assert unsaturated(lines(runs, ())) == []
    assert line(runs, RATE).cells[OURS].met is True
