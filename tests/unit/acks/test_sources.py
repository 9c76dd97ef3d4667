"""Sources of acknowledgements are found by their module's name, and settings name them by `type`."""

import subprocess
import sys

import pytest

from agent.acks import every_kind, kinds, open_source
from agent.acks.mailbox import Options as Mailbox
from agent.acks.mailbox import Source as MailboxSource
from agent.acks.resultfiles import Options as ResultFiles
from agent.acks.resultfiles import Source as ResultFilesSource
from agent.channels.sftp import Options as Sftp
from agent.errors import SettingsError
from agent.settings.loader import load
from agent.settings.models import AckOptions, Settings

AGENT = """\
drop: ../drop
state: ../state
destinations:
  there: {type: sftp, host: h.invalid, username: u, password: {env: P}, host_keys: "SHA256:%s"}
acknowledgements:
  - type: resultfiles
    through: there
    directory: /results
    for: there
    taken_within: none
  - {type: mailbox, host: imap.invalid, username: u, password: {env: P}, poll: 5m}
"""


@pytest.fixture
def settings(tmp_path):
    """Return settings with both sources, as the loader reads them."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "agent.yaml").write_text(AGENT % ("A" * 43))
    return load(folder, every_kind())


def test_each_source_has_its_options():
    """A kind is a module with `Options` and `Source`; what they are made of is none."""
    assert kinds() == {"mailbox": Mailbox, "resultfiles": ResultFiles}
    assert all(issubclass(options, AckOptions) for options in kinds().values())
    assert every_kind().acknowledgements == kinds()
    assert every_kind().destinations["sftp"] is Sftp


def test_settings_become_the_sources_own_options(settings):
    """Times and destinations are read; what is left out has its default."""
    files, mails = settings.acknowledgements
    assert isinstance(files, ResultFiles)
    assert (files.destinations, files.taken_within, files.processed_within) == (("there",), None, 93600.0)
    assert isinstance(mails, Mailbox)
    assert (mails.destinations, mails.poll, mails.taken_within) == ((), 300.0, 3600.0)
    assert (mails.port_used, mails.security) == (993, "tls")


def test_opened_by_its_type(settings):
    """The settings' `type` leads to the source; nothing is connected yet."""
    files, mails = (open_source(each, settings, lambda _: b"") for each in settings.acknowledgements)
    assert isinstance(files, ResultFilesSource)
    assert isinstance(mails, MailboxSource)
    assert (files.kind, mails.kind) == ("file", "mail")
    for source in (files, mails, files, mails):
        source.close()


def test_settings_without_sources_have_none(tmp_path):
    """Nobody is asked what became of the rows."""
    assert Settings(drop=tmp_path, state=tmp_path, destinations={}).acknowledgements == ()


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("password: {env: P}, access_token: {env: T}", "needs either a password or an access_token"),
        ("security: none, password: {env: P}", "needs both or neither: security: none"),
        ("allow_plain_imap: true, password: {env: P}", "needs both or neither: security: none"),
        ("afterwards: move, password: {env: P}", "needs both or neither: afterwards: move"),
        ("idle_timeout: 0s, password: {env: P}", "must be more than 0"),
    ],
)
def test_a_mailbox_whose_settings_do_not_fit_together(tmp_path, written, words):
    """Told at its place, in plain words."""
    (tmp_path / "agent.yaml").write_text(
        "drop: ../drop\nstate: ../state\ndestinations: {}\nacknowledgements:\n"
        f"  - {{type: mailbox, host: h.invalid, username: u, {written}}}\n"
    )
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, every_kind())
    (problem,) = caught.value.problems
    assert problem.line == 5
    assert words in problem.words


def test_settings_are_read_without_the_libraries_of_networks():
    """Commands that fetch nothing do not wait for paramiko or the IMAP library to load."""
    late = "{'paramiko', 'imaplib'} & {*sys.modules}"
    program = f"import sys, agent.acks; agent.acks.every_kind(); sys.exit(bool({late}))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
