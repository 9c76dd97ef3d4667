"""What can go wrong on the way to a mail relay, before anybody has decided what it means.

The other modules of this room raise these (and `OSError` from the socket). Their texts are plain words
without secrets. `lasting` says whether trying again later cannot help until a person has changed something.
"""

from __future__ import annotations

_LASTING_FROM = 500  # RFC 5321, 4.2.1: 4yz transient, 5yz permanent
_TOO_LARGE = 552  # also a full mailbox
_LONGEST = 400  # characters of a server's words that are told


class MailError(Exception):
    """Anything the relay, the way to it, or what was to be sent did to us."""

    lasting = False


class LostError(MailError):
    """The connection broke, fell silent or ran out of time, or the server spoke no SMTP."""


class LoginBrokenError(LostError):
    """The server hung up while it was checking the login: some do that in place of a refusal."""


class RefusedError(MailError):
    """The server answered a step with a definite no: it was not carried out."""

    def __init__(self, step: str, code: int, text: str) -> None:
        self.step, self.code, self.text = step, code, text
        self.lasting = code >= _LASTING_FROM
        hint = "; if it is too large, max_size makes batches smaller" if code == _TOO_LARGE else ""
        super().__init__(f"the server refused {step}: {code} {text}{hint}")


class LoginError(MailError):
    """The server, or whoever gives out tokens for it, refused user name, password or token."""

    lasting = True


class PeerError(MailError):
    """The server did not prove who it is, or lacks what the settings require; nothing secret was sent."""

    lasting = True


class SecretError(MailError):
    """The password, the token or a certificate named in the settings cannot be used."""

    lasting = True


class ChangedError(MailError):
    """The bytes on our own disk are not those that were to be sent."""

    lasting = True


class LetterError(MailError):
    """A mail like this cannot be written, or no server would take it."""

    lasting = True


def printable(words: bytes) -> str:
    """Return a server's words as one short line: what cannot be printed stands as a question mark."""
    text = " ".join(words.decode("utf-8", "replace").split())
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
