"""Private keys from bytes, in every form people have them; never from an agent, nor found by chance.

paramiko reads only some forms, so each is read by `cryptography` and handed over in OpenSSH's own form, in
memory. Errors never quote the key.
"""

from __future__ import annotations

from io import StringIO

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from agent.net.failures import SecretError

_LARGEST = 64 * 1024


def load(text: bytes, passphrase: bytes | None = None) -> paramiko.PKey:
    """Read an RSA, Ed25519 or ECDSA private key in OpenSSH, PKCS#1, SEC1 or PKCS#8 form.

    Raises:
        SecretError: it is no such key, or the passphrase is missing or wrong.
    """
    key = _read(text.strip() + b"\n", passphrase)
    for kind, reader in (
        (RSAPrivateKey, paramiko.RSAKey),
        (Ed25519PrivateKey, paramiko.Ed25519Key),
        (EllipticCurvePrivateKey, paramiko.ECDSAKey),
    ):
        if isinstance(key, kind):
            plain = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
            return reader.from_private_key(StringIO(plain.decode()))
    raise SecretError(
        "the private key is of a kind no longer used; make an Ed25519 key: ssh-keygen -t ed25519"
    )


def _read(text: bytes, passphrase: bytes | None) -> object:
    _refuse_other_forms(text)
    reader = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in text else load_pem_private_key
    try:
        return reader(text, passphrase)
    except TypeError:
        wanted = "has no passphrase but the settings name one" if passphrase else "needs a passphrase"
        raise SecretError(f"the private key {wanted}") from None
    except (ValueError, UnsupportedAlgorithm):
        guilty = "or the passphrase is wrong" if passphrase else "or it needs a passphrase"
        raise SecretError(f"the private key cannot be read: it is damaged, {guilty}") from None


def _refuse_other_forms(text: bytes) -> None:
    if text.startswith(b"PuTTY-User-Key-File"):
        raise SecretError(
            "the private key is in PuTTY's form; convert it: puttygen KEY -O private-openssh -o NEW"
        )
    if text.startswith((b"ssh-", b"ecdsa-")) or b"PUBLIC KEY" in text:
        raise SecretError("this is a public key; the private key is wanted here")
    if b"PRIVATE KEY-----" not in text or len(text) > _LARGEST:
        raise SecretError("this is not a private key; it should begin with -----BEGIN … PRIVATE KEY-----")
