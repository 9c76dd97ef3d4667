"""What `check` says about sources of acknowledgements."""

import json

from click.testing import CliRunner

from agent.cli.checking import check

AGENT = """\
drop: ../drop
state: ../state
destinations: {}
acknowledgements:
  - {type: mailbox, host: imap.invalid, username: u, password: {file: nowhere}}
"""


def test_a_secret_that_cannot_be_read_is_told_with_its_source(tmp_path):
    """A mailbox whose password is not there would never be asked."""
    folder = tmp_path / "config"
    folder.mkdir()
    (tmp_path / "drop").mkdir()
    (folder / "agent.yaml").write_text(AGENT)
    done = CliRunner().invoke(check, ["--json"], obj=folder / "agent.yaml")
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem["text"].startswith("agent.yaml: acknowledgements.1.password: C-SECRETREF ")


def test_one_place_is_one_source(tmp_path):
    """Of two entries for one folder only the first would be asked: the other's answers would never come."""
    folder = tmp_path / "config"
    folder.mkdir()
    (tmp_path / "drop").mkdir()
    (tmp_path / "results").mkdir()
    source = "  - {type: resultfiles, folder: ../results, receipts: %s}\n"
    settings = AGENT.partition("  - {")[0]
    (folder / "agent.yaml").write_text(settings + source % "a*" + source % "b*")
    done = CliRunner().invoke(check, ["--json"], obj=folder / "agent.yaml")
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem["text"].startswith("agent.yaml:6:12: C-NAMEDUP this place is among the sources already")
