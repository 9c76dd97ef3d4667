from __future__ import annotations

import pytest

from agent.spool import Spool


@pytest.fixture
def spool(tmp_path):
    """Make a fresh spool."""
    made = Spool(tmp_path / "state")
    made.make()
    return made
