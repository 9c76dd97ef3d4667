"""What can go wrong on the way to any server, whatever it speaks, before anybody has decided what it means.

The rooms that talk to servers raise these, what else their protocol knows of, and `OSError` from the socket.
Their texts are plain words without secrets. `lasting` says whether trying again later cannot help until a
person has changed something.
"""

from __future__ import annotations

__all__ = [
    "REFUSALS",
    "ChangedError",
    "FarError",
    "LoginBrokenError",
    "LoginError",
    "LostError",
    "PeerError",
    "SecretError",
]


class FarError(Exception):
    """Anything the far side, the way to it, or what was to be sent did to us."""

    lasting = False


class LostError(FarError):
    """The connection broke, fell silent or ran out of time; what was asked last may have been done."""


class LoginBrokenError(LostError):
    """The server hung up while it was checking the login: some do that in place of a refusal."""


class PeerError(FarError):
    """The server speaks no algorithm, or no protocol, that the agent accepts, or lacks what settings require."""

    lasting = True


class LoginError(FarError):
    """The server, or whoever gives out tokens for it, refused user name, password, key or token."""

    lasting = True


class SecretError(FarError):
    """The password, key, token or certificate named in the settings cannot be used."""

    lasting = True


class ChangedError(FarError):
    """The bytes on our own disk are not those that were to be sent, or cannot be read."""

    lasting = True


REFUSALS = (LoginError, LoginBrokenError)  # after some of these a server may lock the account
