"""What can go wrong on the way to an FTP server, before anybody has decided what it means.

The rooms below the channel raise these (and `OSError` from the socket); `classify` in the channel's module
says which of them may be tried again. Their texts are plain words without secrets.
"""

from __future__ import annotations

_LASTING = 500  # codes from here on mean: do not ask again
NO_ROOM = 552  # "exceeded storage allocation": there may be room again later
MEANINGS = {
    450: "the file is busy",
    451: "an error at the server",
    452: "no room on the server's disk",
    501: "a path or name that it does not understand",
    502: "it does not know this command",
    522: "it wants the second connection's TLS otherwise",
    530: "not logged in",
    532: "it wants an account",
    534: "it wants TLS otherwise",
    550: "no such file or folder, or no right to it",
    NO_ROOM: "no room left for this login",
    553: "no such file name may be used, no such folder, or no right to it",
}


class FarError(Exception):
    """Anything the far side, or the way to it, did to us."""


class LostError(FarError):
    """The connection broke, fell silent or ran out of time; what was asked last may have been done."""


class RefusedError(FarError):
    """The server answered a request with a definite no: it was not carried out."""

    def __init__(self, step: str, code: int, text: str = "", *, begun: bool = False) -> None:
        self.step, self.code, self.text = step, code, text
        self.begun = begun  # whether a transfer had begun: then something of the file may be there
        meaning = f": {MEANINGS[code]}" if code in MEANINGS else ""
        said = " ".join(filter(None, (str(code), text)))
        super().__init__(f"the server refused to {step}{meaning} ({said})")

    @property
    def lasting(self) -> bool:
        """Whether asking again later cannot help."""
        return self.code >= _LASTING and self.code != NO_ROOM


class GoodbyeError(LostError):
    """The server said that it hangs up, instead of an answer."""


class LoginBrokenError(LostError):
    """The server hung up while it was checking the login: some do that in place of a refusal."""


class ShortError(FarError):
    """The server has stored another number of bytes than it was sent."""


class TrustError(FarError):
    """The server offers no TLS, or did not prove to be the one it should be; no batch was sent."""


class PeerError(FarError):
    """The server does not speak FTP, or in a way that the agent does not accept."""


class LoginError(FarError):
    """The server refused user name or password."""


class SecretError(FarError):
    """The password in the settings cannot be used."""


class SignError(FarError):
    """A name or path holds a sign that would end a command early; nothing was sent."""


class UnclearError(FarError):
    """Something stands under the parcel's name, or may, and it cannot be told to be the parcel."""
