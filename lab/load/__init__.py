"""An open-loop HTTP load generator: requests leave on schedule, whether or not earlier ones were answered.

A closed-loop generator waits for answers, so a server that stalls also stops the questions and the stall is counted once.
Here each arrival has an intended time and latency is measured from it, so a stall shows in as many requests as it delayed.

`run(plan)` does the work; `lab.load.terminal.drive(plan)` does it with a live display and a summary.
"""

from lab.load.engine import run
from lab.load.plan import Plan
from lab.load.result import Result, Snapshot, Window

__all__ = ["Plan", "Result", "Snapshot", "Window", "run"]
