"""Pinned host keys: how they are written and what they match."""

from __future__ import annotations

import pytest

from agent.channels.ssh import pins

ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
PRINT = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"  # as ssh-keygen -l prints it for that key


def test_fingerprint_is_that_of_ssh_keygen() -> None:
    """The key and its fingerprint are the same pin."""
    assert pins.parse(f"ssh-ed25519 {ED25519}") == pins.Pin("ssh-ed25519", PRINT)
    assert pins.parse(PRINT) == pins.Pin("", PRINT)
    assert pins.parse(f"ssh-ed25519 {PRINT}=") == pins.Pin("ssh-ed25519", PRINT)


@pytest.mark.parametrize(
    "text", ["example.net ssh-ed25519 {}", "ssh-ed25519 {} root@host", "[h]:22 ssh-ed25519 {} c"]
)
def test_what_ssh_keyscan_prints_is_taken(text: str) -> None:
    """Host name and comment are passed over."""
    assert pins.parse(text.format(ED25519)).fingerprint == PRINT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a host key"),
        ("ssh-ed25519", "no key"),
        ("ssh-ed25519 AAAA…", "not whole"),
        (f"ssh-rsa {ED25519}", "not of the kind ssh-rsa"),
        (f"ssh-ed25519 {ED25519[:40]}", "not whole"),
        (ED25519, "is not a host key"),
        ("ssh-dss AAAAB3NzaC1kc3MAAACB", "DSA"),
        ("SHA256:tooshort", "not a whole fingerprint"),
        ("MD5:aa:bb:cc", "is not a host key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
    ],
)
def test_what_is_no_host_key_is_refused(text: str, words: str) -> None:
    """The words say what is wrong, and never quote a private key."""
    with pytest.raises(ValueError, match=words):
        pins.parse(text)


def test_only_pinned_kinds_are_asked_for() -> None:
    """A kind without a pin is not offered, and SHA-1 never; a bare fingerprint may be of any kind."""
    assert pins.algorithms((pins.Pin("ssh-rsa", PRINT),)) == ("rsa-sha2-512", "rsa-sha2-256")
    everything = pins.algorithms((pins.Pin("", PRINT),))
    assert "ssh-ed25519" in everything
    assert "ssh-rsa" not in everything


def test_matching_needs_kind_and_key() -> None:
    """The same fingerprint under another kind is no match."""
    blob = pins._blob("ssh-ed25519", ED25519)
    assert pins.matching((pins.Pin("", PRINT),), "ssh-ed25519", blob)
    assert pins.matching((pins.Pin("ssh-rsa", PRINT), pins.Pin("ssh-ed25519", PRINT)), "ssh-ed25519", blob)
    assert not pins.matching((pins.Pin("ssh-rsa", PRINT),), "ssh-ed25519", blob)
    assert not pins.matching((pins.Pin("", PRINT),), "ssh-ed25519", blob + b"\0")
