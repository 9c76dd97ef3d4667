"""Names for submissions and batches: pure functions of what they stand for.

Base 32 in lower case without i, l, o and u, so that a person can read an id out over the telephone.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

BATCH_ID = r"(?<![0-9a-z])[0-9a-hjkmnp-tv-z]{20}(?![0-9a-z])"  # how one looks inside a name
_LETTERS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghjkmnpqrstvwxyz")


def submission_id(day: date, feed: str, sha256: str, fingerprint: str, again: int = 0) -> str:
    """Return an id such as `20261121-k3v9q2hd` for a file taken on `day` (UTC).

    Eight characters are 40 bits, so two files of one day may meet: ask the ledger, and count `again` up if
    so.
    """
    return f"{day:%Y%m%d}-{_digest('submission', feed, sha256, fingerprint, str(again))[:8]}"


def member_id(archive: str, number: int) -> str:
    """Return the id of a file inside an archive by its place there, from 1: `20261121-k3v9q2hd-007`.

    They sort as they stand in the archive, and whoever makes them again makes the same.
    """
    return f"{archive}-{number:03d}"


def acknowledgement_id(source: str, key: str) -> str:
    """Return the id of what has this key at a source of acknowledgements."""
    return f"ack-{_digest('acknowledgement', source, key)[:16]}"


@dataclass(frozen=True, slots=True)
class BatchOrigin:
    """All that makes a batch what it is: the same origin gives the same bytes and the same id."""

    feed: str
    destination: str
    raw: str  # SHA-256 of the dropped file
    template: str  # digest of the template's text
    mapping: (
        str  # digest of everything else that shapes the bytes: feed settings, dialect, version of the agent
    )
    generation: int  # goes up each time a person releases the submission anew
    number: int  # 1-based within the submission


def batch_id(origin: BatchOrigin) -> str:
    """Return the 20 characters (100 bits) by which the far side and we know this batch."""
    return _digest("batch", *map(str, astuple(origin)))[:20]


def _digest(*parts: str) -> str:
    whole = hashlib.sha256()
    for part in parts:  # each with its length, so that no two lists of parts read the same
        encoded = part.encode("utf-8", "surrogatepass")
        whole.update(b"%d:" % len(encoded) + encoded)
    return b32encode(whole.digest()).decode("ascii").rstrip("=").translate(_LETTERS)
