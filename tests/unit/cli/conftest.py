from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from agent import log
from agent.cli.main import main
from tests.running import Installation

if TYPE_CHECKING:
    from collections.abc import Callable

FEED = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: there
settle: 0s
bad_rows: {policy: split, at_most: 60%}
"""


class Said(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        """What it said as JSON."""
        return json.loads(self.out)


@pytest.fixture
def place(tmp_path, sshd, inbox):
    """An installation with one feed, `shop`, that delivers to a folder of its own at the tests' server."""
    made = Installation(tmp_path / "here", sshd, directory=str(inbox), sweeps=False)
    made.feed("shop", FEED)
    yield made
    made.end()


@pytest.fixture
def ask(place, capsys, monkeypatch) -> Callable[..., Said]:
    """Give a command in this process; no command may end with a traceback."""

    def asked(*words: str, config: str = "") -> Said:
        capsys.readouterr()
        monkeypatch.setattr("sys.argv", ["impact-agent", "-c", config or str(place.config), *words])
        with pytest.raises(SystemExit) as left:
            main()
        log.structlog.reset_defaults()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(int(left.value.code), said.out, said.err)

    return asked
