"""What is said of a file whose bytes came before. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.model import Fault

if TYPE_CHECKING:
    from agent.model import Submission


def repeated(first: Submission, batch: str) -> Fault:
    """Say that the same bytes came before; `batch` is the first batch made of them, if any."""
    day = datetime.fromtimestamp(first.received_at, UTC)
    sent = f", batch {batch}" if batch else ""
    return Fault(
        "D-DUPLICATE",
        f"the same bytes came on {day:%Y-%m-%d %H:%M} UTC as submission {first.id}{sent}",
        "do nothing if it was dropped again by mistake; release it if it has to be sent once more",
        first.name,
    )
