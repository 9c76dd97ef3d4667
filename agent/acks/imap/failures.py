"""What can go wrong on the way to a mailbox, before anybody has decided what it means; plain words, no secrets."""

from __future__ import annotations


class FarError(Exception):
    """Anything the server, or the way to it, did to us."""


class LostError(FarError):
    """The connection broke, fell silent or ran out of time."""


class RefusedError(FarError):
    """The server answered a command with a definite no."""


class LoginError(FarError):
    """The server refused user name, password or token."""


class SecretError(FarError):
    """The password or token in the settings cannot be used."""


class PeerError(FarError):
    """The server does not do what the agent relies on."""
