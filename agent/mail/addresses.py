"""Mail addresses, and the one identity by which a batch's mail is known again.

Only plain ASCII addresses are understood, `name@domain`: what is not on the list of allowed signs could end a
command or a header and begin another.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from agent.ledger.ids import BATCH_ID

__all__ = ["Address", "batch_of", "domain_of", "message_id"]

_LONGEST = 254  # RFC 5321 allows 256 for a path, with its brackets
_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@){_WORD}(?:\.{_WORD})*@{_LABEL}(?:\.{_LABEL})*")
_BATCH = re.compile(rf"\s*<?({BATCH_ID})@{_LABEL}(?:\.{_LABEL})*>?\s*")


def _address(text: str) -> str:
    if len(text) > _LONGEST or not _ADDRESS.fullmatch(text):
        raise ValueError("is not a mail address; write name@domain, without a person's name and brackets")
    return text


Address = Annotated[str, AfterValidator(_address)]


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
