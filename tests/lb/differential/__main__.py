"""Prints what the node, nginx and HAProxy make of each request of the corpus: RESULTS.md is that output."""

import tempfile
from pathlib import Path

from tests.lb.differential.peers import Done, run_peers
from tests.lb.hostile.corpus import REQUESTS


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        peers = run_peers(REQUESTS, Path(directory))
    print("# What three balancers make of hostile requests\n")
    print(
        "Statuses the client got / whole requests a naive origin saw. The node's column is what the tests hold it to, in the"
    )
    print("default mode, defensive. Made by `python -m tests.lb.differential`.\n")
    print(f"| request | AWS's class | node | {' | '.join(peers)} |")
    print("|---" * (3 + len(peers)) + "|")
    for row in REQUESTS:
        if len(row.answers) < 10:
            ours = Done(row.answers, row.answers.count(200))
            cells = (row.name, f"{row.desync.tier.name.capitalize()} {row.desync.reason}", ours)
            print("|", " | ".join(map(str, (*cells, *(peer[row.name] for peer in peers.values())))), "|")


main()
