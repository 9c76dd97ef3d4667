"""Pinned host keys: how settings write them, and whether a server's key is one of them. Pure.

Written as `ssh-keyscan` prints them (`ssh-ed25519 AAAA…`, a host name in front and a comment behind are
passed over) or as a fingerprint (`SHA256:…`, if wanted with the kind of key in front).
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

# Kind of key → the signature algorithms it is asked for with; ssh-rsa's own (SHA-1) is not among them.
ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
_SHOULD_BE = "write it as ssh-keyscan prints it, such as 'ssh-ed25519 AAAA…', or its fingerprint 'SHA256:…'"


@dataclass(frozen=True, slots=True)
class Pin:
    """One host key a server may show: its kind ("" = any) and its fingerprint."""

    kind: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.kind} {self.fingerprint}".strip()


def parse(text: str) -> Pin:
    """Read one pinned key.

    Raises:
        ValueError: it is none; the words say how one is written.
    """
    words = text.split()
    if len(words) > 1 and words[0] not in ALGORITHMS and words[1] in ALGORITHMS:
        del words[0]  # the host name ssh-keyscan puts in front
    kind = words.pop(0) if words and words[0] in ALGORITHMS else ""
    if words and words[0].startswith("SHA256:"):
        return Pin(kind, _fingerprint_text(words[0]))
    if not kind:
        raise ValueError(_why_no_key(text))
    if not words:
        raise ValueError(f"has the kind {kind} but no key; {_SHOULD_BE}")
    return Pin(kind, fingerprint(_blob(kind, words[0])))


def fingerprint(blob: bytes) -> str:
    """Return a public key's fingerprint as ssh-keygen prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def algorithms(pins: tuple[Pin, ...]) -> tuple[str, ...]:
    """Return the signature algorithms to ask the server for, so that it shows a key of a pinned kind."""
    kinds = {pin.kind for pin in pins}
    wanted = ALGORITHMS if "" in kinds else {kind: each for kind, each in ALGORITHMS.items() if kind in kinds}
    return tuple(algorithm for each in wanted.values() for algorithm in each)


def matching(pins: tuple[Pin, ...], kind: str, blob: bytes) -> bool:
    """Tell whether a server's key is one of the pinned."""
    return any(pin.kind in {"", kind} and pin.fingerprint == fingerprint(blob) for pin in pins)


def _fingerprint_text(text: str) -> str:
    bare = text.rstrip("=")
    if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", bare, re.ASCII):
        raise ValueError(f"is not a whole fingerprint; {_SHOULD_BE}")
    return bare


def _blob(kind: str, text: str) -> bytes:
    try:
        blob = base64.b64decode(text, validate=True)
    except ValueError:  # not base64, or not even ASCII
        raise ValueError(f"has a key that is not whole; {_SHOULD_BE}") from None
    name = kind.encode()
    if not blob.startswith(len(name).to_bytes(4, "big") + name) or len(blob) < len(name) + 36:
        raise ValueError(f"has a key that is not of the kind {kind} or not whole; {_SHOULD_BE}")
    return blob


def _why_no_key(text: str) -> str:
    if "ssh-dss" in text:
        return "is a DSA key, which nobody should trust any more; ask for the server's ed25519 or RSA key"
    if "PRIVATE KEY" in text:
        return "is a private key; the server's public key is wanted here"
    return f"is not a host key; {_SHOULD_BE}"
