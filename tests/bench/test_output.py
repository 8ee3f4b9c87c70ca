import json
from pathlib import Path

import pytest

from bench import output
from bench.contender import COMPILED, NGINX, OURS
from bench.goals import CPU, GOALS, IDLE, P99, PEER, RATE, Goal
from bench.machine import Machine
from bench.memory import Growth
from bench.output import Facts
from bench.scenarios import NAMES
from bench.summary import Run, lines
from tests.bench.test_summary import run

FACTS = Facts(
    date="2026-11-25",
    machine=Machine("a processor", 2, "Linux 6.1"),
    python="Python 3.13.0 (with PGO, with LTO)",
    contenders={OURS: "Python 3.13.0", NGINX: "nginx 1.22.1"},
    remarks=["left out: HAProxy: not installed: haproxy (Debian: apt-get install haproxy)"],
    load_generators="wrk 4.1.0",
    cores="origin and load on core 0, the balancers on core 1",
    cpu_time_from="/proc",
    rounds=1,
    seconds=3,
    connections=32,
    load_average_before=(0.1, 0.2, 0.3),
    load_average_after=(1.0, 0.5, 0.3),
    steal_percent=0.1,
)
RUNS = [run(OURS, 960.0, requests=1000), run(NGINX, 800.0, requests=1200)]
"""Both cores are 96 % busy."""
GROWTHS = [Growth("idle", 1, OURS, 9_000_000, 1536.0)]


def table(runs: list[Run]) -> list[list[str]]:
    text = output.markdown(FACTS, list(lines(runs, GROWTHS)))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_table_has_a_column_for_each_contender_that_ran() -> None:
    header, ruler, *rows = table(RUNS)
    assert header == ["", "ours", "nginx", "goal"]
    assert ruler == ["---", "--:", "--:", "--:"]
    assert rows == [
        ["CPU per request: small head, 100 B body", "1.20 (1.20-1.20) ✓", "800.0 us (800.0-800.0)", "≤ 1.3, ≤ 1.15"],
        [
            "requests per second: small head, 100 B body",
            "0.83 (0.83-0.83) ✓",
            "1,200 /s (1,200-1,200)",
            "≥ 0.7, ≥ 0.85",
        ],
        ["99 % of latencies: small head, 100 B body", "1.00 (1.00-1.00) ✓", "2.0 ms (2.0-2.0)", "≤ 1.5"],
        ["idle connection, KB", "1.5 KB (1.5-1.5) ✓", "", "≤ 2"],
    ]


def test_what_is_in_doubt_or_wrong_says_so() -> None:
    idle = [run(OURS, 700.0), run(NGINX, 500.0)]
    cells = {row[0].partition(":")[0]: row[1] for row in table(idle)}
    assert cells["CPU per request"] == "1.40 (1.40-1.40) ✗"
    assert cells["requests per second"] == "~1.00 (1.00-1.00)"
    [bad] = [row[1] for row in table([run(OURS, 960.0, errors=3), run(NGINX, 960.0)]) if row[0].startswith("CPU")]
    assert bad == "3 ERRORS"


def test_the_results_are_kept_by_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = list(lines(RUNS, GROWTHS))
    file = output.keep(tmp_path / "results", FACTS, RUNS, GROWTHS, found)
    assert file == tmp_path / "results/2026-11-25.md"
    kept = json.loads(file.with_suffix(".json").read_text())
    assert kept["machine"]["processor"] == "a processor"
    assert [(one["contender"], one["load"]["requests"]) for one in kept["runs"]] == [(OURS, 1000), (NGINX, 1200)]
    assert kept["memory"][0]["per_connection"] == 1536.0
    assert kept["lines"][0]["cells"][OURS]["goal"]["limit"] == 1.3
    text = file.read_text()
    assert "left out: HAProxy" in text
    assert "Python 3.13.0 (with PGO, with LTO)" in text
    output.show(FACTS, found)
    assert "1.20 (1.20-1.20) ✓" in capsys.readouterr().out


def test_goals_are_of_what_is_measured() -> None:
    assert {measure for measure, _ in GOALS} == {CPU, RATE, P99, IDLE, PEER}
    assert {scenario for measure, scenario in GOALS if measure != PEER} <= set(NAMES)
    assert all(set(goals) <= {OURS, COMPILED} for goals in GOALS.values())


def test_a_goal_reads_as_it_is_meant() -> None:
    assert (str(Goal(1.3)), str(Goal(0.7, at_most=False))) == ("≤ 1.3", "≥ 0.7")
    assert Goal(0.7, at_most=False).met(0.7)
    assert not Goal(0.7, at_most=False).met(0.69)
