"""What can go wrong on the way to an FTP server only: what does at any server is in `net/failures.py`."""

from __future__ import annotations

from agent.net.failures import FarError, LostError

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


class RefusedError(FarError):
    """The server answered a request with a definite no: it was not carried out."""

    def __init__(self, step: str, code: int, text: str = "", *, begun: bool = False) -> None:
        self.step, self.code, self.text = step, code, text
        self.lasting = code >= _LASTING and code != NO_ROOM
        self.begun = begun  # whether a transfer had begun: then something of the file may be there
        meaning = f": {MEANINGS[code]}" if code in MEANINGS else ""
        said = " ".join(filter(None, (str(code), text)))
        super().__init__(f"the server refused to {step}{meaning} ({said})")


class GoodbyeError(LostError):
    """The server said that it hangs up, instead of an answer."""


class TrustError(FarError):
    """The server offers no TLS, or did not prove to be the one it should be; no batch was sent."""

    lasting = True


class SignError(FarError):
    """A name or path holds a sign that would end a command early; nothing was sent."""

    lasting = True
