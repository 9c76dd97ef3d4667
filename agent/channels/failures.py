"""What can go wrong on the way to a server that keeps files, whatever it speaks, and what follows from it.

The rooms below a channel raise these, what else their protocol knows of, and `OSError` from the socket. Their
texts are plain words without secrets. `lasting` says whether trying again later cannot help until a person has
changed something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import Permanent, Transient, UnknownOutcome
from agent.net.dialing import unreachable

if TYPE_CHECKING:
    from agent.errors import ChannelError


class FarError(Exception):
    """Anything the far side, the way to it, or what was to be sent did to us."""

    lasting = False


class LostError(FarError):
    """The connection broke, fell silent or ran out of time; what was asked last may have been done."""


class LoginBrokenError(LostError):
    """The server hung up while it was checking the login: some do that in place of a refusal."""


class ShortError(FarError):
    """The server has stored another number of bytes than it was sent."""


class PeerError(FarError):
    """The server speaks no algorithm, or no protocol, that the agent accepts."""

    lasting = True


class LoginError(FarError):
    """The server refused user name, password or key."""

    lasting = True


class SecretError(FarError):
    """The password or private key in the settings cannot be used."""

    lasting = True


class ChangedError(FarError):
    """The bytes on our own disk are not those the parcel speaks of, or cannot be read."""

    lasting = True


class UnclearError(FarError):
    """Something stands under the parcel's name, or may, and it cannot be told to be the parcel."""


REFUSALS = (LoginError, LoginBrokenError)  # after some of these a server may lock the account


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
