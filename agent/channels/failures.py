"""What can go wrong with a file on the way to a server that keeps files, and what follows from any failure.

What goes wrong at any server is in `net/failures.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import Permanent, Transient, UnknownOutcome
from agent.net.dialing import unreachable
from agent.net.failures import FarError

if TYPE_CHECKING:
    from agent.errors import ChannelError


class ShortError(FarError):
    """The server has stored another number of bytes than it was sent."""


class UnclearError(FarError):
    """Something stands under the parcel's name, or may, and it cannot be told to be the parcel."""


def classify(error: Exception, *, visible: bool = False) -> ChannelError:
    """Decide what follows from a failure.

    Args:
        error: what went wrong: one of these, or from the socket.
        visible: whether the batch may have become visible before it went wrong.
    """
    words, evidence = unreachable(error) if isinstance(error, OSError) else str(error), str(error)
    if visible or isinstance(error, UnclearError):
        return UnknownOutcome(f"nobody can tell whether the batch got through: {words}", evidence=evidence)
    lasting = isinstance(error, FarError) and error.lasting
    return (Permanent if lasting else Transient)(words, evidence=evidence)
