from __future__ import annotations

import pytest

from tests.staging import Stages


@pytest.fixture
def stages(tmp_path):
    """Make the stages' surroundings, with one feed."""
    made = Stages(tmp_path)
    yield made
    made.close()


@pytest.fixture
def make_stages(tmp_path):
    """Make them another way; the arguments are those of `Stages`."""
    made = []

    def make(*feeds, **more):
        made.append(Stages(tmp_path, *feeds, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()
