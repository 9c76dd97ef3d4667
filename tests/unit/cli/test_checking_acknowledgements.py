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
