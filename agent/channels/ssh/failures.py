"""What can go wrong on the way to an SFTP server only: what does at any server is in `net/failures.py`."""

from __future__ import annotations

from agent.net.failures import FarError

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


class RefusedError(FarError):
    """The SFTP server answered a request with a definite no: it was not carried out."""

    def __init__(self, step: str, code: int, text: str = "") -> None:
        self.step, self.code, self.text = step, code, text
        self.lasting = code in LASTING
        meaning = NAMES.get(code, f"status {code}")
        said = f" ({text})" if text and text.casefold() != meaning else ""
        super().__init__(f"the server refused to {step}: {meaning}{said}")


class HostKeyError(FarError):
    """The server did not prove to be the one pinned in the settings; nothing secret was sent."""

    lasting = True
