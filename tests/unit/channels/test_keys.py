"""Private keys in every form: read, or refused with words that help and hide the key."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from agent.channels.ssh import keys
from agent.net.failures import SecretError

KEY = ed25519.Ed25519PrivateKey.generate()
PLAIN = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
LOCKED = KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(b"sesame"))
PUBLIC = KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


def test_forms_are_the_same_key() -> None:
    """PKCS#8, with line ends of another system, and OpenSSH's own with its passphrase."""
    wanted = PUBLIC.decode().split()[1]
    assert keys.load(PLAIN).get_base64() == wanted
    assert keys.load(b"\r\n" + PLAIN.replace(b"\n", b"\r\n")).get_base64() == wanted
    assert keys.load(LOCKED, b"sesame").get_base64() == wanted


@pytest.mark.parametrize(
    ("text", "passphrase", "words"),
    [
        (LOCKED, None, "passphrase"),
        (LOCKED, b"wrong", "passphrase is wrong"),
        (PLAIN, b"sesame", "has no passphrase"),
        (PLAIN[:60] + PLAIN[70:], None, "cannot be read"),
        (PUBLIC, None, "public key"),
        (b"PuTTY-User-Key-File-3: ssh-ed25519", None, "puttygen"),
        (b"correct horse", None, "not a private key"),
        (b"", None, "not a private key"),
        (b"-----BEGIN PRIVATE KEY-----" + b"A" * 70_000, None, "not a private key"),
    ],
    ids=["locked", "wrong", "open", "cut", "public", "putty", "words", "empty", "large"],
)
def test_refused(text: bytes, passphrase: bytes | None, words: str) -> None:
    """The words say what to do and quote nothing of the key."""
    with pytest.raises(SecretError, match=words) as caught:
        keys.load(text, passphrase)
    assert text[30:60].decode() not in str(caught.value) or not text[30:60]
