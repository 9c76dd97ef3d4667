"""Secrets: read from where they are kept, refused where others may read them, never told."""

import os

import pytest

from agent.errors import SettingsError
from agent.settings.models import Secret
from agent.settings.secrets import check_secret, reveal

CANARY = b"CANARY-hunter2"


@pytest.fixture
def kept(tmp_path):
    """Return a function that writes a secret's file and returns its reference."""

    def write(content=CANARY, mode=0o600, name="secret"):
        path = tmp_path / name
        path.write_bytes(content)
        path.chmod(mode)
        return Secret(file=path)

    return write


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"s3cret", b"s3cret"),
        (b"s3cret\n", b"s3cret"),
        (b"s3cret\r\n", b"s3cret"),
        (b" s3cret \n\n", b" s3cret \n"),
        (b"-----BEGIN X-----\nabc\n-----END X-----\n", b"-----BEGIN X-----\nabc\n-----END X-----"),
        (b"\x00\xff\n", b"\x00\xff"),
    ],
)
def test_a_file_gives_its_bytes_without_the_last_line_end(kept, tmp_path, content, secret):
    """One line end behind a secret is the editor's; everything else is the secret's."""
    assert reveal(kept(content), tmp_path) == secret


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_for_its_owner_only_is_read(kept, tmp_path, mode):
    """Whatever the owner may do, nobody else may do anything."""
    assert check_secret(kept(mode=mode), tmp_path) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601, 0o620, 0o777])
def test_a_file_that_others_may_touch_is_refused(kept, tmp_path, mode):
    """Group and others have no right at all to a secret's file, through a link neither."""
    secret = kept(mode=mode)
    (tmp_path / "link").symlink_to(secret.file)
    for reference in (secret, Secret(file="link")):
        words = check_secret(reference, tmp_path)
        assert f"{mode:04o}" in words
        assert "chmod 600" in words
        with pytest.raises(SettingsError, match="C-SECRETREF"):
            reveal(reference, tmp_path)


def test_a_relative_file_is_taken_from_the_settings_folder(kept, tmp_path):
    """A secret may lie beside agent.yaml, however the agent was started."""
    kept(name="key")
    assert reveal(Secret(file="key"), tmp_path) == CANARY


def test_an_environment_variable_is_read(monkeypatch, tmp_path):
    """A variable gives its bytes; one that is not set is named."""
    monkeypatch.setitem(os.environb, b"IMPACT_SECRET", b"caf\xe9\n")
    assert reveal(Secret(env="IMPACT_SECRET"), tmp_path) == b"caf\xe9"
    monkeypatch.delenv("IMPACT_SECRET")
    assert "IMPACT_SECRET is not set" in check_secret(Secret(env="IMPACT_SECRET"), tmp_path)


def test_a_credential_is_read_from_where_systemd_puts_it(kept, monkeypatch, tmp_path):
    """The group's bits may be set, as they show systemd's access list; others' may not."""
    kept(mode=0o440, name="impact-key")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert "LoadCredential=impact-key" in check_secret(Secret(credential="impact-key"), tmp_path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert reveal(Secret(credential="impact-key"), tmp_path / "elsewhere") == CANARY
    (tmp_path / "impact-key").chmod(0o444)
    assert "may be read by others" in check_secret(Secret(credential="impact-key"), tmp_path)


@pytest.mark.parametrize("name", ["../key", "/etc/key", "..", ".", "a b", "ä", "", "x\n"])
def test_a_credentials_name_leads_nowhere_else(monkeypatch, tmp_path, name):
    """A credential is a name in systemd's folder, never a path."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert "is not the name of a credential" in check_secret(Secret(credential=name), tmp_path)


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (Secret(), "one of credential, file and env"),
        (Secret(env="A", file="b"), "one of credential, file and env"),
        (Secret(file="missing"), "No such file"),
        (Secret(file="."), "Is a directory"),
        (Secret(file="\0"), "the path cannot be used"),
        (Secret(file="x" * 5000), "name too long"),
        (Secret(env="A=B"), "is not the name of an environment variable"),
    ],
)
def test_what_cannot_be_read_is_told_and_no_traceback(tmp_path, secret, words):
    """Each way to fail is a sentence that names the reference."""
    assert words in check_secret(secret, tmp_path)


def test_empty_large_and_strange_files_are_refused(kept, tmp_path):
    """Nothing, too much, and a pipe nobody writes to are no secrets."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "is empty" in check_secret(kept(b"\n"), tmp_path)
    assert "is larger than" in check_secret(kept(b"x" * 65_537), tmp_path)
    assert "is not a plain file" in check_secret(Secret(file="pipe"), tmp_path)


def test_no_message_holds_the_secret(kept, tmp_path):
    """What is told about a secret's file names the file, not what is in it."""
    for content in (CANARY * 10_000, CANARY):
        with pytest.raises(SettingsError) as caught:
            reveal(kept(content, mode=0o644), tmp_path)
        assert "CANARY" not in repr(caught.value.problems)
