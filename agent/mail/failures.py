"""What can go wrong on the way to a mail relay only: what does at any server is in `net/failures.py`."""

from __future__ import annotations

from agent.net.failures import FarError

_LASTING_FROM = 500  # RFC 5321, 4.2.1: 4yz transient, 5yz permanent
_TOO_LARGE = 552  # also a full mailbox
_LONGEST = 400  # characters of a server's words that are told


class RefusedError(FarError):
    """The server answered a step with a definite no: it was not carried out."""

    def __init__(self, step: str, code: int, text: str) -> None:
        self.step, self.code, self.text = step, code, text
        self.lasting = code >= _LASTING_FROM
        hint = "; if it is too large, max_size makes batches smaller" if code == _TOO_LARGE else ""
        super().__init__(f"the server refused {step}: {code} {text}{hint}")


class LetterError(FarError):
    """A mail like this cannot be written, or no server would take it."""

    lasting = True


def printable(words: bytes) -> str:
    """Return a server's words as one short line: what cannot be printed stands as a question mark."""
    text = " ".join(words.decode("utf-8", "replace").split())
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
