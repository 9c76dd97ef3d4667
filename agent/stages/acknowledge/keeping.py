"""What was fetched goes into the archive as it came, before the ledger names it and before anybody reads it.

Done again after a crash it is the same: its id follows from where it came from.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.ledger.ids import acknowledgement_id
from agent.ledger.transition import Transition
from agent.model import Acknowledgement

if TYPE_CHECKING:
    from agent.acks.base import Fetched, Kind
    from agent.stages.context import Context

ENDINGS: dict[Kind, str] = {"mail": ".eml", "file": ".answer"}  # of the name in the archive, by kind


def keep(context: Context, source: str, kind: Kind, fetched: Fetched) -> Transition:
    """Write what was fetched into the archive; return the transition that makes it known.

    Args:
        context: of the agent.
        source: what names the source, for good.
        kind: what the source's things are.
        fetched: one of them.

    Raises:
        SpoolError: it could not be written.

    """
    now = context.now()
    identity = acknowledgement_id(source, fetched.key)
    day = datetime.fromtimestamp(now, UTC).strftime("%Y/%m/%d")
    stored = context.spool.write(f"archive/acknowledgements/{day}/{identity}{ENDINGS[kind]}", fetched.content)
    made = Acknowledgement(
        id=identity,
        source=source,
        key=fetched.key,
        name=fetched.name,
        path=stored.path,
        sha256=stored.sha256,
        size=stored.size,
        fetched_at=now,
        updated_at=now,
        state="",
    )
    note = f"from {source}, {stored.size} bytes, sha256 {stored.sha256}"
    return Transition(identity, "acknowledgement", "fetched", note=note, acknowledgement=made)
