"""What the bench of the simulator keeps."""

import json
from pathlib import Path

from bench.simulator import Cost, keep

COST = Cost("10 instances, a day", 1, 10, 24.0, 0.5, 0.25, 93.0, 13)


def test_results_are_kept_as_a_table_and_as_data(tmp_path: Path) -> None:
    keep(tmp_path, [COST], "2026-11-26")
    body = json.loads((tmp_path / "simulator-2026-11-26.json").read_text())
    assert body["date"] == "2026-11-26"
    assert body["machine"]["cores"] >= 1
    assert Cost(**body["costs"][0]) == COST
    table = (tmp_path / "simulator-2026-11-26.md").read_text()
    assert "| 10 instances, a day | 1 | 24 | 0.5 s | 0.25 s | 6.5 s | 93 MiB |" in table
