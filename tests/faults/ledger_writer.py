"""Programs for the fault tests that write a ledger from another process, told what to do by their arguments.

`... LEDGER race EVENT` wants EVENT of one batch for each line it reads, and prints whether it was granted.
`... LEDGER hurry` commits file after file and prints the number of each.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from agent.ledger.ledger import Ledger
from agent.states import UnknownTransitionError
from tests.unit.ledger.made import NOON, batch, moved, prepared, submission, taken

BATCHES = [batch(submission("race"), number) for number in range(1, 61)]


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def race(ledger: Ledger, event: str) -> None:
    """Want each batch to go one way while another process wants it to go another."""
    say("ready")
    for one in BATCHES:
        sys.stdin.readline()
        try:
            ledger.commit([moved(one, event, reason=event)], at=NOON, actor=event)
        except UnknownTransitionError:
            say("refused")
        else:
            say("granted")


def hurry(ledger: Ledger) -> None:
    """Write as fast as the disk allows, until killed."""
    start = len(ledger.submissions())
    for number in count(start):
        owner = submission(f"f{number}")
        ledger.commit([taken(owner), prepared(owner, batch(owner))], at=NOON)
        say(f"{number}")


if __name__ == "__main__":
    with Ledger.open(Path(sys.argv[1]), must_exist=True) as opened:
        if sys.argv[2] == "race":
            race(opened, sys.argv[3])
        else:
            hurry(opened)
