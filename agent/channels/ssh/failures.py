"""What can go wrong on the way to an SFTP server, before anybody has decided what it means.

The rooms below the channel raise these (and `OSError` from the socket); `classify` in the channel's module
says which of them may be tried again. Their texts are plain words without secrets.
"""

from __future__ import annotations

# Status codes of SFTP version 3, and those of later versions that servers send all the same.
NO_SUCH_FILE = 2
PERMISSION_DENIED = 3
FAILURE = 4
BAD_MESSAGE = 5
UNSUPPORTED = 8
EXISTS = 11
WRITE_PROTECTED = 12
INVALID_NAME = 20
NAMES = {
    1: "end of file",
    NO_SUCH_FILE: "no such file",
    PERMISSION_DENIED: "permission denied",
    FAILURE: "failure",
    BAD_MESSAGE: "bad message",
    6: "no connection",
    7: "connection lost",
    UNSUPPORTED: "operation not supported",
    EXISTS: "file exists already",
    WRITE_PROTECTED: "write protected",
    14: "no space left",
    15: "quota exceeded",
    INVALID_NAME: "invalid file name",
}
LASTING = frozenset(
    {NO_SUCH_FILE, PERMISSION_DENIED, BAD_MESSAGE, UNSUPPORTED, WRITE_PROTECTED, INVALID_NAME}
)


class FarError(Exception):
    """Anything the far side, or the way to it, did to us."""


class LostError(FarError):
    """The connection broke, fell silent or ran out of time; what was asked last may have been done."""


class RefusedError(FarError):
    """The SFTP server answered a request with a definite no: it was not carried out."""

    def __init__(self, step: str, code: int, text: str = "") -> None:
        self.step, self.code, self.text = step, code, text
        meaning = NAMES.get(code, f"status {code}")
        said = f" ({text})" if text and text.casefold() != meaning else ""
        super().__init__(f"the server refused to {step}: {meaning}{said}")

    @property
    def lasting(self) -> bool:
        """Whether asking again later cannot help."""
        return self.code in LASTING


class LoginBrokenError(LostError):
    """The server hung up while it was checking the login: some do that in place of a refusal."""


class ShortError(FarError):
    """The server has stored another number of bytes than it was sent."""


class HostKeyError(FarError):
    """The server did not prove to be the one pinned in the settings; nothing secret was sent."""


class PeerError(FarError):
    """The server speaks no algorithm, or no protocol, that the agent accepts."""


class LoginError(FarError):
    """The server refused user name, password or key."""


class SecretError(FarError):
    """The password or private key in the settings cannot be used."""


class ChangedError(FarError):
    """The bytes on our own disk are not those the parcel speaks of."""


class UnclearError(FarError):
    """Something stands under the parcel's name, or may, and it cannot be told to be the parcel."""
