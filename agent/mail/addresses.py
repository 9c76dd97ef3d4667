"""Mail addresses, and the one identity by which a batch's mail is known again.

Only plain ASCII addresses are understood, `name@domain`: what is not on the list of allowed signs could end a
command or a header and begin another.
"""

from __future__ import annotations

import re

from agent.ledger.ids import BATCH_ID
from agent.settings.forms import LABEL, Address

__all__ = ["OWN_HEADER", "Address", "batch_of", "domain_of", "is_of_notice", "message_id", "notice_id"]

OWN_HEADER = ("X-Impact-Agent", "notice")  # of mails to people, by which the agent knows its own again
_NOTICE = "notice."  # no batch id holds a dot
_BATCH = re.compile(rf"\s*<?({BATCH_ID})@{LABEL}(?:\.{LABEL})*>?\s*")


def domain_of(address: str) -> str:
    """Return what stands behind the @."""
    return address.rpartition("@")[2]


def message_id(batch: str, sender: str) -> str:
    """Return the Message-ID of a batch's mail, `<BATCH@DOMAIN>`; the same at every attempt.

    Args:
        batch: the batch id, 20 characters as `ledger/ids.py` makes them.
        sender: the sender's address; its domain is DOMAIN.
    """
    return f"<{batch}@{domain_of(sender).lower()}>"


def batch_of(message_id: str) -> str | None:
    """Return the batch a Message-ID (of an In-Reply-To, of one item of References) speaks of, None: of none.

    The domain is not compared: relays that write Message-IDs anew do not keep the batch either.
    """
    found = _BATCH.fullmatch(message_id)
    return found[1] if found else None


def notice_id(notice: str, sender: str) -> str:
    """Return the Message-ID of a notice to people; it is like no batch's."""
    return f"<{_NOTICE}{notice}@{domain_of(sender).lower()}>"


def is_of_notice(message_id: str) -> bool:
    """Whether a Message-ID is that of a notice to people."""
    return message_id.strip().removeprefix("<").startswith(_NOTICE)
