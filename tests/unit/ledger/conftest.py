from __future__ import annotations

import pytest

from agent.ledger.ledger import Ledger


@pytest.fixture
def path(tmp_path):
    """Say where the ledger is to be."""
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path):
    """Make a fresh ledger."""
    with Ledger.open(path, must_exist=False) as opened:
        yield opened
